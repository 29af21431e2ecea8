/* SPDX-License-Identifier: MIT */
/*
 * One configuration key as one row: its name, type, limits, default and help. A backend publishes
 * its keys as a table of these; the parser's checks, the manual and the sample come from it.
 */
#ifndef SPT_OPTION_H
#define SPT_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum spt_option_type {
	SPT_OPTION_STRING,   /* value.text; min..max is its length */
	SPT_OPTION_BOOL,     /* value.flag */
	SPT_OPTION_NUMBER,   /* value.number, within min..max */
	SPT_OPTION_SIZE,     /* value.number of bytes, within min..max */
	SPT_OPTION_DURATION, /* value.number of microseconds, within min..max */
	SPT_OPTION_CHOICE,   /* value.number: index into choices, text set as well */
};

struct spt_option {
	const char *name;
	enum spt_option_type type;
	bool required;
	const char *fallback; /* the default as it would be written; NULL: unset */
	uint64_t min, max;
	const char *const *choices; /* NULL-terminated */
	const char *help;           /* one sentence, no final stop */
};

/* A parsed value; row i of a value array belongs to row i of its option table. */
struct spt_option_value {
	bool set; /* given, or has a default */
	bool given;
	const char *text; /* as written; owned by the reader of the configuration */
	uint64_t number;
	bool flag;
};

struct spt_error;
/* Parses @text as @option says. 0, -EINVAL or -ERANGE with @error told. @text must outlive @ret. */
int spt_option_parse(const struct spt_option *option, const char *text,
	struct spt_option_value *ret, struct spt_error *error);

#ifdef __cplusplus
}
#endif

#endif
