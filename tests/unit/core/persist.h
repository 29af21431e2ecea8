/* SPDX-License-Identifier: MIT */
/* Reservation commands on the core tests' rig, each in one call. */
#ifndef TESTS_CORE_PERSIST_H
#define TESTS_CORE_PERSIST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "rig.h"

/* Rows leave out what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE, MOVE };
enum { WE = 1, EA = 3, WERO = 5, EARO = 6, WEAR = 7, EAAR = 8 };
#define CONFLICT SPT_RESERVATION_CONFLICT
#define GOOD	 SPT_GOOD
#define CHECK	 SPT_CHECK_CONDITION

struct out {
	uint8_t action, type;
	uint64_t key, action_key;
	uint8_t flags;	/* byte 20 */
	uint32_t bytes; /* PARAMETER LIST LENGTH; 0: 24 */
	const uint8_t *list; /* the whole list of @bytes instead of the keys and flags */
};

static inline void out_start(struct rig *rig, struct job *job, unsigned session, const struct out *o)
{
	uint32_t bytes = o->bytes ? o->bytes : 24;

	job_init_write(job, rig, session, 0x7000 + session, bytes);
	job->task.cdb[0] = 0x5f;
	job->task.cdb[1] = o->action;
	job->task.cdb[2] = o->type;
	be32_put(job->task.cdb + 5, bytes);
	job->task.cdb_bytes = 10;
	job_run(rig, job);
	if (job->done)
		return;
	if (o->list) {
		memcpy(job->task.out.data, o->list, job->task.out_wanted_bytes);
		assert_int_equal(spt_task_data(&job->task, job->task.out_wanted_bytes), 0);
		return;
	}
	memset(job->task.out.data, 0, job->task.out_wanted_bytes);
	be64_put(job->task.out.data, o->key);
	be64_put(job->task.out.data + 8, o->action_key);
	job->task.out.data[20] = o->flags;
	assert_int_equal(spt_task_data(&job->task, job->task.out_wanted_bytes), 0);
}

/* PERSISTENT RESERVE OUT to its end; the status, or the ASC. */
static inline unsigned out(struct rig *rig, unsigned session, const struct out *o)
{
	struct job job;

	out_start(rig, &job, session, o);
	rig_settle(rig);
	assert_int_equal(job.done, 1);
	return job.status == CHECK ? job.asc : job.status;
}

#define OUT(rig, session, ...) out(rig, session, &(struct out){ __VA_ARGS__ })

/* A command without data-out, to its end; the device answers GOOD. */
static inline unsigned plain(struct rig *rig, unsigned session, struct job *job, uint8_t opcode,
	uint8_t byte_1, uint8_t byte_4)
{
	job_init(job, rig, session, 0x7100 + session);
	job->task.cdb[0] = opcode;
	job->task.cdb[1] = byte_1;
	job->task.cdb[4] = byte_4;
	if (opcode == 0x5e)
		job->task.cdb[8] = 255;
	rig->fake->inline_good = true;
	job_run(rig, job);
	rig_settle(rig);
	assert_int_equal(job->done, 1);
	return job->status == CHECK ? job->asc : job->status;
}

static inline unsigned command(struct rig *rig, unsigned session, uint8_t opcode)
{
	struct job job;

	return plain(rig, session, &job, opcode, 0, 0);
}

/* The unit attention that waits for @session; 0: none. */
static inline unsigned attention(struct rig *rig, unsigned session)
{
	unsigned r = command(rig, session, 0x00);

	return r == GOOD ? 0 : r;
}

#endif
