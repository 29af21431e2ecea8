/* SPDX-License-Identifier: MIT */
/*
 * A configuration that is read again: see reload.h. Reading, checking and opening are done where they may block; the first
 * worker's loop then puts the result in its place.
 */
#include "reload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "control/control.h"
#include "log/log.h"
#include "service/notify.h"
#include "service/privileges.h"
#include "target/worker.h"

/*
 * A device that an earlier reload has taken out may hold its medium still: by a session that has not gone over, by a
 * command that is being aborted, or because closing takes time. One that needs that medium waits for so long.
 */
#define IN_USE_WAIT_US  5000000u
#define IN_USE_AGAIN_US 200000u

/* A line for the log and for whoever asked. */
static void say(struct reload *r, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

static void say(struct reload *r, enum log_level level, const char *format, ...)
{
	char text[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_at(level, "reload: %s", text);
	if (r->query)
		snapshot_report(&r->query->snapshot, text);
}

static void ready(struct spt_work *work);

static void read_and_open(struct spt_work *work)
{
	struct reload *r = work->arg;

	r->result = config_load(r->path, &r->errors, &r->config);
	if (r->result < 0)
		return;
	r->result = plan_make(r->before->config, r->config, &r->plan);
	/* First what may be refused to us, then what takes time. */
	if (!r->result)
		r->result = listening_make(r->config, &r->server->listening, NULL, 0, &r->error,
			&r->listening);
	if (!r->result)
		r->result = generation_new(r->config, r->before, r->server->state_dir, &r->error,
			&r->generation);
	if (!r->result)
		r->result = listening_tell(&r->listening, r->generation);
}

static void say_faults(struct reload *r)
{
	char text[640];

	for (size_t i = 0; i < r->errors.n; i++) {
		config_error_format(&r->errors, i, text, sizeof(text));
		say(r, r->errors.list[i].warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s", text);
	}
}

static void say_changes(struct reload *r)
{
	char text[320];

	for (size_t i = 0; i < r->plan.n; i++) {
		plan_text(&r->plan.list[i], text, sizeof(text));
		say(r, LOG_LEVEL_NOTICE, "%s", text);
	}
	say(r, LOG_LEVEL_NOTICE, "%s is in use: portals %zu, devices %zu, targets %zu", r->path,
		r->generation->config->n_portals, r->generation->config->n_devices,
		r->generation->config->n_targets);
}

static void put_in_place(struct reload *r)
{
	const struct config_daemon *d = &r->generation->config->daemon;

	privileges_allow_connections(d->max_connections);
	if (!r->level_given)
		log_set_level((enum log_level)d->log_level);
	server_switch(r->server, r->generation, &r->listening);
	say_changes(r);
	notify_status("targets: %zu", r->generation->n_targets);
}

/* Nothing has changed, and what was made is taken apart again. */
static void give_up(struct reload *r)
{
	if (r->error.text[0])
		say(r, LOG_LEVEL_ERROR, "%s", r->error.text);
	else if (!r->errors.n_fatal)
		say(r, LOG_LEVEL_ERROR, "%s", strerror(-r->result));
	say(r, LOG_LEVEL_ERROR, "%s is not used; nothing has changed", r->path);
	listening_discard(&r->listening);
	if (r->generation)
		generation_free(r->generation);
	else
		config_free(r->config);
}

static void begin(struct reload *r)
{
	r->config = NULL;
	r->generation = NULL;
	r->error.text[0] = 0;
	r->listening = (struct listening){ 0 };
	r->work = (struct spt_work){ .work = read_and_open, .done = ready, .arg = r };
	spt_host_offload(loop_host(r->server->workers[0].loop), &r->work);
}

static void begin_again(struct spt_timer *timer)
{
	struct reload *r = timer->arg;

	spt_host_timer_clear(loop_host(r->server->workers[0].loop), timer);
	begin(r);
}

/* Is it worth another try, as what is in use may be so by a generation that goes? Then that is on its way. */
static bool tries_again(struct reload *r)
{
	struct spt_host *host = loop_host(r->server->workers[0].loop);

	if (r->result != -EBUSY || r->server->draining || !server_retiring(r->server) ||
		spt_host_now_us(host) >= r->give_up_us)
		return false;
	log_info("reload: %s; waiting for what is going", r->error.text);
	plan_deinit(&r->plan);
	listening_discard(&r->listening);
	config_free(r->config);
	r->again = (struct spt_timer){ .fn = begin_again, .arg = r };
	spt_host_timer_set(host, &r->again, IN_USE_AGAIN_US);
	return true;
}

static void answer(struct reload *r, int result)
{
	struct control_query *query = TAKE(r->query);

	if (query)
		control_answer(query, result);
}

static void ready(struct spt_work *work)
{
	struct reload *r = work->arg;
	bool good = !r->result && !r->server->draining;

	if (tries_again(r))
		return;
	say_faults(r);
	if (good)
		put_in_place(r);
	else
		give_up(r);
	plan_deinit(&r->plan);
	generation_unref(TAKE(r->before));
	r->under_way = false;
	if (!r->server->draining)
		notify_ready();
	answer(r, good ? 0 : -EINVAL);
	r->over(r->arg, good);
}

void reload_begin(struct reload *r, struct control_query *query)
{
	struct spt_host *host = loop_host(r->server->workers[0].loop);

	if (r->under_way) {
		log_notice("reload: one is under way already");
		if (query)
			control_answer(query, spt_error_set(&query->error, -EBUSY,
				"a reload is under way already"));
		return;
	}
	r->query = query;
	if (!r->path || r->server->draining) {
		say(r, LOG_LEVEL_WARNING, r->path ? "the daemon is stopping"
						  : "there is no file: the daemon was started with --demo");
		answer(r, -EINVAL);
		return;
	}
	log_notice("reload: reading %s", r->path);
	notify_reloading();
	r->under_way = true;
	r->give_up_us = spt_host_now_us(host) + IN_USE_WAIT_US;
	r->before = generation_ref(r->server->generation);
	begin(r);
}
