/* SPDX-License-Identifier: MIT */
/*
 * Sense data (SPC-5 4.5): between its two wire formats and struct spt_sense. Decoding is tolerant
 * of truncation, because devices and hosts cut sense where they like: what lies within both the
 * bytes given and the lengths they announce is taken, the rest stays unset.
 */
#include <spt/sense.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"

enum {
	FIXED_BYTES = 18,
	HEADER_BYTES = 8,
};

/* SPC-5 table 28: sense data descriptor types. */
enum {
	DESCRIPTOR_INFORMATION = 0x00,
	DESCRIPTOR_COMMAND_SPECIFIC = 0x01,
	DESCRIPTOR_KEY_SPECIFIC = 0x02,
	DESCRIPTOR_FRU = 0x03,
	DESCRIPTOR_STREAM = 0x04,
	DESCRIPTOR_BLOCK = 0x05,
	DESCRIPTOR_DIRECT_ACCESS = 0x0d,
};

enum {
	SKSV = 0x80,
	VALID = 0x80,
	FILEMARK = 0x80,
	EOM = 0x40,
	ILI = 0x20,
};

static void take_flags(struct spt_sense *s, uint8_t flags)
{
	s->filemark = s->filemark || (flags & FILEMARK);
	s->eom = s->eom || (flags & EOM);
	s->ili = s->ili || (flags & ILI);
}

static void take_key_specific(struct spt_sense *s, const uint8_t *p)
{
	if (!(p[0] & SKSV))
		return;
	s->key_specific_valid = true;
	memcpy(s->key_specific, p, sizeof(s->key_specific));
}

static void take_information(struct spt_sense *s, uint64_t value)
{
	s->information_valid = true;
	s->information = value;
}

static void take_command_specific(struct spt_sense *s, uint64_t value)
{
	s->command_specific_valid = true;
	s->command_specific = value;
}

/* SPC-5 4.5.3. */
static void decode_fixed(const uint8_t *p, size_t bytes, struct spt_sense *s)
{
	if (bytes >= HEADER_BYTES)
		bytes = MIN(bytes, (size_t)HEADER_BYTES + p[7]);
	if (bytes > 2) {
		s->key = p[2] & 0x0f;
		take_flags(s, p[2] & (FILEMARK | EOM | ILI));
	}
	if (bytes >= 7 && (p[0] & VALID))
		take_information(s, be32_get(p + 3));
	if (bytes >= 12 && be32_get(p + 8))
		take_command_specific(s, be32_get(p + 8));
	if (bytes > 12)
		s->asc = (spt_asc_t)(p[12] << 8);
	if (bytes > 13)
		s->asc |= p[13];
	if (bytes > 14)
		s->fru = p[14];
	if (bytes >= FIXED_BYTES)
		take_key_specific(s, p + 15);
}

/* One descriptor of @bytes (its two-byte header included). */
static void decode_descriptor(const uint8_t *p, size_t bytes, struct spt_sense *s)
{
	static const uint8_t minimum[] = {
		[DESCRIPTOR_INFORMATION] = 12,
		[DESCRIPTOR_COMMAND_SPECIFIC] = 12,
		[DESCRIPTOR_KEY_SPECIFIC] = 7,
		[DESCRIPTOR_FRU] = 4,
		[DESCRIPTOR_STREAM] = 4,
		[DESCRIPTOR_BLOCK] = 4,
		[DESCRIPTOR_DIRECT_ACCESS] = 24,
	};

	if (p[0] >= ARRAY_SIZE(minimum) || !minimum[p[0]] || bytes < minimum[p[0]])
		return;
	switch (p[0]) {
	case DESCRIPTOR_INFORMATION:
		if (p[2] & VALID)
			take_information(s, be64_get(p + 4));
		break;
	case DESCRIPTOR_COMMAND_SPECIFIC:
		take_command_specific(s, be64_get(p + 4));
		break;
	case DESCRIPTOR_KEY_SPECIFIC:
		take_key_specific(s, p + 4);
		break;
	case DESCRIPTOR_FRU:
		s->fru = p[3];
		break;
	case DESCRIPTOR_STREAM:
		take_flags(s, p[3]);
		break;
	case DESCRIPTOR_BLOCK:
		take_flags(s, p[3] & ILI);
		break;
	case DESCRIPTOR_DIRECT_ACCESS:
		take_flags(s, p[2] & ILI);
		take_key_specific(s, p + 4);
		s->fru = p[7];
		if (p[2] & VALID)
			take_information(s, be64_get(p + 8));
		if (be64_get(p + 16))
			take_command_specific(s, be64_get(p + 16));
		break;
	}
}

