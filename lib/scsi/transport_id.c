/* SPDX-License-Identifier: MIT */
/* TransportIDs of iSCSI: see transport_id.h. */
#include "scsi/transport_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define PROTOCOL_ISCSI 0x05
#define FORMAT_DEVICE  0x00
#define FORMAT_PORT    0x40
#define SEPARATOR      ",i,0x"
#define ISID_DIGITS    12u

/* RFC 3722: what an iSCSI name may have of ASCII. Other scripts are taken as they come. */
static bool name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		c == ':' || (unsigned char)c >= 0x80;
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* RFC 7143 4.2.7: type, a dot (of iqn.) and something more; at most 223 bytes. */
static int take_name(const char *text, size_t bytes, char ret[SPT_NAME_MAX + 1])
{
	if (bytes < 5 || bytes > SPT_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < bytes; i++) {
		ret[i] = fold(text[i]);
		if (!name_byte(ret[i]))
			return -EINVAL;
	}
	ret[bytes] = '\0';
	return strncmp(ret, "iqn.", 4) && strncmp(ret, "eui.", 4) && strncmp(ret, "naa.", 4) ? -EINVAL : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = fold(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EINVAL;
}

static int take_isid(const char *text, size_t bytes, uint8_t ret[6])
{
	if (bytes != ISID_DIGITS)
		return -EINVAL;
	for (size_t i = 0; i < bytes; i++) {
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return digit;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | digit);
	}
	return 0;
}

/* Table 506: the name ends at the first separator, as no name has a comma. */
static int take_port(const char *text, size_t bytes, struct transport_id *id)
{
	const char *comma = memchr(text, ',', bytes);
	size_t skip = strlen(SEPARATOR);

	if (!comma)
		return -EINVAL;
	size_t left = bytes - (size_t)(comma - text);
	if (left < skip || memcmp(comma, SEPARATOR, skip) != 0)
		return -EINVAL;
	int r = take_name(text, (size_t)(comma - text), id->name);
	return r < 0 ? r : take_isid(comma + skip, left - skip, id->isid);
}

int transport_id_take(struct cursor *c, struct transport_id *ret)
{
	struct cursor at = *c;
	struct transport_id id = { .is_port = false };
	uint8_t format = cur_u8(&at);

	cur_skip(&at, 1);
	uint16_t bytes = cur_be16(&at); /* ADDITIONAL LENGTH */
	const char *text = (const char *)cur_take(&at, bytes);
	if (at.err || bytes % 4 || bytes < TRANSPORT_ID_MIN - 4)
		return -EINVAL;
	/* Whatever stands behind the null character belongs to nobody. */
	const char *end = memchr(text, '\0', bytes);
	if (!end)
		return -EINVAL;
	int r = -EINVAL;
	if (format == (FORMAT_DEVICE | PROTOCOL_ISCSI))
		r = take_name(text, (size_t)(end - text), id.name);
	else if (format == (FORMAT_PORT | PROTOCOL_ISCSI))
		r = take_port(text, (size_t)(end - text), &id);
	if (r < 0)
		return r;
	id.is_port = format & FORMAT_PORT;
	*ret = id;
	*c = at;
	return 0;
}

void transport_id_put(struct writer *w, const char *name, const uint8_t isid[6])
{
	char text[SPT_NAME_MAX + 5 + ISID_DIGITS + 1];
	int n = snprintf(text, sizeof(text), "%s" SEPARATOR "%02x%02x%02x%02x%02x%02x", name, isid[0],
		isid[1], isid[2], isid[3], isid[4], isid[5]);
	uint16_t bytes = (uint16_t)MAX(ROUND_UP((unsigned)n + 1, 4u), TRANSPORT_ID_MIN - 4);

	wr_u8(w, FORMAT_PORT | PROTOCOL_ISCSI);
	wr_u8(w, 0);
	wr_be16(w, bytes);
	wr_bytes(w, text, (size_t)n);
	wr_zero(w, bytes - (size_t)n);
}
