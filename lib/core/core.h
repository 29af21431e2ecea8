/* SPDX-License-Identifier: MIT */
/*
 * The objects of the core and who owns whom. Nothing outside lib/core includes this.
 *
 *   context   one a loop; owns its sessions, its task table, its channels, its running TMF parts
 *   session   one I_T nexus; owns an itl for each entry of its LUN map
 *   itl       one I_T_L nexus: the task set and the unit attentions of a nexus at a logical unit
 *   channel   a loop's (or a nexus's) way to a device; counted by the itls that use it
 *   device    shared by all loops. Its list of itls and their attentions are under its lock; what
 *             the I/O path reads of them is atomic
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include <spt/spt.h>

#include "base/list.h"
#include "core/reservation.h"

#define CORE_HASH_SIZE 1024u
#define CORE_ATTENTIONS 8u

struct spt_context {
	struct spt_host *host;
	struct session_slot *slots;
	uint32_t n_slots;
	uint32_t free_slot; /* index + 1 of the first; 0: none */
	struct spt_task *hash[CORE_HASH_SIZE];
	uint64_t serial;             /* of the next task */
	struct spt_link channels;    /* struct channel.link */
	struct spt_link tmf_parts;   /* struct tmf_part.link */
	struct spt_link doomed;      /* tasks at a backend that are to be ended */
	struct spt_link errands;     /* struct errand.link */
	const struct spt_task *judging; /* until it is finished */
	atomic_uint holds; /* its owner's, and task management's that concerns it */
	struct spt_post over;
	void (*freed)(void *arg);
	void *freed_arg;
};

struct session_slot {
	uint32_t generation;
	uint32_t next_free; /* while there is no session, as free_slot */
	struct spt_session *session;
};

struct spt_device {
	atomic_uint refs;
	char *name;
	uint64_t identity;
	const struct spt_backend_ops *ops;
	unsigned flags; /* enum spt_backend_flag; the backend's, and this device's */
	void *state;
	const struct spt_layers_ops *layers_ops; /* NULL: none, ever */
	void *layers;
	struct spt_escalation escalation;
	void (*event)(void *arg, const char *device, const char *text);
	void *event_arg;
	atomic_bool fenced;
	atomic_uint fenced_ways; /* channels that are fenced */
	atomic_bool descriptor_sense;
	atomic_bool tas; /* Control mode page */
	pthread_mutex_t lock;
	struct spt_link itls; /* struct spt_itl.device_link; under lock */
	atomic_uint preventing; /* itls that keep the medium in; read without the lock */
	bool exclusive; /* for the initiator of the first of itls */
	struct reservations reservations;
	struct device_port *ports; /* that it has been told of; under lock */
	size_t n_ports;
	struct spt_identity identity_given; /* in place of the backend's; constant once it is open */
	struct spt_work closing; /* when the last reference was one of a loop */
};

/* A SCSI target port (RFC 7143 4.4.1: a portal group of a target) that leads to a device. */
struct device_port {
	char target[SPT_NAME_MAX + 1];
	uint16_t tag; /* of the portal group */
	uint16_t relative;
};

/* Classes of commands that a reservation keeps a nexus from (enum cdb_flag tells which is which). */
enum refuse {
	REFUSE_OTHERS = 1 << 0,	    /* neither of the next two */
	REFUSE_READS = 1 << 1,	    /* CDB_RES_READ */
	REFUSE_FREE = 1 << 2,	    /* CDB_RES_FREE */
	REFUSE_PERSISTENT = 1 << 3, /* PERSISTENT RESERVE IN and OUT */
	REFUSE_ALL = 0x0f,	    /* all but CDB_RES_SPC2 */
};

struct channel {
	struct spt_link link; /* in context->channels */
	struct spt_context *context;
	struct spt_device *device; /* a reference */
	struct spt_way way; /* to the backend, perhaps through layers */
	void *place;        /* the layers', or NULL */
	unsigned itls;
	bool per_nexus;
	const struct spt_itl *only; /* whose it is, per_nexus; until it is put back */
	bool marked; /* tmf_part.c: has had its turn */
	bool fenced;
	unsigned closing; /* ways to the device that are being closed */
	void (*left)(void *arg); /* while closing */
	void *left_arg;
};

/* Where a session is, for who comes from another loop. */
struct session_place {
	struct spt_context *context;
	spt_session_cookie cookie;
};

