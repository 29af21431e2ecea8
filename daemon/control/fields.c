/* SPDX-License-Identifier: MIT */
/* The tables of fields: see fields.h. */
#include "control/fields.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"

#define ROW(type, row, member)                                                                     \
	{                                                                                          \
		#member, type, offsetof(struct row, member), sizeof(((struct row *)0)->member)     \
	}

#define R(type, member) ROW(type, snapshot_target, member)
static const struct field TARGETS[] = {
	R(FIELD_TEXT, name),
	R(FIELD_TEXT, alias),
	R(FIELD_TEXT, portals),
	R(FIELD_U32, luns),
	R(FIELD_U32, sessions),
	R(FIELD_U32, max_sessions),
};
#undef R

#define R(type, member) ROW(type, snapshot_lun, member)
static const struct field LUNS[] = {
	R(FIELD_TEXT, target),
	R(FIELD_U32, lun),
	R(FIELD_TEXT, device),
	R(FIELD_TEXT, backend),
	R(FIELD_U32, device_type),
	R(FIELD_U32, block_bytes),
	R(FIELD_U64, blocks),
	R(FIELD_BOOL, read_only),
	R(FIELD_BOOL, fenced),
	R(FIELD_TEXT, detail),
	R(FIELD_U32, fenced_ways),
	R(FIELD_TEXT, layers),
};
#undef R

#define R(type, member) ROW(type, snapshot_session, member)
static const struct field SESSIONS[] = {
	R(FIELD_U64, id),
	R(FIELD_TEXT, initiator),
	R(FIELD_TEXT, user),
	R(FIELD_TEXT, isid),
	R(FIELD_U32, tsih),
	R(FIELD_TEXT, target),
	R(FIELD_TEXT, portal),
	R(FIELD_U32, portal_group_tag),
	R(FIELD_TEXT, peer),
	R(FIELD_TEXT, local),
	R(FIELD_I64, login_time),
	R(FIELD_U32, connections),
	R(FIELD_U32, max_connections),
	R(FIELD_U32, error_recovery_level),
	R(FIELD_U64, commands),
	R(FIELD_U64, bytes_in),
	R(FIELD_U64, bytes_out),
	R(FIELD_U32, tasks),
	R(FIELD_U32, loop),
	R(FIELD_BOOL, header_digest),
	R(FIELD_BOOL, data_digest),
};
#undef R

#define R(type, member) ROW(type, snapshot_counter, member)
static const struct field COUNTERS[] = {
	R(FIELD_TEXT, name),
	R(FIELD_TEXT, help),
	R(FIELD_TEXT, label),
	R(FIELD_TEXT, label_value),
	R(FIELD_BOOL, gauge),
	R(FIELD_U64, value),
};
#undef R

#define R(type, member) ROW(type, snapshot_layer, member)
static const struct field LAYER_FIELDS[] = {
	R(FIELD_TEXT, device),
	R(FIELD_TEXT, layer),
	R(FIELD_BOOL, on),
	R(FIELD_U32, rule),
	R(FIELD_TEXT, text),
	R(FIELD_U64, seen),
	R(FIELD_U64, hits),
	R(FIELD_U64, held),
	R(FIELD_U64, lost),
};
#undef R

#define R(type, member) ROW(type, snapshot_request, member)
static const struct field REQUEST_FIELDS[] = {
	R(FIELD_TEXT, device),
	R(FIELD_TEXT, layer),
	R(FIELD_TEXT, setting),
};
#undef R

static const struct rows_info INFOS[ROWS_KINDS] = {
	[ROWS_TARGETS] = { "targets", TARGETS, ARRAY_SIZE(TARGETS),
		sizeof(struct snapshot_target) },
	[ROWS_LUNS] = { "luns", LUNS, ARRAY_SIZE(LUNS), sizeof(struct snapshot_lun) },
	[ROWS_SESSIONS] = { "sessions", SESSIONS, ARRAY_SIZE(SESSIONS),
		sizeof(struct snapshot_session) },
	[ROWS_COUNTERS] = { "counters", COUNTERS, ARRAY_SIZE(COUNTERS),
		sizeof(struct snapshot_counter) },
	[ROWS_LAYERS] = { "layers", LAYER_FIELDS, ARRAY_SIZE(LAYER_FIELDS),
		sizeof(struct snapshot_layer) },
};

const struct rows_info *request_info(void)
{
	static const struct rows_info INFO = { "request", REQUEST_FIELDS,
		ARRAY_SIZE(REQUEST_FIELDS), sizeof(struct snapshot_request) };

	return &INFO;
}

const struct rows_info *rows_info(enum rows_kind kind)
{
	return &INFOS[kind];
}

const struct field *rows_field(enum rows_kind kind, const char *name)
{
	for (size_t i = 0; i < INFOS[kind].n_fields; i++) {
		if (!strcmp(INFOS[kind].fields[i].name, name))
			return &INFOS[kind].fields[i];
	}
	return NULL;
}

const void *rows_of(const struct snapshot *snapshot, enum rows_kind kind, size_t *ret_n)
{
	switch (kind) {
	case ROWS_TARGETS:
		*ret_n = snapshot->n_targets;
		return snapshot->targets;
	case ROWS_LUNS:
		*ret_n = snapshot->n_luns;
		return snapshot->luns;
	case ROWS_SESSIONS:
		*ret_n = snapshot->n_sessions;
		return snapshot->sessions;
	case ROWS_LAYERS:
		*ret_n = snapshot->n_layers;
		return snapshot->layers;
	default:
		*ret_n = snapshot->n_counters;
		return snapshot->counters;
	}
}

void *rows_add(struct snapshot *snapshot, enum rows_kind kind)
{
	switch (kind) {
	case ROWS_TARGETS:
		return snapshot_add_target(snapshot);
	case ROWS_LUNS:
		return snapshot_add_lun(snapshot);
	case ROWS_SESSIONS:
		return snapshot_add_session(snapshot);
	case ROWS_LAYERS:
		return snapshot_add_layer(snapshot);
	default:
		return snapshot_add_counter(snapshot);
	}
}

uint64_t field_number(const struct field *field, const void *row)
{
	const void *p = (const char *)row + field->offset;

	switch (field->type) {
	case FIELD_U32:
		return *(const uint32_t *)p;
	case FIELD_U64:
		return *(const uint64_t *)p;
	case FIELD_I64:
		return (uint64_t)*(const int64_t *)p;
	default:
		assert(field->type == FIELD_BOOL);
		return *(const bool *)p;
	}
}

const char *field_text(const struct field *field, const void *row)
{
	assert(field->type == FIELD_TEXT);
	return (const char *)row + field->offset;
}
