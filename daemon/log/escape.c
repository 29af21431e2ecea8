/* SPDX-License-Identifier: MIT */
/*
 * Text from outside made harmless for a line of log: what is printable UTF-8 stays, everything
 * else (controls, C1 controls, line and paragraph separators, bidirectional overrides, broken
 * sequences) and the backslash itself becomes \xNN byte by byte, so that the original can be told.
 */
#include <stdint.h>
#include <string.h>

#include "base/util.h"
#include "log/log.h"

/*
 * The code point at @p and its length in bytes, or 0 when it is not well-formed UTF-8 (RFC 3629).
 */
static size_t utf8_take(const uint8_t *p, uint32_t *ret)
{
	static const uint32_t LEAST[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
		p[0] < 0xf5 ? 4 : 0;

	if (n <= 1) {
		*ret = p[0];
		return n;
	}
	uint32_t c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the terminator stops here as well */
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < LEAST[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

static bool printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} HARMFUL[] = {
		{ 0x00, 0x1f }, { '\\', '\\' }, { 0x7f, 0x9f }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(HARMFUL); i++) {
		if (c >= HARMFUL[i].first && c <= HARMFUL[i].last)
			return false;
	}
	return true;
}

static size_t put_hex(uint8_t byte, char *out)
{
	static const char DIGITS[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = DIGITS[byte >> 4];
	out[3] = DIGITS[byte & 15];
	return 4;
}

/* How much of @p, @max bytes at most, needs no thought: nearly all of nearly every line. */
static size_t ascii_run(const uint8_t *p, size_t max)
{
	size_t n = 0;

	while (n < max && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '\\')
		n++;
	return n;
}

size_t log_escape(const char *text, char *out, size_t out_bytes)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t used = 0;

	if (!out_bytes)
		return 0;
	for (;;) {
		uint32_t c;
		size_t run = ascii_run(p, out_bytes - 1 - used);
		memcpy(out + used, p, run);
		used += run;
		p += run;
		if (!*p)
			break;
		size_t n = utf8_take(p, &c);
		bool plain = n && printable(c);
		size_t take = n ? n : 1;
		size_t need = plain ? take : 4 * take;

		if (used + need >= out_bytes)
			break;
		if (plain) {
			memcpy(out + used, p, take);
			used += take;
		} else {
			for (size_t i = 0; i < take; i++)
				used += put_hex(p[i], out + used);
		}
		p += take;
	}
	out[used] = 0;
	return used;
}
