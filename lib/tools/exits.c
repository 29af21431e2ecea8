/* SPDX-License-Identifier: MIT */
/* Exit codes: see exits.h. */
#include "tools/exits.h"

#include <errno.h>

#include <spt/sense.h>
#include <spt/task.h>

#include "base/util.h"

struct row {
	uint16_t code;
	int exit;
};

static const struct row STATUSES[] = {
	{ SPT_GOOD, EXIT_GOOD },
	{ SPT_CONDITION_MET, 25 },
	{ SPT_BUSY, 26 },
	{ SPT_RESERVATION_CONFLICT, 24 },
	{ SPT_TASK_SET_FULL, 27 },
	{ SPT_ACA_ACTIVE, 28 },
	{ SPT_TASK_ABORTED, 29 },
};

static const struct row KEYS[] = {
	{ SPT_KEY_NO_SENSE, 20 },
	{ SPT_KEY_RECOVERED_ERROR, 21 },
	{ SPT_KEY_NOT_READY, 2 },
	{ SPT_KEY_MEDIUM_ERROR, 3 },
	{ SPT_KEY_HARDWARE_ERROR, 3 },
	{ SPT_KEY_BLANK_CHECK, 3 },
	{ SPT_KEY_ILLEGAL_REQUEST, 5 },
	{ SPT_KEY_UNIT_ATTENTION, 6 },
	{ SPT_KEY_DATA_PROTECT, 7 },
	{ SPT_KEY_COPY_ABORTED, 10 },
	{ SPT_KEY_ABORTED_COMMAND, 11 },
	{ SPT_KEY_MISCOMPARE, 14 },
};

static int find(const struct row *rows, size_t n, unsigned code, int otherwise)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].code == code)
			return rows[i].exit;
	}
	return otherwise;
}

static int exit_of_sense(const struct spt_sense *s)
{
	if (s->key == SPT_KEY_ILLEGAL_REQUEST && s->asc == 0x2000)
		return 9; /* INVALID COMMAND OPERATION CODE */
	if (s->key == SPT_KEY_ILLEGAL_REQUEST && s->asc == 0x2100)
		return 22; /* LOGICAL BLOCK ADDRESS OUT OF RANGE */
	if (s->key == SPT_KEY_ABORTED_COMMAND && s->asc >> 8 == 0x10)
		return 40; /* protection information does not match */
	return find(KEYS, ARRAY_SIZE(KEYS), s->key, EXIT_SENSE);
}

int exit_of_status(uint8_t status, const uint8_t *sense, size_t sense_bytes)
{
	struct spt_sense s;

	if (status != SPT_CHECK_CONDITION)
		return find(STATUSES, ARRAY_SIZE(STATUSES), status, EXIT_OTHER);
	if (spt_sense_decode(sense, sense_bytes, &s) < 0)
		return EXIT_MALFORMED;
	return exit_of_sense(&s);
}

int exit_of_error(int error)
{
	if (error == -ETIMEDOUT)
		return EXIT_TIMEOUT;
	return -error <= 46 ? EXIT_OS - error : EXIT_OTHER;
}
