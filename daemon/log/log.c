/* SPDX-License-Identifier: MIT */
/* Levels, sinks and the making of a message: see log.h. Who writes it is writer.c's. */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/writer.h"

static const struct {
	enum log_level level;
	const char *name;
	const char *prefix;
} LEVELS[] = {
	{ LOG_LEVEL_ERROR, "err", "error: " },
	{ LOG_LEVEL_WARNING, "warning", "warning: " },
	{ LOG_LEVEL_NOTICE, "notice", "" },
	{ LOG_LEVEL_INFO, "info", "" },
	{ LOG_LEVEL_DEBUG, "debug", "debug: " },
};

static _Atomic(int) threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

bool log_wanted(enum log_level level)
{
	return level <= log_get_level();
}

int log_level_parse(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(LEVELS); i++) {
		if (strcmp(text, LEVELS[i].name))
			continue;
		*ret = LEVELS[i].level;
		return 0;
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	for (size_t i = 0; i < ARRAY_SIZE(LEVELS); i++) {
		if (LEVELS[i].level == level)
			return LEVELS[i].name;
	}
	return "?";
}

/* Lines that have been made and not been written: the sink's. */
static struct {
	char text[PIPE_BUF];
	size_t bytes;
} lines;

static void write_lines(void)
{
	ssize_t r;

	do
		r = write(STDERR_FILENO, lines.text, lines.bytes);
	while (r < 0 && errno == EINTR);
	lines.bytes = 0;
}

/*
 * Whole lines leave in one write(), no more of them than a pipe takes undivided, so that those of several processes on
 * one standard error stay whole.
 */
static void write_line(const char *prefix, const char *text, bool more)
{
	size_t prefix_bytes = strlen(prefix), text_bytes = strlen(text);

	static_assert(sizeof(lines.text) >= 2 * LOG_MESSAGE_MAX, "a message fits");
	if (lines.bytes + prefix_bytes + text_bytes + 1 > sizeof(lines.text))
		write_lines();
	memcpy(lines.text + lines.bytes, prefix, prefix_bytes);
	memcpy(lines.text + lines.bytes + prefix_bytes, text, text_bytes);
	lines.bytes += prefix_bytes + text_bytes + 1;
	lines.text[lines.bytes - 1] = '\n';
	if (!more)
		write_lines();
}

void log_sink_stderr(const struct log_message *message, bool more)
{
	const char *prefix = "";

	for (size_t i = 0; i < ARRAY_SIZE(LEVELS); i++) {
		if (LEVELS[i].level == message->level)
			prefix = LEVELS[i].prefix;
	}
	write_line(prefix, message->text, more);
}

void log_sink_stderr_priority(const struct log_message *message, bool more)
{
	char prefix[8];

	snprintf(prefix, sizeof(prefix), "<%d>", (int)message->level & 7);
	write_line(prefix, message->text, more);
}

void log_write(enum log_level level, const char *file, int line, const char *function,
	const struct log_field *fields, size_t n_fields, const char *format, ...)
{
	char raw[LOG_MESSAGE_MAX], text[LOG_MESSAGE_MAX + 4];
	int saved = errno;
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	if (n < 0)
		snprintf(raw, sizeof(raw), "(a message that cannot be formatted)");
	size_t used = log_escape(raw, text, LOG_MESSAGE_MAX);
	/* Cut either by the format or by the escapes: nothing was cut when undoing would fit. */
	if (n >= (int)sizeof(raw) || used + 4 >= LOG_MESSAGE_MAX)
		memcpy(text + used, "...", 4);
	struct log_message message = {
		.level = level,
		.text = text,
		.file = file,
		.function = function,
		.line = line,
		.fields = fields,
		.n_fields = MIN(n_fields, (size_t)LOG_FIELDS_MAX),
	};
	log_writer_put(&message);
	errno = saved;
}
