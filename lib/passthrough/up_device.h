/* SPDX-License-Identifier: MIT */
/*
 * An upstream logical unit and its channels. The device is the address and the settings; a channel
 * is a session with the upstream target, through one engine after another when connections are lost:
 * one downstream nexus's own (mirrored), or that of all nexuses of a loop (shared).
 */
#ifndef PASSTHROUGH_UP_DEVICE_H
#define PASSTHROUGH_UP_DEVICE_H

#include <pthread.h>
#include <time.h>

#include <spt/backend.h>

#include "passthrough/fifo.h"
#include "passthrough/identity_options.h"
#include "passthrough/judge.h"
#include "passthrough/learn.h"
#include "passthrough/up_engine.h"
#include "passthrough/up_portals.h"
#include "passthrough/up_probe.h"

#define UP_SHARED_MAX 256u /* loops */

/* How it is with all sessions together, for whoever runs this; under the device's lock. */
struct up_report {
	unsigned channels, up; /* that are there, that are connected */
	unsigned losses;       /* of sessions that were up */
	time_t since;          /* of the last change */
	struct up_address portal; /* of the last session that came up */
	char why[160];         /* the last one was lost, or did not come up */
};

struct up_device {
	struct spt_device *handle;
	char *name;
	struct up_url url;
	struct up_secret secret;
	bool shared;
	char initiator_name[SPT_NAME_MAX + 1]; /* empty: each nexus has its own */
	bool header_digest;
	uint64_t connect_timeout_us; /* TCP and login */
	uint64_t hold_us;            /* how long a command waits for a session */
	uint64_t fail_us;            /* for how long upstream may be away before commands fail; 0: for ever */
	uint64_t nop_interval_us;    /* silence after which upstream is asked; 0: never */
	uint64_t nop_timeout_us;
	uint64_t abort_timeout_us; /* how long upstream may take to abort a command */
	uint64_t retry_max_us, retry_refused_us;
	unsigned depth, queue_limit;
	struct pass_limits limits;
	struct learned learned;
	uint64_t canary;
	void *zeros;
	/* Below: of all channels, under the lock, which nobody takes for a command. */
	pthread_mutex_t lock;
	bool identified;
	struct up_identity identity; /* of the first session */
	bool slots[UP_SHARED_MAX];   /* that shared sessions have taken */
	struct up_report report;
	struct up_portals portals; /* of the hosts */
	struct spt_link channels;  /* struct up_channel.device_link: those that are not being closed */
	/* up_lookup.c's. */
	struct up_hosts hosts;
	bool named; /* there is a name among them */
	struct up_lookup *lookup; /* under way, or NULL */
	uint64_t looked_us;
	struct spt_link waiting; /* struct up_channel.lookup_link: to be told of its end */
};

enum up_state {
	UP_STATE_DOWN,    /* until deadline_us: then connect again */
	UP_STATE_LOOKUP,  /* until deadline_us, or the names are looked up: then connect */
	UP_STATE_CONNECT, /* until deadline_us: then give up */
	UP_STATE_PROBE,   /* the same: who is there? */
	UP_STATE_UP,      /* upstream is asked for a sign of life now and then */
	UP_STATE_LOGOUT,  /* until deadline_us: then close */
	UP_STATE_FENCED,  /* for ever: refuses everything */
};

struct up_channel {
	const char *initiator_name; /* towards upstream */
	struct up_device *device;
	struct spt_host *host;
	struct up_isid isid;
	unsigned slot; /* shared only */
	enum up_state state;
	uint64_t deadline_us;
	struct up_engine *engine;
	struct up_probe probe;
	bool asking; /* an answer to it is to come */
	struct spt_watch watch;
	bool watched;
	struct spt_post flush; /* sends what this turn of the loop has queued */
	struct spt_timer timer;
	uint64_t armed_us; /* when the timer fires; 0: not set */
	unsigned failures; /* in a row, of all portals */
	bool told, told_refused; /* of them */
	bool refused;            /* this time */
	bool was_up;             /* ever */
	unsigned attempt;        /* since a session was lost */
	size_t portal, lost_portal;
	const struct up_address *address; /* of this session: one of the two below */
	struct up_address door;
	size_t n_portals; /* when it was chosen */
	struct up_address redirect;
	unsigned redirects; /* in a row */
	bool redirected;
	uint64_t up_us, heard_us, nop_us;
	uint64_t lost_us;    /* since when there is no session */
	struct fifo waiting; /* while not up: each until its own deadline */
	struct spt_link lookup_link;
	struct spt_post looked; /* the end of a lookup */
	bool lookup_waits;      /* for that, whatever the state is meanwhile */
	struct spt_link device_link;  /* under device->lock, like reset_posted */
	struct spt_post reset_passed; /* another channel's reset of the logical unit */
	bool reset_posted;
	unsigned busy; /* entered; to be freed when it is left */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* up_options.c: what the configuration says. */
extern const struct spt_option UP_OPTIONS[];
#define UP_N_OPTIONS (18u + IDENTITY_OPTIONS)
int up_options_read(struct up_device *device, const struct spt_option_value *values,
	struct spt_error *error);
/* What can be said of them without a device and without files. */
int up_options_check(const struct spt_option_value *values, struct spt_error *error);

/* up_report.c */
void up_report_opened(struct up_device *device);
void up_report_closed(struct up_device *device);
void up_report_up(struct up_device *device, const struct up_address *portal);
/* @why: NULL when it is no failure. */
void up_report_down(struct up_device *device, bool was_up, const char *why);
void up_describe(void *device, char *text, size_t size);

/*
 * up_lookup.c: names are looked up off the loop, once for all channels of a device.
 *
 * True: the channel waits, and up_session_looked() follows on its loop. False: what is known is new
 * enough, or there is nothing to be looked up.
 */
bool up_lookup_begin(struct up_channel *channel);
/* The channel is about to be closed; it may still wait (lookup_waits) for what is on its way. */
void up_lookup_forget(struct up_channel *channel);
void up_lookup_open(struct up_device *device);
void up_lookup_close(struct up_device *device);

/* up_session.c: the session of a channel */
void up_session_looked(struct spt_post *post);
void up_session_connect(struct up_channel *channel);
/* Upstream is who it should be: commands may go. */
void up_session_up(struct up_channel *channel);
/* The engine has been called: take what it has, go where it went. */
void up_session_look(struct up_channel *channel);
/* The session is over, because of @why: everything that was with it is completed. @state: what
 * follows. */
void up_session_end(struct up_channel *channel, enum up_state state, const char *why);
void up_session_arm(struct up_channel *channel);
void up_session_tick(struct spt_timer *timer);
void up_session_ready(struct spt_watch *watch, unsigned ready);
void up_session_flush(struct spt_post *post);

/* up_login.c: from the login until commands may go */
void up_login_begin(struct up_channel *channel);
/* The next question, or what follows the last. */
void up_login_look(struct up_channel *channel);
/* channel->probe has its answer. */
void up_login_answered(struct up_channel *channel);

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
void up_channel_reset_done(struct up_channel *channel, struct up_reset *reset);

int up_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel);
void up_channel_close(void *channel, void (*closed)(void *arg), void *arg);
void up_channel_judge(void *channel, struct spt_task *task);
void up_channel_submit(void *channel, struct spt_task *task);
void up_channel_cancel(void *channel, struct spt_task *task);
void up_channel_reset(void *channel, struct spt_reset *reset);
void up_channel_fence(void *channel);

#endif
