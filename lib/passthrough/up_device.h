/* SPDX-License-Identifier: MIT */
/*
 * An upstream logical unit and its channels. The device is the address and the settings; a channel
 * is one downstream nexus's session with the upstream target, through one engine after another when
 * connections are lost.
 */
#ifndef PASSTHROUGH_UP_DEVICE_H
#define PASSTHROUGH_UP_DEVICE_H

#include <spt/backend.h>

#include "passthrough/fifo.h"
#include "passthrough/judge.h"
#include "passthrough/learn.h"
#include "passthrough/up_engine.h"

struct up_device {
	struct spt_device *handle;
	char *name;
	struct up_url url;
	struct up_address addresses[UP_ADDRESSES];
	size_t n_addresses;
	char initiator_name[SPT_NAME_MAX + 1]; /* empty: each nexus has its own */
	bool header_digest;
	uint64_t connect_timeout_us; /* TCP and login */
	uint64_t hold_us;            /* how long a command waits for a session */
	uint64_t nop_interval_us;    /* silence after which upstream is asked; 0: never */
	uint64_t nop_timeout_us;
	uint64_t abort_timeout_us; /* how long upstream may take to abort a command */
	uint64_t retry_max_us;
	unsigned depth, queue_limit;
	struct pass_limits limits;
	struct learned learned;
	uint64_t canary;
	void *zeros;
};

enum up_state {
	UP_STATE_DOWN,    /* until deadline_us: then connect again */
	UP_STATE_CONNECT, /* until deadline_us: then give up */
	UP_STATE_UP,      /* upstream is asked for a sign of life now and then */
	UP_STATE_LOGOUT,  /* until deadline_us: then close */
	UP_STATE_FENCED,  /* for ever: refuses everything */
};

struct up_channel {
	const char *initiator_name; /* towards upstream */
	struct up_device *device;
	struct spt_host *host;
	struct up_isid isid;
	enum up_state state;
	uint64_t deadline_us;
	struct up_engine *engine;
	struct spt_watch watch;
	bool watched;
	struct spt_post flush; /* sends what this turn of the loop has queued */
	struct spt_timer timer;
	uint64_t armed_us; /* when the timer fires; 0: not set */
	unsigned failures; /* in a row */
	size_t next_address;
	struct up_address redirect;
	unsigned redirects; /* in a row */
	bool redirected;
	uint64_t up_us, heard_us, nop_us;
	struct fifo waiting; /* while not up: each until its own deadline */
	unsigned busy; /* entered; to be freed when it is left */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* up_session.c: the session of a channel */
void up_session_connect(struct up_channel *channel);
/* The engine has been called: take what it has, go where it went. */
void up_session_look(struct up_channel *channel);
/* The session is over, because of @why: everything that was with it is completed. @state: what
 * follows. */
void up_session_end(struct up_channel *channel, enum up_state state, const char *why);
void up_session_arm(struct up_channel *channel);
void up_session_tick(struct spt_timer *timer);
void up_session_ready(struct spt_watch *watch, unsigned ready);
void up_session_flush(struct spt_post *post);

/* up_channel.c */
void up_channel_enter(struct up_channel *channel);
void up_channel_leave(struct up_channel *channel);
/* Sends what waits, as far as there is room. */
void up_channel_pump(struct up_channel *channel);
/* Completes what waits and has waited too long; everything when fenced. */
void up_channel_expire(struct up_channel *channel);
/* The session has just been lost: those who wait may do so for as long as newcomers. */
void up_channel_hold(struct up_channel *channel);
/* The oldest deadline of those who wait for a session, or UINT64_MAX. */
uint64_t up_channel_next_us(const struct up_channel *channel);
void up_channel_finish(struct up_channel *channel, struct up_engine *engine,
	struct up_command *command);
void up_channel_reset_done(struct up_reset *reset);

int up_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel);
void up_channel_close(void *channel, void (*closed)(void *arg), void *arg);
void up_channel_judge(void *channel, struct spt_task *task);
void up_channel_submit(void *channel, struct spt_task *task);
void up_channel_cancel(void *channel, struct spt_task *task);
void up_channel_reset(void *channel, struct spt_reset *reset);
void up_channel_fence(void *channel);

#endif
