/* SPDX-License-Identifier: MIT */
/* Configuration keys: see sg_options.h. */
#include "passthrough/sg_options.h"

#include <errno.h>

#include "passthrough/sg_locate.h"

enum {
	OPTION_PATH,
	OPTION_WAIT_FOR_DEVICE,
	OPTION_FORCE,
	OPTION_QUEUE_DEPTH,
	OPTION_QUEUE_LIMIT,
	OPTION_TIMEOUT_SHORT,
	OPTION_TIMEOUT_REGULAR,
	OPTION_TIMEOUT_LONG,
	OPTION_TIMEOUTS,
	OPTION_ASK_TIMEOUTS,
	OPTION_RESET_ESCALATE,
	OPTION_THIRD_PARTY_COPY,
	OPTION_LAST = SG_OPTION_IDENTITY - 1,
};

_Static_assert(OPTION_LAST == OPTION_THIRD_PARTY_COPY, "the rows of identities come behind");

#define SECOND UINT64_C(1000000)
#define DAY    (86400 * SECOND)

const struct spt_option SG_OPTION_ROWS[SG_OPTIONS] = {
	[OPTION_PATH] = {
		.name = "path",
		.type = SPT_OPTION_STRING,
		.required = true,
		.min = 1,
		.max = 4095,
		.help = "the device: any of its nodes (/dev/sg3, /dev/sdb, /dev/st0, /dev/sr0) or, "
			"better, what does not move: a link (/dev/disk/by-id/..., "
			"/dev/tape/by-id/...), its World Wide Name (naa.5000c500a1b2c3d4, "
			"wwn:0x5000c500a1b2c3d4, eui.0025385b71b00123), its serial number "
			"(serial:HU1234ABCD), or its SCSI address (2:0:5:0)",
	},
	[OPTION_WAIT_FOR_DEVICE] = {
		.name = "wait-for-device",
		.type = SPT_OPTION_BOOL,
		.fallback = "yes",
		.help = "a device that is not there when the daemon starts is exported as NOT READY "
			"and used as soon as it appears; with no, its logical units are left out",
	},
	[OPTION_FORCE] = {
		.name = "force",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "use the device even if it is mounted, swapped on or held on this machine, or is "
			"a tape drive or a changer that a program has open, "
			"which destroys data as soon as both sides write",
	},
	[OPTION_QUEUE_DEPTH] = {
		.name = "queue-depth",
		.type = SPT_OPTION_NUMBER,
		.min = 1,
		.max = 256,
		.help = "how many commands may be at the device at once; the device and its host "
			"adapter may lower it. By default 64; 8 with backend bsg, where each has a "
			"thread of its own and 64 is the most",
	},
	[OPTION_QUEUE_LIMIT] = {
		.name = "queue-limit",
		.type = SPT_OPTION_NUMBER,
		.fallback = "256",
		.min = 0,
		.max = 4096,
		.help = "how many commands may wait above queue-depth before TASK SET FULL is "
			"answered",
	},
	[OPTION_TIMEOUT_SHORT] = {
		.name = "timeout-short",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = DAY,
		.help = "limit for commands that a device answers from memory; by default what the "
			"device recommends, but at least 30s for disks and 60s for all others",
	},
	[OPTION_TIMEOUT_REGULAR] = {
		.name = "timeout-regular",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = DAY,
		.help = "limit for reading and writing the medium; by default what the device "
			"recommends, or 60s for disks, 2400s for tapes and 900s for all others",
	},
	[OPTION_TIMEOUT_LONG] = {
		.name = "timeout-long",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = 7 * DAY,
		.help = "limit for formatting, erasing, positioning and moving media; by default "
			"what the device recommends, or 3600s for disks and 14400s for all others",
	},
	[OPTION_TIMEOUTS] = {
		.name = "timeouts",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 1023,
		.help = "limits for single operation codes, above all other limits, such as "
			"0x1b=2h 0x28=90s",
	},
	[OPTION_ASK_TIMEOUTS] = {
		.name = "ask-timeouts",
		.type = SPT_OPTION_BOOL,
		.fallback = "yes",
		.help = "ask the device for the limits that it recommends (REPORT SUPPORTED "
			"OPERATION CODES)",
	},
	[OPTION_RESET_ESCALATE] = {
		.name = "reset-escalate",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "when the device cannot be reset alone, let the kernel go on to its target, "
			"bus and host adapter, which ends the commands of every device there",
	},
	[OPTION_THIRD_PARTY_COPY] = {
		.name = "third-party-copy",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "let EXTENDED COPY and its relatives through, by which a device reads and "
			"writes other devices",
	},
	IDENTITY_OPTION_ROWS(SG_OPTION_IDENTITY),
};

int sg_settings_read(const struct spt_option_value *v, struct sg_settings *ret,
	const char **ret_path, struct spt_error *error)
{
	static const int classes[SG_CLASSES] = {
		[SG_CLASS_SHORT] = OPTION_TIMEOUT_SHORT,
		[SG_CLASS_REGULAR] = OPTION_TIMEOUT_REGULAR,
		[SG_CLASS_LONG] = OPTION_TIMEOUT_LONG,
	};
	struct sg_settings s = {
		.force = v[OPTION_FORCE].flag,
		.wait = v[OPTION_WAIT_FOR_DEVICE].flag,
		.reset_escalates = v[OPTION_RESET_ESCALATE].flag,
		.third_party_copy = v[OPTION_THIRD_PARTY_COPY].flag,
		.queue_depth = v[OPTION_QUEUE_DEPTH].set ? (unsigned)v[OPTION_QUEUE_DEPTH].number : 0,
		.queue_limit = (unsigned)v[OPTION_QUEUE_LIMIT].number,
		.timeouts.ask = v[OPTION_ASK_TIMEOUTS].flag,
	};

	for (unsigned i = 0; i < SG_CLASSES; i++) {
		const struct spt_option_value *t = &v[classes[i]];
		s.timeouts.class_ms[i] = t->set ? (uint32_t)(t->number / 1000) : 0;
	}
	int r = sg_path_check(v[OPTION_PATH].text, error);
	if (!r && v[OPTION_TIMEOUTS].set)
		r = sg_timeouts_parse(v[OPTION_TIMEOUTS].text, &s.timeouts, error);
	if (r < 0)
		return r;
	*ret = s;
	*ret_path = v[OPTION_PATH].text;
	return 0;
}

int sg_settings_check(const struct spt_option_value *v, struct spt_error *error)
{
	struct sg_settings settings;
	const char *path;

	return sg_settings_read(v, &settings, &path, error);
}
