/* SPDX-License-Identifier: MIT */
/*
 * What a layer is, and the objects that carry it. Nothing outside lib/layer includes this.
 *
 *   layers    one a device: which layers are on and with which options
 *   kind      one a layer of a device: its options as they were written, on or off
 *   instance  a layer that was opened with its options; a change makes a new one
 *   set       the instances that are on, top to bottom; immutable, counted by places and passages
 *   place     one a channel, on its loop: puts itself into the channel's way while a layer is on
 *   passage   one a task, from submit() to its completion: down through its set, and up again
 *
 * Loops meet in two points only: a place is told of a change by a post, and instances count with atomics.
 */
#ifndef LAYER_LAYER_H
#define LAYER_LAYER_H

#include <pthread.h>
#include <stdatomic.h>

#include <spt/backend.h>
#include <spt/layer.h>
#include <spt/link.h>

#include "layer/rows.h"

struct passage;

/* What a layer does with a task that comes by. */
enum step {
	STEP_PASS, /* to the next one */
	STEP_HOLD, /* it stays: layer_hold() or layer_hold_for() was called */
	STEP_DONE, /* its result is set: it turns round. On the way down only */
};

/* What ends the hold of a task; each ends what those before it end. */
enum hold {
	HOLD_TIMER, /* its time is over */
	HOLD_ABORT, /* somebody wants it gone */
	HOLD_RESET, /* a logical unit reset */
	HOLD_FENCE, /* nothing else: a reset is not answered either */
};

/* What a layer remembers of a task on its way. */
struct memo {
	void *rule;
	void *memory; /* freed with the passage */
	uint64_t number;
};

struct layer_ops {
	const char *name;
	unsigned first_option; /* of LAYER_ROWS */
	unsigned n_options;
	/* @values: of its own options. Judges them, and opens nothing. */
	int (*check)(const struct spt_option_value *values, struct spt_error *error);
	/* May block, as may close(). */
	int (*open)(struct spt_device *device, const struct spt_option_value *values,
		struct spt_error *error, void **ret);
	void (*close)(void *state);
	enum step (*down)(void *state, struct passage *passage, struct memo *memo);
	enum step (*up)(void *state, struct passage *passage, struct memo *memo);
	/* The backend refused it when it judged it; NULL: of no interest. */
	void (*refused)(void *state, const struct spt_task *task);
	void (*each)(void *state, void (*fn)(void *arg, const struct spt_layer_row *row), void *arg);
};

extern const struct layer_ops LAYER_TRACE, LAYER_DELAY, LAYER_FAULT;
/* All layers there are, in the order of the manual. */
extern const struct layer_ops *const LAYERS[];
#define LAYER_KINDS 3u

struct instance {
	struct spt_link link; /* in layers->instances */
	const struct layer_ops *ops;
	void *state;
	atomic_uint refs; /* of sets */
};

struct set {
	atomic_uint refs;
	unsigned n;
	struct instance *instances[LAYER_KINDS];
};

struct kind {
	const struct layer_ops *ops;
	bool on;
	char *texts[LAYER_OPTIONS_MAX]; /* of its options; NULL: the default */
	struct instance *instance;	/* what is in the set; NULL: it is off */
};

struct layers {
	struct spt_device *device;
	pthread_mutex_t change; /* one change at a time, which may block; never taken on a loop */
	struct spt_link instances;
	pthread_mutex_t lock;		/* for moments: the rest, and for who writes kinds */
	struct kind kinds[LAYER_KINDS]; /* top to bottom; written with both locks */
	struct set *set;	 /* NULL: none is on */
	struct spt_link places;
	atomic_uint deaf; /* tasks with HOLD_FENCE: resets are not answered */
};

