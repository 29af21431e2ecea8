/* SPDX-License-Identifier: MIT */
/*
 * How long a command may stay at a device before the kernel aborts it. The table errs on the long
 * side: when an sg timeout fires, error recovery stops the whole host adapter, and a tape that is
 * interrupted loses its position. Initiators have timers of their own and task management.
 */
#ifndef PASSTHROUGH_SG_TIMEOUTS_H
#define PASSTHROUGH_SG_TIMEOUTS_H

#include <stdint.h>

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

#endif
