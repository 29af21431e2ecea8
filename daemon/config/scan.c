/* SPDX-License-Identifier: MIT */
/*
 * The grammar of the configuration file, kept strictly so that nothing is guessed, cut or merged:
 *
 *   line    = [ comment | "[" name "]" | name "=" value [ blank comment ] ]
 *   value   = text without ; or #  |  "text without that quote"  |  'text without that quote'
 *   comment = ( ";" | "#" ) text
 *   name    = letters, digits, "-", "_", "."; upper and lower case are the same
 *
 * The library that reads the file afterwards accepts more, silently: it merges sections, lets the
 * last duplicate win, cuts values, joins lines. Whatever it might understand differently is a fault
 * here.
 */
#include "config/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/grow.h"

struct scan {
	struct config_errors *errors;
	struct ini *ini;
	size_t n_keys;
	unsigned line;
	bool in_section; /* keys have somewhere to go */
	bool ignore;     /* the section's header was faulty: its keys are not looked at */
};

/* A piece of a line. */
struct span {
	const char *p, *end;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool comment(char c)
{
	return c == ';' || c == '#';
}

static struct span trim(struct span s)
{
	while (s.p < s.end && blank(*s.p))
		s.p++;
	while (s.p < s.end && blank(s.end[-1]))
		s.end--;
	return s;
}

static int span_width(struct span s)
{
	return (int)(s.end - s.p);
}

static bool name_valid(struct span s)
{
	if (s.p == s.end || s.end - s.p > (ptrdiff_t)INI_NAME_MAX)
		return false;
	for (const char *p = s.p; p < s.end; p++) {
		if (!isascii(*p) || (!isalnum(*p) && !strchr("-_.", *p)))
			return false;
	}
	return true;
}

static char *lower(struct span s)
{
	char *text = strndup(s.p, (size_t)(s.end - s.p));

	for (char *p = text; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

static int fault(struct scan *scan, const char *text)
{
	config_error_add(scan->errors, scan->line, "%s", text);
	return -EINVAL;
}

/* The first byte that a text file does not have, or NULL. */
static const char *find_control(struct span s)
{
	for (const char *p = s.p; p < s.end; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return p;
	}
	return NULL;
}

static int scan_header(struct scan *scan, struct span s)
{
	scan->in_section = true;
	scan->ignore = true;
	if (s.end[-1] != ']') {
		return fault(scan, memchr(s.p, ']', (size_t)(s.end - s.p)) ?
			"nothing may follow the ] of a section, not even a comment" :
			"a section's name ends with ]");
	}
	struct span name = { s.p + 1, s.end - 1 };
	if (!name_valid(name)) {
		config_error_add(scan->errors, scan->line,
			"'%.*s' is no section name: 1 to %u letters, digits, '-', '_', '.'",
			span_width(name), name.p, INI_NAME_MAX);
		return -EINVAL;
	}
	if (scan->ini->n_sections == INI_SECTIONS_MAX)
		return fault(scan, "too many sections");

	char *text = lower(name);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < scan->ini->n_sections; i++) {
		if (strcmp(scan->ini->sections[i].name, text))
			continue;
		config_error_add(scan->errors, scan->line, "section [%s] is there already, on line "
			"%u",
			text, scan->ini->sections[i].line);
		free(text);
		return -EINVAL;
	}
	struct ini_section *section = GROW(scan->ini->sections, scan->ini->n_sections);
	if (!section) {
		free(text);
		return -ENOMEM;
	}
	scan->ini->n_sections++;
	section->name = text;
	section->line = scan->line;
	scan->ignore = false;
	return 0;
}

/* From an opening quote to the end of the line: the value is what is between the quotes. */
static int scan_quoted(struct scan *scan, struct span s, struct span *ret)
{
	const char *end = memchr(s.p + 1, *s.p, (size_t)(s.end - s.p - 1));

	if (!end)
		return fault(scan, "the closing quote is missing");
	struct span rest = trim((struct span){ end + 1, s.end });
	if (rest.p < rest.end && !comment(*rest.p))
		return fault(scan, "nothing but a comment may follow the closing quote");
	*ret = (struct span){ s.p + 1, end };
	return 0;
}

static int scan_value(struct scan *scan, struct span s, struct span *ret)
{
	s = trim(s);
	if (s.p < s.end && (*s.p == '"' || *s.p == '\''))
		return scan_quoted(scan, s, ret);
	for (const char *p = s.p; p < s.end; p++) {
		if (!comment(*p))
			continue;
		if (p > s.p && !blank(p[-1]))
			return fault(scan, "; or # begins a comment: put a blank in front of it, "
				"or "
				"the value in quotes");
		s.end = p;
	}
	s = trim(s);
	if (s.p == s.end)
		return fault(scan, "there is no value after =");
	*ret = s;
	return 0;
}

/* Adds a key whose name and value are right; a duplicate is a fault. */
static int add_key(struct scan *scan, struct span name, struct span value)
{
	struct ini_section *section = &scan->ini->sections[scan->ini->n_sections - 1];
	char *text = lower(name);

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < section->n_keys; i++) {
		if (strcmp(section->keys[i].name, text))
			continue;
		config_error_add(scan->errors, scan->line, "%s is there already, on line %u", text,
			section->keys[i].line);
		free(text);
		return -EINVAL;
	}
	char *copy = strndup(value.p, (size_t)(value.end - value.p));
	struct ini_key *key = copy ? GROW(section->keys, section->n_keys) : NULL;
	if (!key) {
		free(copy);
		free(text);
		return -ENOMEM;
	}
	section->n_keys++;
	scan->n_keys++;
	*key = (struct ini_key){ .name = text, .value = copy, .line = scan->line };
	return 0;
}

static int scan_key(struct scan *scan, struct span s)
{
	const char *equals = memchr(s.p, '=', (size_t)(s.end - s.p));

	if (!equals)
		return fault(scan, "this is neither a section, a key = value nor a comment");
	struct span value, name = trim((struct span){ s.p, equals });
	if (!name_valid(name)) {
		config_error_add(scan->errors, scan->line,
			"'%.*s' is no key: 1 to %u letters, digits, '-', '_', '.'",
			MIN(span_width(name), 80), name.p, INI_NAME_MAX);
		return -EINVAL;
	}
	if (!scan->in_section)
		return fault(scan, "a key stands before the first section");
	int r = scan_value(scan, (struct span){ equals + 1, s.end }, &value);
	if (r < 0 || scan->ignore)
		return r;
	if (scan->n_keys == INI_KEYS_MAX)
		return fault(scan, "too many keys");
	return add_key(scan, name, value);
}

static int scan_line(struct scan *scan, struct span s)
{
	if (s.end - s.p > (ptrdiff_t)INI_LINE_MAX)
		return fault(scan, "the line is too long");
	if (s.p < s.end && s.end[-1] == '\r')
		s.end--;
	const char *control = find_control(s);
	if (control) {
		config_error_add(scan->errors, scan->line, "column %d holds the control character "
			"%02xh",
			(int)(control - s.p) + 1, (unsigned)*control & 0xff);
		return -EINVAL;
	}
	s = trim(s);
	if (s.p < s.end && s.end[-1] == '\\')
		return fault(scan, "a line may not end in a backslash; lines are not joined");
	if (s.p == s.end || comment(*s.p))
		return 0;
	return *s.p == '[' ? scan_header(scan, s) : scan_key(scan, s);
}

int ini_scan(const char *data, size_t bytes, struct config_errors *errors, struct ini *ini)
{
	struct scan scan = { .errors = errors, .ini = ini };
	const char *end = data + bytes;
	int result = 0;

	if (bytes > INI_BYTES_MAX) {
		config_error_add(errors, 0, "larger than %u bytes", INI_BYTES_MAX);
		return -EINVAL;
	}
	if (bytes >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) {
		config_error_add(errors, 1, "begins with a byte order mark; save it without");
		data += 3;
		result = -EINVAL;
	}
	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		struct span line = { data, newline ? newline : end };

		scan.line++;
		int r = scan_line(&scan, line);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
		data = newline ? newline + 1 : end;
	}
	return result;
}
