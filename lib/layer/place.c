/* SPDX-License-Identifier: MIT */
/*
 * The layers' place in a channel: a table of operations that stands in the channel's way while a layer
 * is on, or while a task is still on its passage. Everything on the channel's loop.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/util.h"
#include "layer/layer.h"

#define SPARES_MAX 64u

/* A reset that the device does not answer, because a rule says so. */
struct held_reset {
	struct spt_link link;
	struct spt_reset *reset;
};

static void close_below(struct place *place)
{
	struct passage *p;
	struct spt_way below = place->below;
	void (*closed)(void *) = place->closed;
	void *arg = place->closed_arg;

	while ((p = list_first(&place->spares, struct passage, link))) {
		list_del(&p->link);
		passage_free(p);
	}
	set_unref(place->set);
	free(place);
	below.ops->channel_close(below.channel, closed, arg);
}

static bool is_posted(struct place *place)
{
	pthread_mutex_lock(&place->layers->lock);
	bool posted = place->posted;
	pthread_mutex_unlock(&place->layers->lock);
	return posted;
}

void place_enter(struct place *place)
{
	place->busy++;
}

void place_leave(struct place *place)
{
	if (--place->busy == 0 && place->closing && !is_posted(place))
		close_below(place);
}

static void sweep(struct spt_work *work)
{
	layers_sweep(((struct place *)work->arg)->layers);
}

static void swept(struct spt_work *work)
{
	struct place *place = work->arg;

	if (place->sweep_again) {
		place->sweep_again = false;
		spt_host_offload(place->host, &place->work);
		return;
	}
	place->sweeping = false;
	place_leave(place);
}

/* A layer that nobody has any more closes files and waits for threads: not on a loop. */
static void drop_set(struct place *place, struct set *set)
{
	if (!set_unref(set) || place->closing)
		return;
	if (place->sweeping) {
		place->sweep_again = true; /* the one under way may have looked already */
		return;
	}
	place->sweeping = true;
	place_enter(place);
	spt_host_offload(place->host, &place->work);
}

static void nexus_start(void *channel, const struct spt_nexus *nexus, bool reinstated)
{
	const struct spt_way *below = &((struct place *)channel)->below;

	if (below->ops->nexus_start)
		below->ops->nexus_start(below->channel, nexus, reinstated);
}

static void nexus_stop(void *channel, const struct spt_nexus *nexus)
{
	const struct spt_way *below = &((struct place *)channel)->below;

	if (below->ops->nexus_stop)
		below->ops->nexus_stop(below->channel, nexus);
}

/* While the backend judges: it may refuse the task, and that is the end of it. */
struct judging {
	const struct set *set;
	bool refused;
};

static void refused(struct spt_task *task, void *arg)
{
	struct judging *j = arg;

	j->refused = true;
	for (unsigned i = 0; i < j->set->n; i++) {
		const struct instance *in = j->set->instances[i];
		if (in->ops->refused)
			in->ops->refused(in->state, task);
	}
	spt_task_complete(task);
}

static void judge(void *channel, struct spt_task *task)
{
	struct place *place = channel;
	const struct spt_way *below = &place->below;

	if (!below->ops->judge) {
		task->out_wanted_bytes = task->expected_out_bytes;
		return;
	}
	struct judging j = { .set = place->set };
	if (!j.set || spt_task_push(task, refused, &j) < 0) {
		below->ops->judge(below->channel, task);
		return;
	}
	place_enter(place);
	below->ops->judge(below->channel, task);
	if (!j.refused)
		spt_task_pop(task);
	place_leave(place);
}

static void submit(void *channel, struct spt_task *task)
{
	struct place *place = channel;

	place_enter(place);
	if (place->fenced)
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0400); /* CAUSE NOT REPORTABLE */
	else if (!place->set || !passage_begin(place, task))
		place->below.ops->submit(place->below.channel, task);
	place_leave(place);
}

static void cancel(void *channel, struct spt_task *task)
{
	struct place *place = channel;
	struct passage *p = task->layer;

	place_enter(place);
	if (p && p->held) {
		if (p->hold <= HOLD_ABORT)
			passage_give_up(p);
	} else if ((!p || p->below) && place->below.ops->cancel) {
		place->below.ops->cancel(place->below.channel, task);
	}
	place_leave(place);
}

/* What of @held ends when @hold is what happens; each once, since new ones may come meanwhile. */
static void end_held(struct place *place, enum hold hold, void (*end)(struct passage *))
{
	struct spt_link ending;
	struct passage *p, *next;

	list_init(&ending);
	list_foreach_safe (p, next, &place->held, link) {
		if (p->hold > hold)
			continue;
		list_del(&p->link);
		list_append(&ending, &p->link);
	}
	while ((p = list_first(&ending, struct passage, link)))
		end(p);
}

static void answer_resets(struct place *place, int result)
{
	struct held_reset *h;

	while ((h = list_first(&place->resets, struct held_reset, link))) {
		struct spt_reset *reset = h->reset;
		list_del(&h->link);
		free(h);
		reset->done(reset, result);
	}
}

