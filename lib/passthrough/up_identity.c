/* SPDX-License-Identifier: MIT */
/* Who is at the far side: see up_identity.h. */
#include "passthrough/up_identity.h"

#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

#define PAGE_SERIAL	 0x80
#define PAGE_IDENTIFICATION 0x83
#define TYPE_NAA	 3

bool up_identity_inquiry(struct up_identity *id, const uint8_t *data, size_t bytes)
{
	/* SPC-5 6.7.2: qualifier 011b: there is none at this LUN. */
	if (bytes < 8 || data[0] >> 5 == 3)
		return false;
	id->device_type = data[0] & 0x1f;
	memset(id->product, ' ', sizeof(id->product));
	memcpy(id->product, data + 8, MIN(bytes - 8, sizeof(id->product)));
	return true;
}

/* The page's own bytes, or NULL: it is another page or not whole. */
static const uint8_t *page_of(const uint8_t *data, size_t bytes, uint8_t page, size_t *ret_bytes)
{
	if (bytes < 4 || data[1] != page)
		return NULL;
	*ret_bytes = MIN((size_t)be16_get(data + 2), bytes - 4);
	return data + 4;
}

void up_identity_serial(struct up_identity *id, const uint8_t *data, size_t bytes)
{
	size_t n;
	const uint8_t *p = page_of(data, bytes, PAGE_SERIAL, &n);

	id->serial_bytes = p ? (uint16_t)MIN(n, sizeof(id->serial)) : 0;
	if (p)
		memcpy(id->serial, p, id->serial_bytes);
}

void up_identity_designators(struct up_identity *id, const uint8_t *data, size_t bytes)
{
	size_t n, used = 0;
	const uint8_t *p = page_of(data, bytes, PAGE_IDENTIFICATION, &n);

	id->designators_bytes = 0;
	for (size_t at = 0; p && at + 4 <= n;) {
		size_t whole = 4u + p[at + 3];
		if (whole > n - at)
			break;
		/* SPC-5 7.7.6.1: ASSOCIATION 00b is the logical unit */
		if (!(p[at + 1] & 0x30) && whole <= sizeof(id->designators) - used) {
			memcpy(id->designators + used, p + at, whole);
			used += whole;
		}
		at += whole;
	}
	id->designators_bytes = (uint16_t)used;
}

bool up_identity_same(const struct up_identity *a, const struct up_identity *b)
{
	if (a->device_type != b->device_type || a->serial_bytes != b->serial_bytes ||
		a->designators_bytes != b->designators_bytes)
		return false;
	if (!a->serial_bytes && !a->designators_bytes)
		return !memcmp(a->product, b->product, sizeof(a->product));
	return !memcmp(a->serial, b->serial, a->serial_bytes) &&
		!memcmp(a->designators, b->designators, a->designators_bytes);
}

static const uint8_t *find_naa(const struct up_identity *id, size_t *ret_bytes)
{
	for (size_t at = 0; at < id->designators_bytes; at += 4u + id->designators[at + 3]) {
		const uint8_t *d = id->designators + at;
		if ((d[1] & 0xf) == TYPE_NAA && d[3]) {
			*ret_bytes = d[3];
			return d + 4;
		}
	}
	return NULL;
}

static void print_text(const char *before, const uint8_t *data, size_t bytes, char *text,
	size_t size)
{
	int n = snprintf(text, size, "%s", before);

	while (bytes && data[bytes - 1] == ' ')
		bytes--;
	for (size_t i = 0; i < bytes && (size_t)n + 1 < size; i++) {
		bool printable = data[i] >= 0x20 && data[i] < 0x7f;
		text[n++] = printable ? (char)data[i] : '?';
	}
	text[n] = '\0';
}

void up_identity_print(const struct up_identity *id, char *text, size_t size)
{
	size_t bytes = 0;
	const uint8_t *naa = find_naa(id, &bytes);
	int n = snprintf(text, size, "naa.");

	if (id->serial_bytes && !naa) {
		print_text("serial number ", id->serial, id->serial_bytes, text, size);
	} else if (!naa) {
		print_text("a ", id->product, sizeof(id->product), text, size);
	} else {
		for (size_t i = 0; i < bytes && (size_t)n + 3 <= size; i++)
			n += snprintf(text + n, size - (size_t)n, "%02x", naa[i]);
	}
}
