/* SPDX-License-Identifier: MIT */
/* The columns of each table, and how a field becomes a cell: see views.h. */
#include "cli/views.h"

#include <inttypes.h>
#include <time.h>

#include "base/util.h"

static void show_text(const void *row, const struct field *field, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s", field_text(field, row));
}

#define CELL(name, kind)                                                                           \
	static void name(const void *row, const char *field_name, char *text, size_t bytes)        \
	{                                                                                          \
		const struct field *field = rows_field(kind, field_name);                          \
                                                                                                   \
		if (field->type == FIELD_TEXT)                                                     \
			show_text(row, field, text, bytes);                                        \
		else                                                                               \
			snprintf(text, bytes, "%" PRIu64, field_number(field, row));               \
	}

CELL(target_cell, ROWS_TARGETS)
CELL(lun_cell, ROWS_LUNS)
CELL(session_cell, ROWS_SESSIONS)
CELL(layer_cell, ROWS_LAYERS)

void view_size(uint64_t bytes, char *text, size_t text_bytes)
{
	static const char UNITS[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t rest = 0;

	while (bytes >= 1024 && unit + 2 < sizeof(UNITS)) {
		rest = bytes & 1023;
		bytes >>= 10;
		unit++;
	}
	if (!rest)
		snprintf(text, text_bytes, "%" PRIu64 "%c", bytes, UNITS[unit]);
	else
		snprintf(text, text_bytes, "%" PRIu64 ".%u%c", bytes, (unsigned)(rest * 10 / 1024),
			UNITS[unit]);
}

static void target_sessions(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_target *t = row;

	snprintf(text, bytes, "%u/%u", t->sessions, t->max_sessions);
}

/* PERIPHERAL DEVICE TYPE, SPC-5 table 141. */
static void lun_type(const void *row, const char *field, char *text, size_t bytes)
{
	static const char *const TYPES[32] = {
		[0x00] = "disk",       [0x01] = "tape",    [0x03] = "processor",
		[0x05] = "cd/dvd",     [0x07] = "optical", [0x08] = "changer",
		[0x0c] = "array",      [0x0d] = "enclosure", [0x0e] = "rbc disk",
		[0x11] = "osd",        [0x12] = "adc",     [0x14] = "zoned disk",
	};
	const struct snapshot_lun *lun = row;
	const char *type = lun->device_type < ARRAY_SIZE(TYPES) ? TYPES[lun->device_type] : NULL;

	if (type)
		snprintf(text, bytes, "%s", type);
	else
		snprintf(text, bytes, "type %02xh", lun->device_type);
}

static void lun_size(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_lun *lun = row;

	*text = 0;
	if (lun->block_bytes)
		view_size(lun->blocks * lun->block_bytes, text, bytes);
}

static void lun_block(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_lun *lun = row;

	*text = 0;
	if (lun->block_bytes)
		snprintf(text, bytes, "%u", lun->block_bytes);
}

static void lun_state(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_lun *lun = row;

	const char *state = lun->fenced ? "fenced" : lun->fenced_ways ? "fenced for some" : "ok";

	snprintf(text, bytes, "%s%s%s%s", state, lun->read_only ? ", read-only" : "",
		lun->detail[0] ? ", " : "", lun->detail);
}

static void layer_state(const void *row, const char *field, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s", ((const struct snapshot_layer *)row)->on ? "on" : "off");
}

static void layer_rule(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_layer *layer = row;

	*text = 0;
	if (layer->rule)
		snprintf(text, bytes, "%u", layer->rule);
}

static void session_target(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_session *s = row;

	snprintf(text, bytes, "%s", *s->target ? s->target : "(discovery)");
}

static void session_connections(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_session *s = row;

	snprintf(text, bytes, "%u/%u", s->connections, s->max_connections);
}

static void session_since(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_session *s = row;
	time_t when = (time_t)s->login_time;
	struct tm tm;

	*text = 0;
	if (s->login_time && localtime_r(&when, &tm))
		strftime(text, bytes, "%F %T", &tm);
}

static void session_bytes(const void *row, const char *field, char *text, size_t bytes)
{
	view_size(field_number(rows_field(ROWS_SESSIONS, field), row), text, bytes);
}

static void session_digests(const void *row, const char *field, char *text, size_t bytes)
{
	const struct snapshot_session *s = row;

	snprintf(text, bytes, "%s%s%s", s->header_digest ? "header" : "",
		s->header_digest && s->data_digest ? "," : "", s->data_digest ? "data" : "");
}

static const struct table_column TARGET_COLUMNS[] = {
	{ "TARGET", target_cell, "name", false },
	{ "SESSIONS", target_sessions, "sessions", true },
	{ "LUNS", target_cell, "luns", true },
	{ "PORTALS", target_cell, "portals", false },
	{ "ALIAS", target_cell, "alias", false },
};

static const struct table_column LUN_COLUMNS[] = {
	{ "TARGET", lun_cell, "target", false },
	{ "LUN", lun_cell, "lun", true },
	{ "DEVICE", lun_cell, "device", false },
	{ "BACKEND", lun_cell, "backend", false },
	{ "TYPE", lun_type, "device_type", false },
	{ "SIZE", lun_size, "blocks", true },
	{ "BLOCK", lun_block, "block_bytes", true },
	{ "LAYERS", lun_cell, "layers", false },
	{ "STATE", lun_state, "fenced", false },
};

static const struct table_column SESSION_COLUMNS[] = {
	{ "ID", session_cell, "id", true },
	{ "INITIATOR", session_cell, "initiator", false },
	{ "USER", session_cell, "user", false },
	{ "ISID", session_cell, "isid", false },
	{ "TARGET", session_target, "target", false },
	{ "PEER", session_cell, "peer", false },
	{ "PORTAL", session_cell, "portal", false },
	{ "SINCE", session_since, "login_time", false },
	{ "CONNECTIONS", session_connections, "connections", true },
	{ "COMMANDS", session_cell, "commands", true },
	{ "SENT", session_bytes, "bytes_in", true },
	{ "RECEIVED", session_bytes, "bytes_out", true },
	{ "TASKS", session_cell, "tasks", true },
	{ "DIGESTS", session_digests, "header_digest", false },
};

static const struct table_column LAYER_COLUMNS[] = {
	{ "DEVICE", layer_cell, "device", false },
	{ "LAYER", layer_cell, "layer", false },
	{ "STATE", layer_state, "on", false },
	{ "RULE", layer_rule, "rule", true },
	{ "SEEN", layer_cell, "seen", true },
	{ "HITS", layer_cell, "hits", true },
	{ "HELD", layer_cell, "held", true },
	{ "LOST", layer_cell, "lost", true },
	{ "SETTING", layer_cell, "text", false },
};

const struct table VIEW_TARGETS = { ROWS_TARGETS, TARGET_COLUMNS, ARRAY_SIZE(TARGET_COLUMNS),
	"There are no targets." };
const struct table VIEW_LUNS = { ROWS_LUNS, LUN_COLUMNS, ARRAY_SIZE(LUN_COLUMNS),
	"No LUN is mapped." };
const struct table VIEW_SESSIONS = { ROWS_SESSIONS, SESSION_COLUMNS, ARRAY_SIZE(SESSION_COLUMNS),
	"There are no sessions." };
const struct table VIEW_LAYERS = { ROWS_LAYERS, LAYER_COLUMNS, ARRAY_SIZE(LAYER_COLUMNS),
	"No device has a layer." };
