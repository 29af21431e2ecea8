/* SPDX-License-Identifier: MIT */
/*
 * A device behind the library's public interface, for programs that wait for something real: one
 * loop in real time, sessions, commands that are started and waited for.
 */
#ifndef TESTS_PASSTHROUGH_RIG_H
#define TESTS_PASSTHROUGH_RIG_H

#include <spt/spt.h>

#include "fake_host.h"

struct rig {
	struct fake_host fake;
	struct spt_context *context;
	struct spt_device *device;
	struct spt_lun_map *luns;
	spt_session_cookie session;
	uint32_t tag;
	unsigned events; /* told of the device, and the last of them */
	char event[320];
};

/* @options: "key=value", ..., NULL. Starts one session. */
int rig_open(struct rig *rig, const char *backend, const char *const *options,
	struct spt_error *error);
int rig_open_ops(struct rig *rig, const struct spt_backend_ops *ops, const char *const *options,
	struct spt_error *error);
/* Ends the sessions and closes; false when that does not come to an end within 30 s. */
bool rig_close(struct rig *rig);
/* Another initiator's session (@number tells them apart), or its end. */
spt_session_cookie rig_session(struct rig *rig, unsigned number);
bool rig_stop(struct rig *rig, spt_session_cookie session);

struct run {
	struct spt_task task; /* first */
	int done;
};

/* Enters and starts a command with its data; its result is there when run->done. */
void run_start(struct rig *rig, struct run *run, const uint8_t *cdb, unsigned cdb_bytes,
	uint32_t in_bytes, const void *out, uint32_t out_bytes);
bool run_wait(struct rig *rig, struct run *run, uint64_t limit_us);
void run_end(struct run *run);
/* All of it within 60 s; the status, or -1. The run has to be ended. */
int run_now(struct rig *rig, struct run *run, const uint8_t *cdb, unsigned cdb_bytes,
	uint32_t in_bytes, const void *out, uint32_t out_bytes);
/* key << 16 | asc of its sense, or 0. */
unsigned run_sense(const struct run *run);

/* A task management function about @run (may be NULL); the response, or -1 after @limit_us. */
int rig_tmf(struct rig *rig, uint8_t function, const struct run *run, uint64_t limit_us);

#endif