/* SPC-5 4.5.2. */
static void decode_descriptors(const uint8_t *p, size_t bytes, struct spt_sense *s)
{
	s->key = p[1] & 0x0f;
	if (bytes > 2)
		s->asc = (spt_asc_t)(p[2] << 8);
	if (bytes > 3)
		s->asc |= p[3];
	if (bytes < HEADER_BYTES)
		return;
	bytes = MIN(bytes, (size_t)HEADER_BYTES + p[7]);

	struct cursor c = cur_init(p + HEADER_BYTES, bytes - HEADER_BYTES);
	while (cur_left(&c) >= 2) {
		size_t length = 2u + c.pos[1];
		const uint8_t *d = cur_take(&c, MIN(length, cur_left(&c)));
		decode_descriptor(d, (size_t)(c.pos - d), s);
	}
}

int spt_sense_decode(const uint8_t *data, size_t bytes, struct spt_sense *ret)
{
	struct spt_sense s = { 0 };

	if (bytes < 2)
		return -EBADMSG;
	bytes = MIN(bytes, (size_t)SPT_SENSE_MAX);
	switch (data[0] & 0x7f) {
	case 0x71:
		s.deferred = true;
		/* fall through */
	case 0x70:
		decode_fixed(data, bytes, &s);
		break;
	case 0x73:
		s.deferred = true;
		/* fall through */
	case 0x72:
		decode_descriptors(data, bytes, &s);
		break;
	default:
		return -EBADMSG;
	}
	*ret = s;
	return 0;
}

static uint8_t flags_of(const struct spt_sense *s)
{
	return (uint8_t)((s->filemark ? FILEMARK : 0) | (s->eom ? EOM : 0) | (s->ili ? ILI : 0));
}

static void encode_fixed(const struct spt_sense *s, struct writer *w)
{
	bool valid = s->information_valid && s->information <= UINT32_MAX;
	bool specific = s->command_specific_valid && s->command_specific <= UINT32_MAX;

	wr_u8(w, (uint8_t)((valid ? VALID : 0) | (s->deferred ? 0x71 : 0x70)));
	wr_u8(w, 0);
	wr_u8(w, flags_of(s) | (s->key & 0x0f));
	wr_be32(w, valid ? (uint32_t)s->information : 0);
	wr_u8(w, FIXED_BYTES - HEADER_BYTES);
	wr_be32(w, specific ? (uint32_t)s->command_specific : 0);
	wr_be16(w, s->asc);
	wr_u8(w, s->fru);
	if (s->key_specific_valid)
		wr_bytes(w, s->key_specific, sizeof(s->key_specific));
	else
		wr_zero(w, sizeof(s->key_specific));
}

static void put_descriptor(struct writer *w, uint8_t type, uint8_t length, uint8_t b2, uint8_t b3)
{
	wr_u8(w, type);
	wr_u8(w, length);
	wr_u8(w, b2);
	wr_u8(w, b3);
}

static void encode_descriptors(const struct spt_sense *s, struct writer *w)
{
	wr_u8(w, s->deferred ? 0x73 : 0x72);
	wr_u8(w, s->key & 0x0f);
	wr_be16(w, s->asc);
	uint8_t *length = wr_reserve(w, 4);
	size_t header = wr_len(w);

	if (s->information_valid) {
		put_descriptor(w, DESCRIPTOR_INFORMATION, 10, VALID, 0);
		wr_be64(w, s->information);
	}
	if (s->command_specific_valid) {
		put_descriptor(w, DESCRIPTOR_COMMAND_SPECIFIC, 10, 0, 0);
		wr_be64(w, s->command_specific);
	}
	if (s->key_specific_valid) {
		put_descriptor(w, DESCRIPTOR_KEY_SPECIFIC, 6, 0, 0);
		wr_bytes(w, s->key_specific, sizeof(s->key_specific));
		wr_u8(w, 0);
	}
	if (s->fru)
		put_descriptor(w, DESCRIPTOR_FRU, 2, 0, s->fru);
	if (flags_of(s))
		put_descriptor(w, DESCRIPTOR_STREAM, 2, 0, flags_of(s));
	if (length)
		length[3] = (uint8_t)(wr_len(w) - header);
}

