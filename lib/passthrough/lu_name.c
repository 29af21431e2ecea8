/* SPDX-License-Identifier: MIT */
/* Names of logical units: see lu_name.h. */
#include "passthrough/lu_name.h"

#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

#define MODEL_AT    8u /* of standard INQUIRY data: vendor (8), product (16) */
#define MODEL_BYTES 24u

/* @n characters of @from without blanks around them; what cannot be printed becomes a dot. */
static void copy_text(char *to, size_t room, const uint8_t *from, size_t n)
{
	while (n && (from[n - 1] == ' ' || !from[n - 1]))
		n--;
	while (n && *from == ' ') {
		from++;
		n--;
	}
	n = MIN(n, room - 1);
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] > ' ' && from[i] < 0x7f ? (char)from[i] : from[i] == ' ' ? ' ' : '.';
	to[n] = '\0';
}

void lu_name_inquiry(struct lu_name *name, const uint8_t *data, size_t bytes)
{
	if (bytes >= MODEL_AT + MODEL_BYTES)
		copy_text(name->model, sizeof(name->model), data + MODEL_AT, MODEL_BYTES);
}

/* The content of a VPD page, @page checked: devices that know no pages send other data. */
static const uint8_t *content(const uint8_t *data, size_t bytes, uint8_t page, size_t *ret_n)
{
	if (bytes < 4 || data[1] != page)
		return NULL;
	*ret_n = MIN((size_t)be16_get(data + 2), bytes - 4);
	return data + 4;
}

void lu_name_vpd_80(struct lu_name *name, const uint8_t *data, size_t bytes)
{
	size_t n;
	const uint8_t *p = content(data, bytes, 0x80, &n);

	if (p)
		copy_text(name->serial, sizeof(name->serial), p, n);
}

static bool names_something(uint8_t type)
{
	return type == LU_T10_VENDOR || type == LU_EUI64 || type == LU_NAA ||
		type == LU_SCSI_NAME || type == LU_UUID;
}

void lu_name_vpd_83(struct lu_name *name, const uint8_t *data, size_t bytes)
{
	size_t n;
	const uint8_t *p = content(data, bytes, 0x83, &n);

	name->designator_bytes = 0;
	while (p && n >= 4 && n - 4 >= p[3]) {
		size_t whole = 4u + p[3];
		uint8_t type = p[1] & 0x0f;
		bool of_unit = !(p[1] & 0x30); /* ASSOCIATION */
		if (of_unit && p[3] && names_something(type) &&
			name->designator_bytes + 2u + p[3] <= sizeof(name->designators)) {
			uint8_t *to = name->designators + name->designator_bytes;
			to[0] = type;
			memcpy(to + 1, p + 3, 1u + p[3]);
			name->designator_bytes = (uint16_t)(name->designator_bytes + 2u + p[3]);
		}
		p += whole;
		n -= whole;
	}
}

#define EACH_DESIGNATOR(p, name)                                                                   \
	const uint8_t *p = (name)->designators;                                                    \
	p < (name)->designators + (name)->designator_bytes;                                        \
	p += 2 + p[1]

bool lu_name_has(const struct lu_name *name, uint8_t type, const uint8_t *value, size_t bytes)
{
	for (EACH_DESIGNATOR(p, name)) {
		if (p[0] == type && p[1] == bytes && !memcmp(p + 2, value, bytes))
			return true;
	}
	return false;
}

enum lu_same lu_name_compare(const struct lu_name *a, const struct lu_name *b)
{
	if (strcmp(a->model, b->model))
		return LU_OTHER;
	if (a->serial[0] && b->serial[0] && strcmp(a->serial, b->serial))
		return LU_OTHER;
	if (a->designator_bytes && b->designator_bytes) {
		for (EACH_DESIGNATOR(p, a)) {
			if (lu_name_has(b, p[0], p + 2, p[1]))
				return LU_SAME;
		}
		return LU_OTHER;
	}
	if (a->serial[0] && b->serial[0])
		return LU_SAME;
	bool both_silent = !a->designator_bytes && !b->designator_bytes && !a->serial[0] &&
		!b->serial[0];
	return both_silent ? LU_UNTOLD : LU_OTHER;
}

static bool append_hex(char *text, const char *prefix, const uint8_t *value, size_t bytes)
{
	size_t n = strlen(prefix);

	if (n + 2 * bytes >= LU_NAME_TEXT)
		return false;
	memcpy(text, prefix, n);
	for (size_t i = 0; i < bytes; i++)
		snprintf(text + n + 2 * i, 3, "%02x", value[i]);
	return true;
}

const char *lu_name_text(const struct lu_name *name, char text[LU_NAME_TEXT])
{
	static const struct {
		uint8_t type;
		const char *prefix;
	} forms[] = { { LU_NAA, "naa." }, { LU_EUI64, "eui." } };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		for (EACH_DESIGNATOR(p, name)) {
			if (p[0] == forms[i].type && append_hex(text, forms[i].prefix, p + 2, p[1]))
				return text;
		}
	}
	if (name->serial[0])
		snprintf(text, LU_NAME_TEXT, "serial:%s", name->serial);
	else
		snprintf(text, LU_NAME_TEXT, "%s, which tells no serial number",
			name->model[0] ? name->model : "a device");
	return text;
}
