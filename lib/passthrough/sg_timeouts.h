/* SPDX-License-Identifier: MIT */
/*
 * How long a command may stay at a device before the kernel aborts it. The table errs on the long
 * side: when an sg timeout fires, error recovery stops the whole host adapter, and a tape that is
 * interrupted loses its position. Initiators have timers of their own and task management.
 */
#ifndef PASSTHROUGH_SG_TIMEOUTS_H
#define PASSTHROUGH_SG_TIMEOUTS_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/error.h>

enum sg_class {
	SG_CLASS_SHORT,   /* answered from the device's memory */
	SG_CLASS_REGULAR, /* moves data to or from the medium */
	SG_CLASS_LONG,    /* moves the medium itself, or works through all of it */
	SG_CLASSES,
};

enum sg_family {
	SG_FAMILY_DISK,
	SG_FAMILY_TAPE,
	SG_FAMILY_OPTICAL,
	SG_FAMILY_CHANGER,
	SG_FAMILIES,
};

/* Of a PERIPHERAL DEVICE TYPE (SPC-5 table 144). */
enum sg_family sg_family_of(uint8_t device_type);
enum sg_class sg_class_of(enum sg_family family, uint8_t opcode);
/* The default for a class, in milliseconds. */
uint32_t sg_timeout_ms(enum sg_family family, enum sg_class class);

/* What the configuration says; 0: nothing. */
struct sg_timeout_rules {
	bool ask; /* the device */
	uint32_t class_ms[SG_CLASSES];
	uint32_t opcode_ms[256];
};

/* "0x1b=2h 0x28=90s", pairs apart by blanks or commas. -EINVAL. */
int sg_timeouts_parse(const char *text, struct sg_timeout_rules *rules, struct spt_error *error);

/* What a device tells of its commands (SPC-5 6.34.4), in seconds; 0: it does not. */
struct sg_told {
	uint32_t nominal_s;     /* a typical command */
	uint32_t recommended_s; /* ask for its fate only after that */
};

/*
 * The limit of one operation code: what the configuration says of it, then of its class, then what
 * the device recommends, then the default of its class. A device does not get below the
 * default of short commands: what it means is a device at ease, not one that is spinning up.
 */
uint32_t sg_timeout_choose(const struct sg_timeout_rules *rules, enum sg_family family,
	uint8_t opcode, const struct sg_told *told);

#endif