struct spt_itl {
	struct spt_session *session;
	struct session_place place; /* the session's; under device->lock */
	struct spt_device *device;
	struct channel *channel; /* NULL: could not be opened */
	uint16_t lun;
	bool read_only;
	struct spt_identity identity; /* given in the LUN map, or to the device */
	unsigned families; /* enum cdb_family of the device */
	atomic_uint refuses; /* enum refuse; read without the lock */
	bool prevents;       /* it keeps the medium in; under device->lock */
	struct spt_link device_link;
	struct spt_link leaving_link; /* session_luns.c */
	struct spt_link tasks;      /* the task set, in order of arrival */
	unsigned ordered;           /* ORDERED tasks in it that are not done */
	unsigned heads;             /* HEAD OF QUEUE tasks, likewise */
	unsigned blocked;
	bool waking;
	bool losing; /* tmf_part.c: tasks to another nexus's function */
	atomic_uint attention_count; /* read without the lock */
	spt_asc_t attentions[CORE_ATTENTIONS]; /* under device->lock */
	atomic_uint news_count; /* announce.c; likewise */
	spt_asc_t news[CORE_ATTENTIONS];
};

struct spt_session {
	struct spt_context *context;
	spt_session_cookie cookie;
	struct spt_nexus nexus;
	char *names; /* the memory of nexus's strings */
	struct spt_lun_map *luns;
	struct spt_itl **itls; /* parallel to luns */
	size_t n_itls;
	struct spt_link leaving; /* struct spt_itl.leaving_link: not in luns any more, with tasks */
	struct spt_link tasks; /* every task, until it is ended */
	unsigned n_tasks;
	unsigned functions; /* of task management that it has asked for */
	size_t budget_bytes, used_bytes;
	bool stopping;
	bool busy;   /* being stopped: not to be ended under its own feet */
	bool leaves; /* its devices: nothing but their channels is waited for */
	unsigned closing; /* itls whose channels are still to be left */
	void (*stopped)(void *arg);
	void *stopped_arg;
	void (*terminating)(void *arg, const struct spt_itl *itl);
	void (*attention)(void *arg, uint64_t lun, const uint8_t *sense, size_t bytes);
	void *arg;
	struct spt_post announce; /* announce.c */
	atomic_bool announcing;   /* it is on its way: the session stays until it has come */
};

/* session.c */
struct spt_session *session_find(const struct spt_context *context, spt_session_cookie cookie);
/* After a task left @session: goes on with stopping it. May free it. */
void session_task_gone(struct spt_session *session);

/* One of its I_T_L nexuses has left its channel. May free it. */
void session_itl_gone(struct spt_session *session);

/* A place in the table for a session that is to come; what is not used is given back. 0 or -ENOMEM. */
int session_reserve(struct spt_context *context, spt_session_cookie *ret);
void session_unreserve(struct spt_context *context, spt_session_cookie cookie);
/* The session is found by @cookie, which was reserved, from here on; and by its cookie no longer. */
void session_enter_table(struct spt_context *context, spt_session_cookie cookie, struct spt_session *session);
void session_leave_table(struct spt_session *session);

/* session_luns.c */
/* The I_T_L nexuses of session->luns, not yet begun. 0 or -ENOMEM. */
int session_first_itls(struct spt_session *session);
void itl_begin(struct spt_itl *itl, bool reinstated, bool known);
/* No task has it. session_itl_gone() follows, perhaps from inside. */
void itl_end(struct spt_itl *itl);
/* Those that are not mapped any more and have no task left. */
void session_reap_itls(struct spt_session *session);
/* The initiator has read the list: it need not be told that it has changed. */
void session_luns_reported(struct spt_session *session);

/* channel.c */
int channel_get(struct spt_context *context, const struct spt_itl *itl, bool reinstated,
	struct channel **ret);
/* One that is not for a nexus alone: of any session of the loop. */
int channel_share(struct spt_context *context, struct spt_device *device, bool reinstated, struct channel **ret);
/* @left is called when the channel no longer uses the session's memory: at once if it is shared. */
void channel_put(struct channel *channel, void (*left)(void *arg), void *arg);
/* One that is in use, or NULL. */
struct channel *channel_find(struct spt_context *context, const struct spt_device *device);
/* A fenced channel's new way to the device. -EBUSY: a task is still there; -errno: it stays fenced. */
int channel_reopen(struct channel *channel);

/* lun_map.c: as spt_device_let_go() for a map. */
void lun_map_let_go(struct spt_context *context, struct spt_lun_map *map);

/* context.c: it stays while it is held. Any thread but for context_release(), which is for its own. */
void context_hold(struct spt_context *context);
void context_release(struct spt_context *context);
void context_release_elsewhere(struct spt_context *context);

