/* SPDX-License-Identifier: MIT */
/*
 * A backend that does what a test tells it. Tasks that are submitted stay until the test completes
 * them, unless the device is told to do so by itself; what was called is counted.
 */
#ifndef TESTS_CORE_FAKE_BACKEND_H
#define TESTS_CORE_FAKE_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/backend.h>

#define FAKE_CHANNELS 16
#define FAKE_TASKS    128

struct fake_device;

struct fake_channel {
	struct fake_device *device;
	struct spt_host *host;
	bool reinstated;
	struct spt_task *tasks[FAKE_TASKS]; /* at the device, oldest first */
	unsigned n_tasks;
	struct spt_reset *resets[4]; /* not answered */
	unsigned n_resets;
	bool fenced;
	unsigned busy; /* in an operation: the last completion in it may close the channel */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

struct fake_device {
	/* What it shall do. */
	bool refuse;             /* judge() completes with CHECK CONDITION, ILLEGAL REQUEST, 2000h */
	uint32_t wanted;         /* out_wanted_bytes, clamped to expected_out_bytes */
	bool inline_good;        /* submit() completes GOOD */
	bool cancels;            /* cancel() completes the task */
	bool reset_silent;       /* reset() is not answered */
	bool reset_kills;        /* reset() ends every task of its channel */
	bool close_waits;        /* channel_close() waits for fake_close() */
	int open_error;          /* of channel_open() */
	uint8_t type;            /* PERIPHERAL DEVICE TYPE */
	bool (*answer)(struct spt_task *task); /* submit() asks it first; true: it has completed */
	/* What happened. */
	atomic_uint opens, closes, judges, submits, cancelled, resets, fences;
	struct spt_device *handle;
	pthread_mutex_t lock; /* the two below */
	struct fake_channel *channels[FAKE_CHANNELS]; /* that are open, or closing */
	unsigned n_channels;
};

/* Shared by the nexuses of a loop; and one for each nexus. */
extern const struct spt_backend_ops FAKE_SHARED, FAKE_PER_NEXUS, FAKE_OWN_ORDER, FAKE_NO_FENCE,
	FAKE_STAYS;

/* Devices that were closed. */
extern unsigned fake_closed;

/* The identity that the next devices are opened with. */
extern struct spt_identity fake_identity;

/* The last thing that a device told: "NAME: TEXT"; and all since a test has emptied it, a line each. */
extern char fake_event[256], fake_events[2048];

/* Opens a device of @ops with this escalation; *ret_state is its fake_device. */
struct spt_device *fake_open(const struct spt_backend_ops *ops, const char *name,
	const struct spt_escalation *escalation, struct fake_device **ret_state);
/* The same with any parameters; the backend is one of those above. */
struct spt_device *fake_open_params(const struct spt_device_params *params,
	struct fake_device **ret_state);
/* The oldest task at @channel ends GOOD. */
void fake_complete(struct fake_channel *channel);
/* @task ends GOOD. */
void fake_complete_task(struct fake_channel *channel, struct spt_task *task);
/* Answers the oldest reset. */
void fake_reset_done(struct fake_channel *channel, int result);
/* The closing of @channel is over. */
void fake_close(struct fake_channel *channel);

#endif
