/* SPDX-License-Identifier: MIT */
/* The commands of an upstream session: see up_places.h. */
#include "passthrough/up_places.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/util.h"

int up_places_init(struct up_places *p, unsigned n)
{
	*p = (struct up_places){ .n = n };
	list_init(&p->free);
	list_init(&p->sent);
	list_init(&p->ended);
	list_init(&p->retired);
	list_init(&p->resets);
	list_init(&p->resets_done);
	p->commands = calloc(n, sizeof(*p->commands));
	if (!p->commands)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		list_append(&p->free, &p->commands[i].link);
	return 0;
}

void up_places_deinit(struct up_places *p)
{
	free(p->commands);
}

struct up_command *up_places_free(const struct up_places *p)
{
	if (p->aborts_wanted || p->resets_wanted)
		return NULL;
	return list_first(&p->free, struct up_command, link);
}

static void move(struct up_command *cmd, struct spt_link *list)
{
	list_del(&cmd->link);
	list_append(list, &cmd->link);
}

void up_places_sent(struct up_places *p, struct up_command *cmd)
{
	cmd->abort = UP_ABORT_NONE;
	cmd->tmf_pending = cmd->ended = cmd->cut = false;
	cmd->serial = ++p->serial;
	move(cmd, &p->sent);
}

void up_places_end(struct up_places *p, struct up_command *cmd, const struct up_reply *reply)
{
	if (cmd->abort == UP_ABORT_WANTED)
		p->aborts_wanted--;
	cmd->reply = *reply;
	cmd->ended = true;
	move(cmd, &p->ended);
}

static void finish_reset(struct up_places *p, struct up_reset *reset)
{
	list_del(&reset->link);
	list_append(&p->resets_done, &reset->link);
}

void up_places_end_all(struct up_places *p)
{
	const struct up_reply lost = { .fate = UP_LOST };
	struct up_command *cmd;
	struct up_reset *reset;

	while ((cmd = list_first(&p->sent, struct up_command, link)))
		up_places_end(p, cmd, &lost);
	while ((reset = list_first(&p->resets, struct up_reset, link))) {
		reset->done = true;
		reset->result = -ENOTCONN;
		finish_reset(p, reset);
	}
}

struct up_command *up_places_take(struct up_places *p)
{
	struct up_command *cmd = list_first(&p->ended, struct up_command, link);

	if (cmd)
		list_del(&cmd->link);
	return cmd;
}

void up_places_release(struct up_places *p, struct up_command *cmd, bool clean)
{
	cmd->task = NULL;
	list_append(clean ? &p->free : &p->retired, &cmd->link);
}

void up_places_drained(struct up_places *p)
{
	struct up_command *cmd, *next;

	p->serial_out = p->serial;
	list_foreach_safe (cmd, next, &p->retired, link) {
		if (!cmd->tmf_pending)
			move(cmd, &p->free);
	}
}

void up_places_abort(struct up_places *p, struct up_command *cmd, uint64_t now_us)
{
	if (cmd->ended || cmd->abort != UP_ABORT_NONE)
		return;
	cmd->abort = UP_ABORT_WANTED;
	cmd->abort_us = now_us;
	p->aborts_wanted++;
}

void up_places_abort_all(struct up_places *p, uint64_t now_us)
{
	struct up_command *cmd;

	list_foreach (cmd, &p->sent, link)
		up_places_abort(p, cmd, now_us);
}

uint64_t up_places_abort_since(const struct up_places *p)
{
	uint64_t since = UINT64_MAX;
	const struct up_command *cmd;

	list_foreach (cmd, &p->sent, link) {
		if (cmd->abort != UP_ABORT_NONE)
			since = MIN(since, cmd->abort_us);
	}
	return since;
}

/* A function that is under way ends it, too: asked for one by one only if that is refused. */
static bool covered(const struct up_places *p, const struct up_command *cmd)
{
	const struct up_reset *reset;

	list_foreach (reset, &p->resets, link) {
		if (reset->ends && !reset->done && cmd->serial < reset->serial)
			return true;
	}
	return false;
}

struct up_command *up_places_next_abort(struct up_places *p)
{
	struct up_command *cmd;

	if (!p->aborts_wanted)
		return NULL;
	list_foreach (cmd, &p->sent, link) {
		if (cmd->abort != UP_ABORT_WANTED || cmd->serial > p->serial_out || covered(p, cmd))
			continue;
		p->aborts_wanted--;
		cmd->abort = UP_ABORT_SENT;
		cmd->tmf_pending = true;
		return cmd;
	}
	return NULL;
}

void up_places_abort_answered(struct up_places *p, struct up_command *cmd, bool gone)
{
	cmd->tmf_pending = false;
	if (cmd->ended)
		return;
	if (gone)
		cmd->cut = p->cuts = true;
	else
		cmd->abort = UP_ABORT_REFUSED;
}

void up_places_reset(struct up_places *p, struct up_reset *reset)
{
	reset->done = false;
	reset->serial = 0;
	list_append(&p->resets, &reset->link);
	p->resets_wanted++;
}

struct up_reset *up_places_next_reset(struct up_places *p)
{
	struct up_reset *reset;

	if (!p->resets_wanted)
		return NULL;
	list_foreach (reset, &p->resets, link) {
		if (reset->serial)
			continue;
		p->resets_wanted--;
		reset->serial = p->serial + 1;
		return reset;
	}
	return NULL;
}

void up_places_end_resets(struct up_places *p)
{
	struct up_reset *reset, *next;
	struct up_command *cmd;

	list_foreach_safe (reset, next, &p->resets, link) {
		if (!reset->done)
			continue;
		list_foreach (cmd, &p->sent, link) {
			if (!reset->result && reset->ends && cmd->serial < reset->serial)
				cmd->cut = p->cuts = true;
		}
		finish_reset(p, reset);
	}
}

struct up_reset *up_places_take_reset(struct up_places *p)
{
	struct up_reset *reset = list_first(&p->resets_done, struct up_reset, link);

	if (reset)
		list_del(&reset->link);
	return reset;
}

struct up_command *up_places_next_cut(struct up_places *p)
{
	struct up_command *cmd;

	if (!p->cuts)
		return NULL;
	list_foreach (cmd, &p->sent, link) {
		if (cmd->cut)
			return cmd;
	}
	p->cuts = false;
	return NULL;
}