/* itl.c */
void itl_init(struct spt_itl *itl, struct spt_session *session, const struct spt_lun_entry *entry);
/* The identity that @entry gives, where it is another than before; the initiator is told then. */
void itl_set_identity(struct spt_itl *itl, const struct spt_lun_entry *entry);
/* @known: to the device, which has nothing to tell it. */
void itl_join(struct spt_itl *itl, bool known);
void itl_leave(struct spt_itl *itl);
/* A condition for this nexus alone, on its loop. Whoever runs the session is told, as he is of the next. */
void itl_attention(struct spt_itl *itl, spt_asc_t asc);
/* The same with the device's lock held, from any loop. */
void itl_attention_locked(struct spt_itl *itl, spt_asc_t asc);
/* @asc does not wait any longer. */
void itl_drop_attention(struct spt_itl *itl, spt_asc_t asc);
/* The oldest unit attention, taken; 0: none. */
spt_asc_t itl_take_attention(struct spt_itl *itl);
/* The oldest one, left where it is, and how many there are. */
spt_asc_t itl_peek_attention(struct spt_itl *itl, unsigned *ret_n);
/* REQUEST SENSE on its way to the device: what it brings for all is fanned out. */
void itl_watch_sense(struct spt_task *task);
/* @host: on this loop only; NULL: on all. */
void device_attention(struct spt_device *device, const struct spt_host *host,
	const struct spt_session *except, spt_asc_t asc);

/* announce.c: @asc waits at @itl from now on. With the device's lock held, from any loop. */
void announce_attention_locked(struct spt_itl *itl, spt_asc_t asc);
void announce_init(struct spt_session *session);
/* No announcement is on its way, and none will be until announcing_go_on(), on the loop of the session by then. False: one is. */
bool announcing_stop(struct spt_session *session);
void announcing_go_on(struct spt_session *session);

/* ports.c: those told, and those by which nexuses are here; in memory of the caller's. 0 or -ENOMEM. With the lock held. */
int ports_known(struct spt_device *device, struct device_port **ret, size_t *ret_n);

/* lun.c: what is answered above logical units. False: the command is for task->itl. */
bool lun_answer(struct spt_task *task);
struct spt_itl *lun_find(struct spt_session *session, uint64_t lun);

/* read_only.c: for tasks of a read-only itl. True: refused. */
bool read_only_refuses(struct spt_task *task);
void read_only_mark(struct spt_task *task);

/* identity.c: is @task about what devices have no say in? True: it is answered. */
bool identity_refuses(struct spt_task *task);

/* rewrite.c: before @task goes to its device: if its reply is one to be changed, it will be. */
void rewrite_prepare(struct spt_task *task);

/* backend.c: the only callers of struct spt_backend_ops. */
void backend_nexus_start(const struct spt_itl *itl, bool reinstated);
void backend_nexus_stop(const struct spt_itl *itl);
void backend_judge(struct spt_task *task);
void backend_submit(struct spt_task *task);
/* One that is said to be at the device already: again, or without the checks of backend_submit(). */
void backend_submit_again(struct spt_task *task);
void backend_cancel(struct spt_task *task);
int backend_reset(struct channel *channel, struct spt_reset *reset);
/* No task of @channel is left; the channel may be gone. False: the backend has no fence. */
bool backend_fence(struct channel *channel);

/* taskset.c */
void taskset_add(struct spt_task *task);
/* The task is no longer in the way of others. */
void taskset_remove(struct spt_task *task);
/* Executes what need not wait any longer. */
void taskset_wake(struct spt_itl *itl);
/* May @task be executed now? */
bool taskset_enabled(const struct spt_task *task);

/* task.c */
/* Gives the data-in buffer back: the task has none. */
void task_drop_in(struct spt_task *task);
void task_execute(struct spt_task *task);
/* The task is over (result filled): tell its caller. */
void task_finish(struct spt_task *task);
/*
 * Ends every task of @list (linked by doomed_link, aborting set): at once where no backend has it,
 * else it is in context->doomed until the backend completes it. Their memory may be gone on return.
 */
void tasks_kill(struct spt_context *context, struct spt_link *list);
/* Marks @task and puts it into @list; false if it is done or marked already. */
bool task_doom(struct spt_task *task, struct spt_link *list);
bool session_charge(struct spt_session *session, size_t bytes);
void session_uncharge(struct spt_session *session, size_t bytes);

/* tmf_part.c */
/* A task of @context is over. */
void tmf_reevaluate(struct spt_context *context);

/* tmf_query.c: functions that are answered at once; the response. */
uint8_t tmf_query_task(struct spt_tmf *tmf, struct spt_session *session);
uint8_t tmf_query_task_set(struct spt_tmf *tmf, struct spt_session *session);
uint8_t tmf_query_asynchronous_event(struct spt_tmf *tmf, struct spt_session *session);

#endif
