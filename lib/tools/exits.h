/* SPDX-License-Identifier: MIT */
/* Exit codes of sptraw: the numbers of sg_raw (sg3_utils), so that scripts need not be changed. */
#ifndef TOOLS_EXITS_H
#define TOOLS_EXITS_H

#include <stddef.h>
#include <stdint.h>

enum {
	EXIT_GOOD = 0,
	EXIT_SYNTAX = 1,
	EXIT_FILE = 15,
	EXIT_TIMEOUT = 33,
	EXIT_OS = 50, /* and errno, up to 96 */
	EXIT_MALFORMED = 97,
	EXIT_SENSE = 98,
	EXIT_OTHER = 99,
};

/* Of a command that was executed: by its status and sense. */
int exit_of_status(uint8_t status, const uint8_t *sense, size_t sense_bytes);
/* Of one that was not: @error is -errno. */
int exit_of_error(int error);

#endif
