/* SPDX-License-Identifier: MIT */
/*
 * The inside of task management: tmf.c knows the functions, tmf_part.c what happens on each loop,
 * tmf_reset.c the resets that somebody waits for.
 *
 *   run    a function under way; lives on the loop it came from
 *   part   what it has to do on one loop; runs there, and goes home when it is over
 *
 * Both hold the contexts they concern, so that none goes away under a part that is on its way.
 */
#ifndef CORE_TMF_H
#define CORE_TMF_H

#include "core/core.h"

/* Which tasks: a member that is NULL does not narrow the scope. Compared only, but for luns. */
struct scope {
	const struct spt_session *session;
	const struct spt_device *device;
	const struct spt_lun_map *luns;
	const struct spt_task *task;
	uint64_t cookie; /* of a preempted session, on the one loop that knows it; 0: any */
};

enum stage { STAGE_WAIT, STAGE_RESET, STAGE_FENCED };

struct tmf_part {
	struct spt_link link;        /* in context->tmf_parts */
	struct spt_context *context; /* held */
	struct spt_tmf_run *run;
	struct spt_post post;
	struct spt_timer timer;
	uint64_t serial; /* tasks that came later are not concerned */
	enum stage stage;
	bool busy; /* being started or escalated: not to be ended under its own feet */
};

struct spt_tmf_run {
	struct spt_tmf *tmf;
	struct spt_context *context;      /* held: where it came from */
	uint64_t sender;                  /* its session's cookie there, which may have ended; 0: none */
	struct scope scope;
	struct spt_device *device; /* a reference, or NULL */
	struct spt_lun_map *luns;  /* likewise */
	unsigned pending;          /* parts and resets, and one for whoever is adding them */
	bool late;                 /* a reset was not answered in time */
	uint8_t refusal;           /* the response of a mirrored nexus's far side; 0: it did it */
	bool effects;              /* on others: they have begun */
	size_t n_parts;
	struct tmf_part parts[];
};

/* Loops, each once, and held: none of them goes away before its part is over. */
#define LOOPS_MAX 256u
struct loops {
	size_t n;
	struct spt_context *contexts[LOOPS_MAX];
};

/* tmf.c: those on which @device has nexuses. */
void loops_add_device(struct loops *loops, struct spt_device *device);
/* One part or reset less. */
void run_release(struct spt_tmf_run *run);
/*
 * Ends the tasks at @device of the session with @cookie on the loop @where, for what @by
 * does at tmf->context. tmf->done() follows.
 */
void tmf_preempt(struct spt_tmf *tmf, struct spt_session *by, struct spt_device *device,
	struct spt_context *where, spt_session_cookie cookie);

/*
 * LOGICAL UNIT RESET of @device by nobody's nexus, on the loop of @context, which has a channel to it.
 * tmf->done() follows, on that loop.
 */
void tmf_reset_device(struct spt_tmf *tmf, struct spt_context *context, struct spt_device *device);

/* tmf_part.c */
void part_init(struct tmf_part *part, struct spt_tmf_run *run, struct spt_context *context);
/* On the loop of the run; the part may be over when it returns. */
void part_begin(struct tmf_part *part);

/* tmf_reset.c */
/* What a logical unit reset leaves behind (SAM-5 6.3.3), when its tasks have ended. */
void reset_condition(struct spt_device *device);
/* @run waits for it, for a time that the device's escalation sets; NULL: nobody does. */
void reset_channel(struct channel *channel, struct spt_tmf_run *run);
/* The same for any function of struct spt_reset. */
void function_channel(struct channel *channel, struct spt_tmf_run *run, uint8_t function);

#endif
