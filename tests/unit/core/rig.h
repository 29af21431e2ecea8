/* SPDX-License-Identifier: MIT */
/*
 * The core on one or two tests' host loops, a scriptable device on LUN 0 and LUN 5, and nexuses. The
 * loops are turned by the test's thread, so that the order of what happens between them is the test's.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include <spt/spt.h>

#include "fake_backend.h"
#include "fake_host.h"

#define RIG_LOOPS    2
#define RIG_SESSIONS 4
#define RIG_LUN      0ull                     /* of the device */
#define RIG_LUN_2    (5ull << 48)             /* of the second device */
#define RIG_LUN_NONE (9ull << 48)             /* not mapped */
#define RIG_BUDGET   (1u << 20)

/* Who session i is: iqn.2026-11.org.example:INITIATOR with that number in the ISID, at a target port. */
struct rig_nexus {
	char initiator;
	uint8_t isid;
	uint16_t port;
};

struct rig {
	struct fake_host loops[RIG_LOOPS];
	struct spt_context *contexts[RIG_LOOPS];
	struct spt_device *device, *device_2;
	struct fake_device *fake, *fake_2;
	struct spt_lun_map *map;
	spt_session_cookie sessions[RIG_SESSIONS];
	unsigned loop_of[RIG_SESSIONS];
	bool running[RIG_SESSIONS];
	const struct rig_nexus *nexuses; /* NULL: a, with the session's number in the ISID, at port 1 */
};

/* What a test wants to differ. */
struct rig_params {
	const struct spt_backend_ops *ops; /* NULL: FAKE_SHARED */
	struct spt_escalation escalation;
	const char *state_dir; /* of the first device */
	bool raw_reservations; /* likewise */
	const struct spt_layers_ops *layers; /* likewise */
};

/* A task and what became of it. */
struct job {
	struct spt_task task;
	unsigned session;
	int done;       /* how often done() was called */
	bool keep;      /* the test ends the task; else done() does */
	bool hold;      /* done() holds the result, once, and does not count */
	uint8_t outcome, status, state_in_done;
	uint8_t key;
	spt_asc_t asc;
	unsigned field; /* that the sense data point at, in the CDB or the parameter list */
	uint64_t in_would;
	uint32_t in_bytes;
	uint8_t in[256];
};

struct tmf_job {
	struct spt_tmf tmf;
	int done;
};

void rig_open(struct rig *rig, const struct rig_params *params);
/* Stops what runs, and checks that nothing is left: no session, channel, buffer. */
void rig_close(struct rig *rig);
/* Session @i on @loop; unit attentions of the beginning are taken. */
void rig_start(struct rig *rig, unsigned i, unsigned loop);
/* The same with the attentions left. */
void rig_start_raw(struct rig *rig, unsigned i, unsigned loop);
/* Asks for the end of session @i; *@stopped counts. */
void rig_stop(struct rig *rig, unsigned i, int *stopped);
struct spt_context *rig_context(struct rig *rig, unsigned session);
/* Turns all loops until nothing happens. */
void rig_settle(struct rig *rig);
/* Lets @us pass on all loops. */
void rig_pass(struct rig *rig, uint64_t us);
/* The channel of the device on session @i's loop (of a shared device). */
struct fake_channel *rig_channel(struct rig *rig, unsigned session);

/* A TEST UNIT READY of session @i with @tag, not entered. */
void job_init(struct job *job, struct rig *rig, unsigned session, uint32_t tag);
/* The same that wants to send @bytes. */
void job_init_write(struct job *job, struct rig *rig, unsigned session, uint32_t tag, uint32_t bytes);
int job_enter(struct rig *rig, struct job *job);
/* Enters and starts. */
void job_run(struct rig *rig, struct job *job);
/* All the data that a task waits for, in one sequence. */
void job_data(struct job *job);

/* done() of a tmf_job: counts. */
void tmf_job_done(struct spt_tmf *tmf);
/* Starts a function of session @i. */
int tmf_run(struct rig *rig, struct tmf_job *job, unsigned session, uint8_t function, uint64_t lun);
int tmf_abort(struct rig *rig, struct tmf_job *job, unsigned session, const struct job *of);

void raise_flag(void *arg);

#endif
