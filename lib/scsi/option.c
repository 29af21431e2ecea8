/* SPDX-License-Identifier: MIT */
/*
 * Configuration values read as their option row says, with a text for a person when they are not
 * what the row wants. It stands here, below every backend, since backends and their users share it.
 */
#include <spt/error.h>
#include <spt/option.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int spt_error_set(struct spt_error *e, int err, const char *format, ...)
{
	va_list args;

	if (!e)
		return err;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return err;
}

static int check_range(const struct spt_option *o, uint64_t value, const char *unit,
	struct spt_error *error)
{
	if (value >= o->min && value <= o->max)
		return 0;
	return spt_error_set(error, -ERANGE,
		"%s: %" PRIu64 "%s is out of range (%" PRIu64 " to %" PRIu64 ")", o->name, value,
		unit, o->min, o->max);
}

static int parse_string(const struct spt_option *o, const char *text, struct spt_option_value *v,
	struct spt_error *error)
{
	size_t length = strlen(text);

	if (length < o->min || (o->max && length > o->max))
		return spt_error_set(error, -ERANGE,
			"%s: %zu characters, allowed are %" PRIu64 " to %" PRIu64, o->name, length,
			o->min, o->max);
	return 0;
}

static int parse_flag(const struct spt_option *o, const char *text, struct spt_option_value *v,
	struct spt_error *error)
{
	if (parse_bool(text, &v->flag) < 0)
		return spt_error_set(error, -EINVAL, "%s: '%.100s' is neither yes nor no", o->name,
			text);
	return 0;
}

static int parse_quantity(const struct spt_option *o, const char *text, struct spt_option_value *v,
	struct spt_error *error)
{
	static const struct {
		int (*parse)(const char *text, uint64_t *ret);
		const char *what, *unit;
	} kinds[] = {
		[SPT_OPTION_NUMBER] = { parse_u64, "a number", "" },
		[SPT_OPTION_SIZE] = { parse_size, "a size such as 512M or 10G", " bytes" },
		[SPT_OPTION_DURATION] = { parse_duration, "a time such as 500ms or 30s", " us" },
	};
	int r = kinds[o->type].parse(text, &v->number);

	if (r == -ERANGE)
		return spt_error_set(error, r, "%s: '%.100s' is too large", o->name, text);
	if (r < 0)
		return spt_error_set(error, r, "%s: '%.100s' is not %s", o->name, text,
			kinds[o->type].what);
	return check_range(o, v->number, kinds[o->type].unit, error);
}

static int parse_choice(const struct spt_option *o, const char *text, struct spt_option_value *v,
	struct spt_error *error)
{
	char list[160] = "";
	size_t used = 0;

	for (size_t i = 0; o->choices[i]; i++) {
		if (!strcmp(text, o->choices[i])) {
			v->number = i;
			return 0;
		}
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
			o->choices[i]);
		if (n > 0 && (size_t)n < sizeof(list) - used)
			used += (size_t)n;
	}
	return spt_error_set(error, -EINVAL, "%s: '%.60s' is not one of %s", o->name, text, list);
}

int spt_option_parse(const struct spt_option *option, const char *text,
	struct spt_option_value *ret, struct spt_error *error)
{
	static int (*const parsers[])(const struct spt_option *, const char *,
		struct spt_option_value *, struct spt_error *) = {
		[SPT_OPTION_STRING] = parse_string,
		[SPT_OPTION_BOOL] = parse_flag,
		[SPT_OPTION_NUMBER] = parse_quantity,
		[SPT_OPTION_SIZE] = parse_quantity,
		[SPT_OPTION_DURATION] = parse_quantity,
		[SPT_OPTION_CHOICE] = parse_choice,
	};
	struct spt_option_value v = { .set = true, .text = text, .given = true };
	int r = parsers[option->type](option, text, &v, error);

	if (r < 0)
		return r;
	*ret = v;
	return 0;
}