struct place {
	struct spt_link link; /* in layers->places; under its lock */
	struct layers *layers;
	struct spt_host *host;
	struct spt_way *way; /* the channel's */
	struct spt_way below;
	struct set *set;
	bool in_way;
	struct spt_link held;	/* passages that a layer keeps */
	struct spt_link spares; /* passages without a task */
	unsigned n_spares;
	unsigned n_passages; /* with a task */
	struct spt_link resets; /* struct held_reset: not to be answered */
	struct spt_post post;
	bool posted;	 /* under layers->lock, as are the next two */
	bool do_reset;	 /* what a reset ends is to be ended */
	bool do_release; /* everything is to go on */
	bool fenced;
	struct spt_work work; /* closes what no set has any more */
	bool sweeping, sweep_again;
	unsigned busy; /* entered; to be closed when it is left */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

struct passage {
	struct spt_link link; /* in place->held or place->spares */
	struct spt_task *task;
	struct place *place;
	struct set *set;
	unsigned at; /* the layer it is with; set->n: below all of them */
	bool up, below, held;
	enum hold hold;
	atomic_uint *held_count; /* of whoever keeps it, or NULL */
	struct spt_timer timer;
	struct memo memos[LAYER_KINDS];
};

/* passage.c: for layers */

/* The task stays until something of @hold ends that. @count: counts those that stay; may be NULL. */
enum step layer_hold(struct passage *passage, enum hold hold, atomic_uint *count);
enum step layer_hold_for(struct passage *passage, uint64_t us, atomic_uint *count);
/* The task ends with CHECK CONDITION and this sense. */
enum step layer_check(struct passage *passage, uint8_t key, spt_asc_t asc);
/* With this status and no sense. */
enum step layer_status(struct passage *passage, uint8_t status);

/* passage.c: for place.c */

/* @task begins; false: out of memory, it is not known here. May end it, and @place's use with it. */
bool passage_begin(struct place *place, struct spt_task *task);
void passage_free(struct passage *passage);
/* One that is held: goes on from where it was, as if nothing had kept it. */
void passage_go_on(struct passage *passage);
/* One that is held: it never reaches the device, if it has not; aborted, or, where nobody has asked for that, NOT
 * READY when fenced and ABORTED COMMAND after a reset. */
void passage_give_up(struct passage *passage);

/* place.c */
void place_enter(struct place *place);
void place_leave(struct place *place);
/* A passage is over. */
void place_passed(struct place *place, struct passage *passage);
int place_new(void *layers, struct spt_host *host, void **ret);
void place_free(void *place);
void place_enter_way(void *place, struct spt_way *way);
void place_close(void *place, void (*closed)(void *arg), void *arg);
bool place_holds(const void *place);

/* names.c */

/* Tells that there is no layer @name: -ENOENT. */
int layer_unknown(const char *name, struct spt_error *error);
/* "trace delay": @ret (room for LAYER_KINDS) in this order, @ret_n of them. -EINVAL with @error told. */
int layer_names(const char *text, const struct layer_ops **ret, size_t *ret_n,
	struct spt_error *error);

/* kind.c */

/* All kinds, top to bottom: as the option "layers" says, then those that are off. @values: may be NULL. */
int kinds_make(struct layers *layers, const struct spt_option_value *values,
	struct spt_error *error);
/* @to gets everything but the instance; to be deinited even after -ENOMEM. */
int kind_copy(const struct kind *from, struct kind *to);
/* See spt_layer_set(); "release" is none of its settings. */
int kind_apply(struct kind *wanted, const char *setting, struct spt_error *error);
/* Its options as values, LAYER_OPTIONS_MAX of them. */
int kind_values(const struct kind *kind, struct spt_option_value *values, struct spt_error *error);
void kind_deinit(struct kind *kind);

/* instance.c; both may block, with layers->change held or nobody else there */

int instance_open(struct layers *layers, const struct kind *kind, struct spt_error *error,
	struct instance **ret);
/* Closes those that no set has any more. */
void instances_sweep(struct layers *layers);

/* set.c */

/* Of the instances that are; NULL when there are none. -ENOMEM. */
int set_make(const struct layers *layers, struct set **ret);
struct set *set_ref(struct set *set);
/* True: it was the last one, and instances may be of no use any more. */
bool set_unref(struct set *set);
bool set_has(const struct set *set, const struct instance *instance);

/* layers.c */

/* Closes what no passage uses any more; may block. */
void layers_sweep(struct layers *layers);
/* @set takes the place of the one that was, and every place is told. */
void layers_install(struct layers *layers, struct set *set);
/* Every place is told to look; @reset, @release: what else. Any thread. */
void layers_tell(struct layers *layers, bool reset, bool release);

#endif
