/* SPDX-License-Identifier: MIT */
/* The table of close reasons. */
#include "session/close.h"

#include <assert.h>

static const struct close_info REASONS[] = {
#define CLOSE(name, level, text, counter) [CLOSE_##name] = { LOG_LEVEL_##level, text, counter },
#include "session/close.def"
#undef CLOSE
};

const struct close_info *close_info(enum close_reason reason)
{
	assert(reason < CLOSE_REASONS);
	return &REASONS[reason];
}