static void reset(void *channel, struct spt_reset *reset)
{
	struct place *place = channel;
	const struct spt_way *below = &place->below;

	place_enter(place);
	if (atomic_load_explicit(&place->layers->deaf, memory_order_relaxed)) {
		struct held_reset *h = malloc(sizeof(*h));
		if (h) {
			h->reset = reset;
			list_append(&place->resets, &h->link);
		} else {
			reset->done(reset, -ENOMEM);
		}
		place_leave(place);
		return;
	}
	layers_tell(place->layers, true, false);
	end_held(place, HOLD_RESET, passage_give_up);
	if (below->ops->reset)
		below->ops->reset(below->channel, reset);
	else
		reset->done(reset, -EOPNOTSUPP);
	place_leave(place);
}

static void fence(void *channel)
{
	struct place *place = channel;

	place_enter(place);
	place->fenced = true;
	end_held(place, HOLD_FENCE, passage_give_up);
	answer_resets(place, -EIO);
	if (place->below.ops->fence)
		place->below.ops->fence(place->below.channel);
	place_leave(place);
}

/* In a channel that is closed, the library closes the place (layers_ops.place_close). */
static const struct spt_backend_ops IN_BETWEEN = {
	.name = "layers",
	.nexus_start = nexus_start,
	.nexus_stop = nexus_stop,
	.judge = judge,
	.submit = submit,
	.cancel = cancel,
	.reset = reset,
	.fence = fence,
};

/* In the way while there is something to do there. */
static void arrange(struct place *place)
{
	bool wanted = place->set || place->n_passages || place->fenced;

	if (place->closing || wanted == place->in_way)
		return;
	place->in_way = wanted;
	*place->way = wanted ? (struct spt_way){ &IN_BETWEEN, place } : place->below;
}

static void go_on(struct passage *p)
{
	/* What was to be ended meanwhile is not begun any more. */
	if (p->task->aborting)
		passage_give_up(p);
	else
		passage_go_on(p);
}

/* What is kept by a layer that is no longer as it was goes on. */
static void let_go(struct place *place)
{
	struct spt_link going;
	struct passage *p, *next;

	list_init(&going);
	list_foreach_safe (p, next, &place->held, link) {
		if (set_has(place->set, p->set->instances[p->at]))
			continue;
		list_del(&p->link);
		list_append(&going, &p->link);
	}
	while ((p = list_first(&going, struct passage, link)))
		go_on(p);
}

/* Something was changed on another thread. */
static void look(struct spt_post *post)
{
	struct place *place = post->arg;
	struct layers *layers = place->layers;

	pthread_mutex_lock(&layers->lock);
	place->posted = false;
	bool do_reset = place->do_reset, do_release = place->do_release;
	place->do_reset = place->do_release = false;
	struct set *old = place->set;
	place->set = set_ref(layers->set);
	pthread_mutex_unlock(&layers->lock);

	place_enter(place);
	arrange(place);
	if (do_reset)
		end_held(place, HOLD_RESET, passage_give_up);
	if (do_release)
		end_held(place, HOLD_FENCE, go_on);
	let_go(place);
	if (!atomic_load_explicit(&layers->deaf, memory_order_relaxed))
		answer_resets(place, -EIO);
	arrange(place);
	drop_set(place, old);
	place_leave(place);
}

void place_passed(struct place *place, struct passage *p)
{
	for (unsigned i = 0; i < LAYER_KINDS; i++)
		free(TAKE(p->memos[i].memory));
	drop_set(place, TAKE(p->set));
	place->n_passages--;
	if (place->n_spares < SPARES_MAX) {
		list_append(&place->spares, &p->link);
		place->n_spares++;
	} else {
		passage_free(p);
	}
	arrange(place);
}

int place_new(void *layers, struct spt_host *host, void **ret)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -ENOMEM;
	place->layers = layers;
	place->host = host;
	list_init(&place->link);
	list_init(&place->held);
	list_init(&place->spares);
	list_init(&place->resets);
	place->post = (struct spt_post){ .fn = look, .arg = place };
	place->work = (struct spt_work){ .work = sweep, .done = swept, .arg = place };
	*ret = place;
	return 0;
}

void place_free(void *place)
{
	free(place);
}

void place_enter_way(void *arg, struct spt_way *way)
{
	struct place *place = arg;
	struct layers *layers = place->layers;

	place->way = way;
	place->below = *way;
	pthread_mutex_lock(&layers->lock);
	list_append(&layers->places, &place->link);
	place->set = set_ref(layers->set);
	pthread_mutex_unlock(&layers->lock);
	arrange(place);
}

void place_close(void *arg, void (*closed)(void *arg), void *closed_arg)
{
	struct place *place = arg;

	assert(!place->n_passages);
	place_enter(place);
	place->closing = true;
	place->closed = closed;
	place->closed_arg = closed_arg;
	pthread_mutex_lock(&place->layers->lock);
	list_del(&place->link); /* nothing is posted any more but what is on its way */
	pthread_mutex_unlock(&place->layers->lock);
	answer_resets(place, -EIO);
	place_leave(place);
}

bool place_holds(const void *place)
{
	return !list_empty(&((const struct place *)place)->held);
}
