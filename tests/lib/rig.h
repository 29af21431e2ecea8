/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the interface have in common: the devices they run on, a loop with nexuses for
 * the asynchronous calls, and handles for the synchronous ones. All of it by the installed headers and
 * libsptgt.so.
 *
 * Devices are "mem" and "file", the latter with and without threads; or, when SEEDS_DEVICE tells one ("sg:path=/dev/sg0"), that one: a disk
 * with blocks of 512 bytes whose contents do not matter.
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <spt/spt.h>

#include "fake_host.h"

/* Calls @test with each device; they are made anew for each. */
void for_each_device(void (*test)(struct spt_device *device));
/* SEEDS_DEVICE: some drivers do not tell how little was moved by a command that failed. */
bool device_is_real(void);
/* As for_each_device(), for handles. */
void for_each_handle(void (*test)(struct spt_handle *handle));
struct spt_device *open_text(const char *text);
/* A file of 4 MiB of zeros that is removed when the program ends. */
const char *scratch_path(void);

#define RIG_NEXUSES 2

struct rig {
	struct fake_host fake; /* in real time */
	struct spt_context *context;
	struct spt_device *device; /* at LUN 0 */
	struct spt_lun_map *luns;
	spt_session_cookie session[RIG_NEXUSES];
	bool running[RIG_NEXUSES];
	uint32_t tag;
};

/* Takes the reference to @device. */
void rig_open(struct rig *rig, struct spt_device *device);
/* Stops what runs; nothing may be left. */
void rig_close(struct rig *rig);
/* Starts nexus @i; its POWER ON condition waits. */
void rig_start(struct rig *rig, unsigned i);
/* The same with the condition taken. */
void rig_start_quiet(struct rig *rig, unsigned i);
void rig_stop(struct rig *rig, unsigned i);
/* Turns the loop until *@flag, at most 20 s. */
void rig_until(struct rig *rig, const int *flag);

struct job {
	struct spt_task task; /* first */
	int done;
	struct rig *rig;
};

/* A command of nexus @i, not entered. */
void job_init(struct rig *rig, struct job *job, unsigned i, const void *cdb, unsigned cdb_bytes,
	uint32_t out_bytes, uint32_t in_bytes);
int job_enter(struct job *job);
/* Enters and starts it. */
void job_start(struct job *job);
/* One data sequence; @result is what spt_task_data() has to say. */
void job_data(struct job *job, uint64_t offset, const void *data, uint32_t bytes, bool final,
	int result);
void job_wait(struct job *job);
/* All of it: data-out in one sequence. The caller ends the task. */
void job_run(struct rig *rig, struct job *job, unsigned i, const void *cdb, unsigned cdb_bytes,
	const void *out, uint32_t out_bytes, uint32_t in_bytes);
/* key << 16 | ASC and ASCQ of its sense; -1: none. */
long job_sense(const struct job *job);

/* A task management function of nexus @i, to its end; the response. */
uint8_t tmf_run(struct rig *rig, unsigned i, struct spt_tmf *tmf);

void raise_flag(void *arg);

#define INQUIRY(bytes)	       { 0x12, 0, 0, 0, bytes, 0 }
#define READ_10(lba, blocks)   { 0x28, 0, 0, 0, 0, lba, 0, 0, blocks, 0 }
#define WRITE_10(lba, blocks)  { 0x2a, 0, 0, 0, 0, lba, 0, 0, blocks, 0 }
#define TEST_UNIT_READY	       { 0, 0, 0, 0, 0, 0 }

#endif
