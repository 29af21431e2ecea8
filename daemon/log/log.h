/* SPDX-License-Identifier: MIT */
/*
 * The log: one line a message, its level, and optionally fields for a structured journal. It lies
 * below everything else in the daemon. Any thread may log. Text of peers may be among the
 * arguments as it is: control characters, line ends, invalid UTF-8 and backslashes of the finished
 * message are written as \xNN, so that nobody outside can forge a line or drive a terminal.
 *
 * Until log_writer_start() a message is written by the caller. Afterwards a thread writes them, so
 * that a full pipe or a stuck journal never stalls an event loop; when its queue is full, messages
 * are counted instead of kept, and the count is logged.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

/* Numbered as the priorities of syslog (RFC 5424 6.2.1). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Longer messages are cut and end in "...". */
#define LOG_MESSAGE_MAX 1024u

/* A field of a structured journal. @name: capitals, digits and underscores, as "SPTGT_TARGET". */
struct log_field {
	const char *name;
	const char *value; /* NULL: the field is left out */
};

#define LOG_FIELDS_MAX 8u

struct log_message {
	enum log_level level;
	const char *text; /* escaped, one line, no line end */
	const char *file;
	const char *function;
	int line;
	const struct log_field *fields;
	size_t n_fields;
};

/* Where messages go; called by one thread at a time. @more: another one follows at once, and this one may wait for it. */
typedef void (*log_sink)(const struct log_message *message, bool more);

/*
 * Writes to standard error, the level in front of what is not merely information: the first sink.
 */
void log_sink_stderr(const struct log_message *message, bool more);
/* As above with "<6>" in front, for a standard error that leads to the journal. */
void log_sink_stderr_priority(const struct log_message *message, bool more);
void log_set_sink(log_sink sink);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "debug", "info", "notice", "warning", "err"; -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret);
const char *log_level_name(enum log_level level);

/* 0 or -errno. Stopping writes what is queued and goes back to writing in place. */
int log_writer_start(void);
void log_writer_stop(void);

bool log_wanted(enum log_level level);
void log_write(enum log_level level, const char *file, int line, const char *function,
	const struct log_field *fields, size_t n_fields, const char *format, ...) PRINTF_LIKE(7, 8);

/* Without the directories it was built in. */
#ifdef __FILE_NAME__
#define LOG_FILE __FILE_NAME__
#else
#define LOG_FILE __FILE__
#endif

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if (log_wanted(level))                                                             \
			log_write(level, LOG_FILE, __LINE__, __func__, NULL, 0, __VA_ARGS__);      \
	} while (0)

#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* With fields: log_fields(LOG_LEVEL_INFO, fields, n, "connection from %s closed: %s", ...). */
#define log_fields(level, fields, n, ...)                                                          \
	do {                                                                                       \
		if (log_wanted(level))                                                             \
			log_write(level, LOG_FILE, __LINE__, __func__, fields, n, __VA_ARGS__);    \
	} while (0)

/*
 * @text escaped as messages are, into @out; the length written, never @out_bytes or more. What
 * does not fit is cut between characters.
 */
size_t log_escape(const char *text, char *out, size_t out_bytes);

#endif
