/* SPDX-License-Identifier: MIT */
/* JSON by jansson: see json.h. */
#include "control/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/util.h"
#include "log/log.h"

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define AUTO_JSON CLEANUP(cleanup_json)

/* Text of a peer may be no UTF-8: then it is shown escaped, as in the log. */
static json_t *text_value(const char *text)
{
	json_t *value = json_string(text);
	char escaped[4 * 256];

	if (value)
		return value;
	log_escape(text, escaped, sizeof(escaped));
	return json_string(escaped);
}

static json_t *field_value(const struct field *field, const void *row)
{
	switch (field->type) {
	case FIELD_TEXT:
		return text_value(field_text(field, row));
	case FIELD_BOOL:
		return json_boolean(field_number(field, row));
	case FIELD_I64:
		return json_integer((json_int_t)field_number(field, row));
	default:
		return json_integer((json_int_t)MIN(field_number(field, row), (uint64_t)INT64_MAX));
	}
}

static json_t *row_value(const struct rows_info *info, const void *row)
{
	json_t *object AUTO_JSON = json_object();

	for (size_t i = 0; object && i < info->n_fields; i++) {
		const struct field *field = &info->fields[i];

		if (json_object_set_new(object, field->name, field_value(field, row)) < 0)
			return NULL;
	}
	return TAKE(object);
}

char *json_write_rows(const struct snapshot *snapshot, enum rows_kind kind)
{
	const struct rows_info *info = rows_info(kind);
	size_t n;
	const char *rows = rows_of(snapshot, kind, &n);
	json_t *array = json_array();
	json_t *root AUTO_JSON = json_object();

	/* Takes the array in any case; NULL for either is an error. */
	if (!root || json_object_set_new(root, info->name, array) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(array, row_value(info, rows + i * info->row_bytes)) < 0)
			return NULL;
	}
	return json_dumps(root, JSON_INDENT(2));
}

static char *write_one(const char *name, const char *text)
{
	json_t *root AUTO_JSON = json_object();

	if (!root || json_object_set_new(root, name, text_value(text)) < 0)
		return NULL;
	return json_dumps(root, 0);
}

char *json_write_error(const char *text)
{
	return write_one("error", text);
}

char *json_write_report(const char *text)
{
	return write_one("report", text ? text : "");
}

char *json_write_version(const char *version)
{
	return write_one("version", version);
}

/* What is of another type or out of range is not what we sent. */
static int read_field(const struct field *field, const json_t *value, void *row)
{
	void *p = (char *)row + field->offset;

	if (field->type == FIELD_TEXT) {
		if (!json_is_string(value))
			return -EBADMSG;
		snapshot_text(p, field->bytes, json_string_value(value));
		return 0;
	}
	if (field->type == FIELD_BOOL) {
		if (!json_is_boolean(value))
			return -EBADMSG;
		*(bool *)p = json_is_true(value);
		return 0;
	}
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || (number < 0 && field->type != FIELD_I64) ||
		(number > UINT32_MAX && field->type == FIELD_U32))
		return -EBADMSG;
	if (field->type == FIELD_U32)
		*(uint32_t *)p = (uint32_t)number;
	else
		*(uint64_t *)p = (uint64_t)number;
	return 0;
}

static int read_row(const struct rows_info *info, const json_t *object, void *row)
{
	if (!json_is_object(object))
		return -EBADMSG;
	for (size_t i = 0; i < info->n_fields; i++) {
		const json_t *value = json_object_get(object, info->fields[i].name);
		int r = value ? read_field(&info->fields[i], value, row) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int json_read_rows(const char *text, size_t bytes, enum rows_kind kind, struct snapshot *ret)
{
	const struct rows_info *info = rows_info(kind);
	json_t *root AUTO_JSON = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	const json_t *array = json_object_get(root, info->name);

	if (!json_is_array(array))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(array); i++) {
		void *row = rows_add(ret, kind);
		int r = row ? read_row(info, json_array_get(array, i), row) : -ENOMEM;

		if (r < 0)
			return r;
	}
	return 0;
}

char *json_write_request(const struct snapshot_request *request)
{
	json_t *root AUTO_JSON = row_value(request_info(), request);

	return root ? json_dumps(root, 0) : NULL;
}

static const struct field *request_field(const char *name)
{
	const struct rows_info *info = request_info();

	for (size_t i = 0; i < info->n_fields; i++) {
		if (!strcmp(info->fields[i].name, name))
			return &info->fields[i];
	}
	return NULL;
}

int json_read_request(const char *text, size_t bytes, struct snapshot_request *ret,
	struct spt_error *error)
{
	json_t *root AUTO_JSON = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	struct snapshot_request request = { .device = "" };
	const char *key;
	json_t *value;

	if (!json_is_object(root))
		return spt_error_set(error, -EINVAL, "the request is no JSON object");
	json_object_foreach (root, key, value) {
		const struct field *field = request_field(key);
		if (!field)
			return spt_error_set(error, -EINVAL, "a request has no '%.40s'", key);
		if (!json_is_string(value) || json_string_length(value) >= field->bytes)
			return spt_error_set(error, -EINVAL, "%s: not a text of at most %zu bytes",
				field->name, field->bytes - 1);
		read_field(field, value, &request);
	}
	*ret = request;
	return 0;
}

char *json_read_report(const char *text, size_t bytes)
{
	json_t *root AUTO_JSON = json_loadb(text, bytes, 0, NULL);
	const char *report = json_string_value(json_object_get(root, "report"));

	return report ? strdup(report) : NULL;
}

int json_read_error(const char *text, size_t bytes, char *out, size_t out_bytes)
{
	json_t *root AUTO_JSON = json_loadb(text, bytes, 0, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));

	if (!error)
		return -EBADMSG;
	snapshot_text(out, out_bytes, error);
	return 0;
}
