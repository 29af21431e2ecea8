/* SPDX-License-Identifier: MIT */
/*
 * What came back from upstream for a command, and the task's result made from it. An upstream
 * target is another machine: lengths are checked here, and data that it says it sent is looked for.
 */
#ifndef PASSTHROUGH_UP_REPLY_H
#define PASSTHROUGH_UP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/task.h>

enum up_residual { UP_EXACT, UP_UNDERFLOW, UP_OVERFLOW };

enum up_fate {
	UP_ANSWERED, /* by the device server: status and the rest are valid */
	UP_ABORTED,  /* upstream has aborted it; there is no response */
	UP_LOST,     /* the session went away under it; nobody knows how far it came */
};

struct up_reply {
	enum up_fate fate;
	uint8_t status;
	enum up_residual residual;
	uint32_t residual_bytes;
	/* The data segment of the response (RFC 7143 11.4.7): SenseLength, two bytes, and sense
	 * data. */
	const uint8_t *segment;
	size_t segment_bytes;
};

/*
 * The data-in buffer before it is lent out: zeros, so that what upstream leaves out shows nobody
 * else's data; and @canary at its end, so that a GOOD read without its data is told from a real one
 * (a SCSI response other than "command completed at target" reads as GOOD in libiscsi).
 */
void up_prepare_in(struct spt_data *in, uint64_t canary);
/* Sets the task's result; does not complete it. @sequential: of a tape, where nothing may be done
 * twice. */
void up_apply_reply(struct spt_task *task, const struct up_reply *reply, uint64_t canary,
	bool sequential);

#endif
