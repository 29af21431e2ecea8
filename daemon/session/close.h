/* SPDX-License-Identifier: MIT */
/* Nothing ends without a reason: the reasons for which connections are closed. */
#ifndef SESSION_CLOSE_H
#define SESSION_CLOSE_H

#include "log/log.h"

enum close_reason {
#define CLOSE(name, level, text, counter) CLOSE_##name,
#include "session/close.def"
#undef CLOSE
	CLOSE_REASONS
};

struct close_info {
	enum log_level level;
	const char *text;
	const char *counter; /* label of the metric */
};

const struct close_info *close_info(enum close_reason reason);

#endif
