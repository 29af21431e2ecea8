/* SPDX-License-Identifier: MIT */
/*
 * A task's passage through the layers of its channel: down to the backend, layer by layer, and up
 * again with its result. A layer may keep it on either way; what ends that is told by enum hold.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "layer/layer.h"

static void unhold(struct passage *p)
{
	assert(p->held);
	p->held = false;
	list_del(&p->link);
	/* With the last of them, resets that were kept may be answered, on whatever loop. */
	if (p->hold == HOLD_FENCE &&
		atomic_fetch_sub_explicit(&p->place->layers->deaf, 1, memory_order_relaxed) == 1)
		layers_tell(p->place->layers, false, false);
	if (p->held_count)
		atomic_fetch_sub_explicit(p->held_count, 1, memory_order_relaxed);
	if (p->hold == HOLD_TIMER)
		spt_host_timer_clear(p->place->host, &p->timer);
}

enum step layer_hold(struct passage *p, enum hold hold, atomic_uint *count)
{
	struct place *place = p->place;

	/* Nobody could see or release what a layer keeps that was changed meanwhile. */
	if (!set_has(place->set, p->set->instances[p->at]))
		return STEP_PASS;
	/* Nothing stays where everything has to go. */
	if (place->fenced)
		return p->up ? STEP_PASS : layer_check(p, SPT_KEY_NOT_READY, 0x0400);
	p->held = true;
	p->hold = hold;
	p->held_count = count;
	list_append(&place->held, &p->link);
	if (hold == HOLD_FENCE)
		atomic_fetch_add_explicit(&place->layers->deaf, 1, memory_order_relaxed);
	if (count)
		atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
	return STEP_HOLD;
}

static void time_over(struct spt_timer *timer)
{
	struct passage *p = timer->arg;
	struct place *place = p->place;

	place_enter(place);
	passage_go_on(p);
	place_leave(place);
}

enum step layer_hold_for(struct passage *p, uint64_t us, atomic_uint *count)
{
	if (!us)
		return STEP_PASS;
	enum step step = layer_hold(p, HOLD_TIMER, count);
	if (step == STEP_HOLD)
		spt_host_timer_set(p->place->host, &p->timer, us);
	return step;
}

static void stay(struct spt_task *task, void *arg)
{
	(void)task;
	(void)arg;
}

/* The completion above it keeps the task with us: the result is set, and nothing more. */
enum step layer_check(struct passage *p, uint8_t key, spt_asc_t asc)
{
	int r = spt_task_push(p->task, stay, NULL);

	assert(!r);
	(void)r;
	spt_task_check(p->task, key, asc);
	return STEP_DONE;
}

enum step layer_status(struct passage *p, uint8_t status)
{
	p->task->status = status;
	return STEP_DONE;
}

static void over(struct passage *p)
{
	struct spt_task *task = p->task;

	task->layer = NULL;
	place_passed(p->place, p);
	spt_task_complete(task);
}

static void go_up(struct passage *p)
{
	p->up = true;
	while (p->at > 0) {
		p->at--;
		struct instance *i = p->set->instances[p->at];
		enum step step = i->ops->up(i->state, p, &p->memos[p->at]);
		assert(step != STEP_DONE);
		if (step == STEP_HOLD)
			return;
	}
	over(p);
}

static void came_back(struct spt_task *task, void *arg)
{
	struct passage *p = arg;
	struct place *place = p->place;

	(void)task;
	place_enter(place);
	p->below = false;
	go_up(p);
	place_leave(place);
}

static void go_below(struct passage *p)
{
	const struct spt_way *below = &p->place->below;
	int r = spt_task_push(p->task, came_back, p);

	assert(!r);
	(void)r;
	p->below = true;
	below->ops->submit(below->channel, p->task);
}

static void go_down(struct passage *p)
{
	for (; p->at < p->set->n; p->at++) {
		struct instance *i = p->set->instances[p->at];
		switch (i->ops->down(i->state, p, &p->memos[p->at])) {
		case STEP_PASS:
			break;
		case STEP_HOLD:
			return;
		case STEP_DONE:
			go_up(p);
			return;
		}
	}
	go_below(p);
}

static struct passage *passage_new(struct place *place)
{
	struct passage *p = list_first(&place->spares, struct passage, link);

	if (p) {
		list_del(&p->link);
		place->n_spares--;
		return p;
	}
	p = calloc(1, sizeof(*p));
	if (p) {
		p->place = place;
		p->timer = (struct spt_timer){ .fn = time_over, .arg = p };
		list_init(&p->link);
	}
	return p;
}

void passage_free(struct passage *p)
{
	spt_host_timer_clear(p->place->host, &p->timer);
	free(p);
}

bool passage_begin(struct place *place, struct spt_task *task)
{
	struct passage *p = passage_new(place);

	if (!p)
		return false;
	p->task = task;
	p->set = set_ref(place->set);
	p->at = 0;
	p->up = p->below = p->held = false;
	memset(p->memos, 0, sizeof(p->memos));
	task->layer = p;
	place->n_passages++;
	go_down(p);
	return true;
}

void passage_go_on(struct passage *p)
{
	unhold(p);
	if (p->up) {
		go_up(p);
		return;
	}
	p->at++;
	go_down(p);
}

void passage_give_up(struct passage *p)
{
	unhold(p);
	if (!p->up) {
		if (p->task->aborting)
			p->task->outcome = SPT_ABORTED;
		else if (p->place->fenced)
			layer_check(p, SPT_KEY_NOT_READY, 0x0400);
		else
			layer_check(p, SPT_KEY_ABORTED_COMMAND, 0x0000); /* its initiator waits for an answer */
	}
	go_up(p);
}
