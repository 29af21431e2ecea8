/* SPDX-License-Identifier: MIT */
/* The list of faults: see errors.h. Their text is made harmless for terminals and logs here. */
#include "config/errors.h"

#include <stdarg.h>
#include <string.h>

#include "log/log.h"

void config_errors_init(struct config_errors *errors, const char *file)
{
	memset(errors, 0, sizeof(*errors));
	log_escape(file, errors->file, sizeof(errors->file));
}

static void add(struct config_errors *errors, unsigned line, bool warning, const char *format,
	va_list ap) PRINTF_LIKE(4, 0);

static void add(struct config_errors *errors, unsigned line, bool warning, const char *format,
	va_list ap)
{
	char raw[sizeof(errors->list[0].text)];

	errors->n_fatal += !warning;
	if (errors->n == CONFIG_ERRORS_MAX) {
		errors->left_out++;
		return;
	}
	struct config_error *e = &errors->list[errors->n++];
	vsnprintf(raw, sizeof(raw), format, ap);
	log_escape(raw, e->text, sizeof(e->text));
	e->line = line;
	e->warning = warning;
}

void config_error_add(struct config_errors *errors, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(errors, line, false, format, ap);
	va_end(ap);
}

void config_warning_add(struct config_errors *errors, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(errors, line, true, format, ap);
	va_end(ap);
}

void config_error_format(const struct config_errors *errors, size_t i, char *text, size_t bytes)
{
	const struct config_error *e = &errors->list[i];
	const char *kind = e->warning ? "warning: " : "";

	if (e->line)
		snprintf(text, bytes, "%s:%u: %s%s", errors->file, e->line, kind, e->text);
	else
		snprintf(text, bytes, "%s: %s%s", errors->file, kind, e->text);
}

/* Faults are few: each round looks for the next in the order of (line, index). */
void config_errors_print(const struct config_errors *errors, FILE *to)
{
	bool done[CONFIG_ERRORS_MAX] = { false };
	char text[640];

	for (size_t round = 0; round < errors->n; round++) {
		size_t next = CONFIG_ERRORS_MAX;

		for (size_t i = 0; i < errors->n; i++) {
			if (!done[i] && (next == CONFIG_ERRORS_MAX ||
				errors->list[i].line < errors->list[next].line))
				next = i;
		}
		done[next] = true;
		config_error_format(errors, next, text, sizeof(text));
		fprintf(to, "%s\n", text);
	}
	if (errors->left_out)
		fprintf(to, "%s: %zu more\n", errors->file, errors->left_out);
}