int spt_sense_encode(const struct spt_sense *sense, bool descriptor, uint8_t *buffer, size_t bytes)
{
	uint8_t image[64];
	struct writer w = wr_init(image, sizeof(image));

	if (descriptor)
		encode_descriptors(sense, &w);
	else
		encode_fixed(sense, &w);
	if (w.err)
		return w.err;
	if (wr_len(&w) > bytes)
		return -EMSGSIZE;
	memcpy(buffer, image, wr_len(&w));
	return (int)wr_len(&w);
}

const char *spt_sense_key_name(uint8_t key)
{
	static const char *const names[] = {
		[SPT_KEY_NO_SENSE] = "NO SENSE",
		[SPT_KEY_RECOVERED_ERROR] = "RECOVERED ERROR",
		[SPT_KEY_NOT_READY] = "NOT READY",
		[SPT_KEY_MEDIUM_ERROR] = "MEDIUM ERROR",
		[SPT_KEY_HARDWARE_ERROR] = "HARDWARE ERROR",
		[SPT_KEY_ILLEGAL_REQUEST] = "ILLEGAL REQUEST",
		[SPT_KEY_UNIT_ATTENTION] = "UNIT ATTENTION",
		[SPT_KEY_DATA_PROTECT] = "DATA PROTECT",
		[SPT_KEY_BLANK_CHECK] = "BLANK CHECK",
		[SPT_KEY_VENDOR_SPECIFIC] = "VENDOR SPECIFIC",
		[SPT_KEY_COPY_ABORTED] = "COPY ABORTED",
		[SPT_KEY_ABORTED_COMMAND] = "ABORTED COMMAND",
		[0xc] = "RESERVED (Ch)",
		[SPT_KEY_VOLUME_OVERFLOW] = "VOLUME OVERFLOW",
		[SPT_KEY_MISCOMPARE] = "MISCOMPARE",
		[SPT_KEY_COMPLETED] = "COMPLETED",
	};

	return names[key & 0x0f];
}

/* SPC-5 4.5.2.4: what the sense key specific bytes mean depends on the key. */
static int print_key_specific(const struct spt_sense *s, char *text, size_t bytes)
{
	const uint8_t *p = s->key_specific;

	switch (s->key) {
	case SPT_KEY_ILLEGAL_REQUEST:
		if (p[0] & 0x08)
			return snprintf(text, bytes, ", %s byte %u bit %u",
				p[0] & 0x40 ? "CDB" : "parameter", be16_get(p + 1), p[0] & 7u);
		return snprintf(text, bytes, ", %s byte %u", p[0] & 0x40 ? "CDB" : "parameter",
			be16_get(p + 1));
	case SPT_KEY_NO_SENSE:
	case SPT_KEY_NOT_READY:
		return snprintf(text, bytes, ", progress %u/65536", be16_get(p + 1));
	case SPT_KEY_RECOVERED_ERROR:
	case SPT_KEY_MEDIUM_ERROR:
	case SPT_KEY_HARDWARE_ERROR:
		return snprintf(text, bytes, ", %u retries", be16_get(p + 1));
	default:
		return snprintf(text, bytes, ", specific %02x %02x %02x", p[0], p[1], p[2]);
	}
}

void spt_sense_print(const uint8_t *data, size_t bytes, char *text, size_t text_bytes)
{
	struct spt_sense s;
	char line[256];
	int n;

	if (!text_bytes)
		return;
	if (spt_sense_decode(data, bytes, &s) < 0) {
		snprintf(text, text_bytes, "no sense data (%zu bytes)", bytes);
		return;
	}
	n = snprintf(line, sizeof(line), "%s, %s (%x/%02x/%02x)%s%s%s%s", spt_sense_key_name(s.key),
		spt_asc_name(s.asc), s.key, s.asc >> 8, s.asc & 0xff,
		s.deferred ? ", deferred" : "", s.filemark ? ", filemark" : "",
		s.eom ? ", end of medium" : "", s.ili ? ", incorrect length" : "");
	if (s.information_valid)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", information 0x%" PRIx64,
			s.information);
	if (s.key_specific_valid)
		print_key_specific(&s, line + n, sizeof(line) - (size_t)n);
	snprintf(text, text_bytes, "%s", line);
}
