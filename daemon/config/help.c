/* SPDX-License-Identifier: MIT */
/*
 * The schema told to people, in three forms that walk the same rows: text for a terminal, roff for
 * the manual, and the sample file. The keys of backends come from the backends' own tables, so a
 * build tells of what it has.
 */
#include "config/help.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "config/schema.h"

#include <spt/device.h>
#include <spt/layer.h>

#define WIDTH 78

/* One key as it is told, of the schema or of a backend. */
struct entry {
	const struct spt_option *option;
	const struct schema_key *key; /* NULL: a backend's */
	char value[200];              /* what may be written */
	char fallback[100];           /* "auto", or empty */
};

struct unit {
	uint64_t factor;
	const char *name;
};

static const struct unit SIZES[] = {
	{ 1ull << 40, "T" }, { 1ull << 30, "G" }, { 1ull << 20, "M" }, { 1ull << 10, "K" },
};
static const struct unit TIMES[] = {
	{ 3600000000, "h" }, { 60000000, "min" }, { 1000000, "s" }, { 1000, "ms" },
};

/* @value in the largest unit that shows it exactly; a bare number is in @base. */
static void amount(char *text, size_t bytes, uint64_t value, const struct unit *units, size_t n,
	const char *base)
{
	for (size_t i = 0; i < n && value; i++) {
		if (value % units[i].factor)
			continue;
		snprintf(text, bytes, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
		return;
	}
	snprintf(text, bytes, "%" PRIu64 "%s", value, value ? base : "");
}

static void limits(const struct spt_option *o, char *text, size_t bytes)
{
	char low[32], high[32];

	switch (o->type) {
	case SPT_OPTION_SIZE:
		amount(low, sizeof(low), o->min, SIZES, ARRAY_SIZE(SIZES), "");
		amount(high, sizeof(high), o->max, SIZES, ARRAY_SIZE(SIZES), "");
		break;
	case SPT_OPTION_DURATION:
		amount(low, sizeof(low), o->min, TIMES, ARRAY_SIZE(TIMES), "us");
		amount(high, sizeof(high), o->max, TIMES, ARRAY_SIZE(TIMES), "us");
		break;
	default:
		snprintf(low, sizeof(low), "%" PRIu64, o->min);
		snprintf(high, sizeof(high), "%" PRIu64, o->max);
	}
	if (o->max == UINT64_MAX)
		snprintf(text, bytes, ", %s or more", low);
	else
		snprintf(text, bytes, ", %s to %s", low, high);
}

static void choices(const struct spt_option *o, char *text, size_t bytes)
{
	size_t used = 0;

	for (size_t i = 0; o->choices[i]; i++) {
		int n = snprintf(text + used, bytes - used, "%s%s",
			!i ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);

		if (n < 0 || (size_t)n >= bytes - used)
			return;
		used += (size_t)n;
	}
}

static void entry_init(struct entry *e, const struct spt_option *o, const struct schema_key *key)
{
	static const char *const TYPES[] = {
		[SPT_OPTION_STRING] = "text",       [SPT_OPTION_BOOL] = "yes or no",
		[SPT_OPTION_NUMBER] = "number",     [SPT_OPTION_SIZE] = "size",
		[SPT_OPTION_DURATION] = "duration", [SPT_OPTION_CHOICE] = "",
	};
	char range[80] = "";

	memset(e, 0, sizeof(*e));
	e->option = o;
	e->key = key;
	if (o->type == SPT_OPTION_NUMBER || o->type == SPT_OPTION_SIZE ||
		o->type == SPT_OPTION_DURATION)
		limits(o, range, sizeof(range));
	if (o->type == SPT_OPTION_CHOICE)
		choices(o, e->value, sizeof(e->value));
	else
		snprintf(e->value, sizeof(e->value), "%s%s",
			key && key->form ? key->form : TYPES[o->type], range);
	if (o->fallback)
		snprintf(e->fallback, sizeof(e->fallback), "%s", o->fallback);
}

static const char *dot_number(const struct entry *e)
{
	if (!e->key || !e->key->numbered)
		return "";
	return strcmp(e->option->name, "lun") ? "[.N]" : ".N";
}

/* The first letter of a sentence; a word such as iSCSI keeps its own. */
static char first_letter(const char *sentence)
{
	bool word = islower((unsigned char)sentence[0]) &&
		(islower((unsigned char)sentence[1]) || sentence[1] == ' ');

	return (char)(word ? toupper((unsigned char)sentence[0]) : sentence[0]);
}

/* @text broken into lines of WIDTH, each with @prefix. */
static void wrap(FILE *to, const char *prefix, const char *text)
{
	size_t room = WIDTH - strlen(prefix);

	while (*text) {
		size_t n = strlen(text);

		if (n > room) {
			for (n = room; n && text[n] != ' '; n--)
				;
			if (!n)
				n = strcspn(text, " ");
		}
		fprintf(to, "%s%.*s\n", prefix, (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

/* A row's help as a sentence. */
static void wrap_help(FILE *to, const char *prefix, const char *help)
{
	char text[1024];

	snprintf(text, sizeof(text), "%c%s.", first_letter(help), *help ? help + 1 : "");
	wrap(to, prefix, text);
}

static void wrapf(FILE *to, const char *prefix, const char *format, ...) PRINTF_LIKE(3, 4);
static void wrapf(FILE *to, const char *prefix, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	wrap(to, prefix, text);
}

/* How a form tells its parts; the walk is the same for all. */
struct teller {
	void (*section)(FILE *to, const struct schema_section_info *info);
	void (*backend)(FILE *to, const struct spt_backend_ops *backend);
	void (*layers)(FILE *to);
	void (*entry)(FILE *to, const struct entry *entry, bool active);
};

static void walk_rows(const struct teller *teller, FILE *to, const struct spt_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct entry e;

		entry_init(&e, &options[i], NULL);
		teller->entry(to, &e, false);
	}
}

static void walk_layers(const struct teller *teller, FILE *to)
{
	size_t n;
	const struct spt_option *options = spt_layer_options(&n);

	teller->layers(to);
	walk_rows(teller, to, options, n);
}

static void walk_backends(const struct teller *teller, FILE *to)
{
	for (const struct spt_backend_ops *const *b = spt_backends(); *b; b++) {
		size_t n;
		const struct spt_option *options = spt_backend_options(*b, &n);

		teller->backend(to, *b);
		walk_rows(teller, to, options, n);
	}
}

static void walk(const struct teller *teller, FILE *to)
{
	for (int s = 0; s < SCHEMA_SECTIONS; s++) {
		const struct schema_section_info *info = schema_section((enum schema_section)s);

		teller->section(to, info);
		for (size_t i = 0; i < info->n_keys; i++) {
			struct entry e;

			entry_init(&e, &info->keys[i].option, &info->keys[i]);
			teller->entry(to, &e, s == SCHEMA_PORTAL && info->keys[i].option.required);
		}
		if (s == SCHEMA_DEVICE) {
			walk_backends(teller, to);
			walk_layers(teller, to);
		}
	}
}

/* Text. */

static void text_section(FILE *to, const struct schema_section_info *info)
{
	fprintf(to, "\n[%s%s]\n", info->name, info->named ? "-NAME" : "");
	wrap(to, "  ", info->help);
}

static void text_backend(FILE *to, const struct spt_backend_ops *backend)
{
	fprintf(to, "\n  With backend = %s:\n", spt_backend_name(backend));
	wrap_help(to, "    ", spt_backend_help(backend));
}

static void text_layers(FILE *to)
{
	fprintf(to, "\n  With any backend, about layers:\n");
}

/* The keys of a backend belong to a device, which is opened with them. */
static const char *cost(const struct entry *e)
{
	return schema_reload_text(e->key ? e->key->reload : SCHEMA_REOPEN);
}

static void text_entry(FILE *to, const struct entry *e, bool active)
{
	fprintf(to, "\n  %s%s = %s\n", e->option->name, dot_number(e), e->value);
	wrap_help(to, "      ", e->option->help);
	if (e->option->required)
		fprintf(to, "      Required.\n");
	else if (*e->fallback)
		fprintf(to, "      Default: %s\n", e->fallback);
	fprintf(to, "      Changed by a reload: %s\n", cost(e));
}

void config_help_print(FILE *to)
{
	static const struct teller TEXT = { text_section, text_backend, text_layers, text_entry };

	walk(&TEXT, to);
}

/* The manual. */

static void roff_text(FILE *to, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", to);
		else if (*p == '-')
			fputs("\\-", to);
		else if (p == text && (*p == '.' || *p == '\''))
			fprintf(to, "\\&%c", *p);
		else
			fputc(*p, to);
	}
}

static void roff_help(FILE *to, const char *help)
{
	fputc(first_letter(help), to);
	roff_text(to, *help ? help + 1 : "");
	fputs(".\n", to);
}

static void roff_section(FILE *to, const struct schema_section_info *info)
{
	fprintf(to, ".SS \"[%s%s]\"\n", info->name, info->named ? "\\-\\fINAME\\fB" : "");
	roff_text(to, info->help);
	fputc('\n', to);
}

static void roff_backend(FILE *to, const struct spt_backend_ops *backend)
{
	fputs(".PP\nWith \\fBbackend = ", to);
	roff_text(to, spt_backend_name(backend));
	fputs("\\fR:\n", to);
	roff_help(to, spt_backend_help(backend));
}

static void roff_layers(FILE *to)
{
	fputs(".PP\nWith any backend, about layers (see LAYERS):\n", to);
}

static void roff_entry(FILE *to, const struct entry *e, bool active)
{
	fputs(".TP\n\\fB", to);
	roff_text(to, e->option->name);
	fprintf(to, "%s\\fR = \\fI", dot_number(e));
	roff_text(to, e->value);
	fputs("\\fR\n", to);
	roff_help(to, e->option->help);
	if (e->option->required)
		fputs("Required.\n", to);
	if (*e->fallback) {
		fputs("Default: \\fB", to);
		roff_text(to, e->fallback);
		fputs("\\fR.\n", to);
	}
	fprintf(to, "Changed by a reload: %s.\n", cost(e));
}

void config_help_roff(FILE *to)
{
	static const struct teller ROFF = { roff_section, roff_backend, roff_layers, roff_entry };

	walk(&ROFF, to);
}

/* The sample. */

static void sample_section(FILE *to, const struct schema_section_info *info)
{
	static const char *const NAMES[][2] = {
		{ "daemon", "[daemon]" },
		{ "portal", "[portal-main]" },
		{ "device", ";[device-scratch]" },
		{ "target", ";[target-disk]" },
	};

	fprintf(to, "\n%.*s\n", WIDTH,
		"##############################################################################");
	wrapf(to, "# ", "%s. %s", info->title, info->help);
	fputc('\n', to);
	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		if (!strcmp(NAMES[i][0], info->name))
			fprintf(to, "%s\n", NAMES[i][1]);
	}
}

static void sample_backend(FILE *to, const struct spt_backend_ops *backend)
{
	fprintf(to, "\n# ---- Keys of backend = %s ----\n", spt_backend_name(backend));
	wrap_help(to, "# ", spt_backend_help(backend));
}

static void sample_layers(FILE *to)
{
	fprintf(to, "\n# ---- Keys of layers, with any backend ----\n");
}

static void sample_entry(FILE *to, const struct entry *e, bool active)
{
	const char *name = e->option->name;
	const char *value = e->key && e->key->sample ? e->key->sample : e->fallback;

	fputc('\n', to);
	wrap_help(to, "# ", e->option->help);
	wrapf(to, "# ", "(%s%s)", e->value,
		e->option->required ? "; required" : *e->fallback ? "" : "; no default");
	const char *detail = strstr(name, ".N.");
	if (detail)
		fprintf(to, "%s%.*s.0%s", active ? "" : ";", (int)(detail - name), name, detail + 2);
	else
		fprintf(to, "%s%s%s", active ? "" : ";", name,
			e->key && e->key->numbered && !strcmp(name, "lun") ? ".0" : "");
	fprintf(to, " =%s%s\n", *value ? " " : "", value);
}

void config_help_sample(FILE *to)
{
	static const struct teller SAMPLE = { sample_section, sample_backend, sample_layers,
		sample_entry };

	fputs("# sptgt.conf: the configuration of sptgtd. Every key stands here with its default; "
		"see\n"
	      "# sptgt.conf(5). Check a change with: sptgtd --config /etc/sptgt/sptgt.conf "
	"--check\n"
	      "#\n"
	      "# Nothing is exported until a target names its initiators.\n",
		to);
	walk(&SAMPLE, to);
}
