/* SPDX-License-Identifier: MIT */
/* iSCSI names and patterns of names: see names.h. */
#include "wire/names.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

struct range {
	uint32_t first;
	uint32_t last;
};

/*
 * RFC 3722 5: what an iSCSI name must not hold, beyond ASCII: spaces, controls, private use,
 * non-characters, surrogates, inappropriate ones of RFC 3454 C.6 to C.9, and the ideographic full
 * stop.
 */
static const struct range PROHIBITED[] = {
	{ 0x0080, 0x00a0 }, { 0x0340, 0x0341 }, { 0x06dd, 0x06dd }, { 0x070f, 0x070f },
	{ 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
	{ 0x205f, 0x2063 }, { 0x206a, 0x206f }, { 0x2ff0, 0x2ffb }, { 0x3000, 0x3002 },
	{ 0xd800, 0xf8ff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff9, 0xffff },
	{ 0x1d173, 0x1d17a }, { 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0x3fffe, 0x10ffff },
};

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'f');
}

/* RFC 7143 4.2.7.2: the ASCII characters of a name, beside letters and digits. */
static bool is_name_ascii(unsigned char c)
{
	return is_digit((char)c) || (fold((char)c) >= 'a' && fold((char)c) <= 'z') || c == '-' ||
		c == '.' || c == ':';
}

static bool prohibited(uint32_t point)
{
	for (size_t i = 0; i < ARRAY_SIZE(PROHIBITED); i++) {
		if (point >= PROHIBITED[i].first && point <= PROHIBITED[i].last)
			return true;
	}
	return false;
}

/* The length of the well-formed and permitted UTF-8 sequence at @s, not ASCII; 0 if it is none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
		s[0] >= 0xc0 && s[0] < 0xe0 ? 2 : 0;

	if (!n || n > left)
		return 0;
	uint32_t point = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	return point < least[n] || point > 0x10ffff || prohibited(point) ? 0 : n;
}

static bool name_characters(const char *name, size_t bytes)
{
	const unsigned char *s = (const unsigned char *)name;

	for (size_t i = 0; i < bytes;) {
		size_t n = s[i] < 0x80 ? is_name_ascii(s[i]) : utf8_length(s + i, bytes - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

/* RFC 7143 4.2.7.4: yyyy-mm "." and the reversed domain name, then optionally ":" and anything. */
static bool is_iqn(const char *s, size_t n)
{
	static const char form[] = "dddd-dd.";

	if (n < sizeof(form))
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'd' ? !is_digit(s[i]) : s[i] != form[i])
			return false;
	}
	int month = (s[5] - '0') * 10 + (s[6] - '0');
	return month >= 1 && month <= 12 && s[8] != '.' && s[8] != ':';
}

static bool is_hex_of(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_hex(s[i]))
			return false;
	}
	return true;
}

enum name_type name_type(const char *name, size_t bytes)
{
	/* RFC 7143 4.2.7.1, 4.2.7.3 */
	if (bytes < 5 || bytes > NAME_MAX_BYTES || !name_characters(name, bytes))
		return NAME_INVALID;
	const char *rest = name + 4;
	size_t n = bytes - 4;

	if (!strncasecmp(name, "iqn.", 4))
		return is_iqn(rest, n) ? NAME_IQN : NAME_INVALID;
	/* RFC 7143 4.2.7.5 */
	if (!strncasecmp(name, "eui.", 4))
		return n == 16 && is_hex_of(rest, n) ? NAME_EUI : NAME_INVALID;
	/* RFC 7143 4.2.7.6 */
	if (!strncasecmp(name, "naa.", 4))
		return (n == 16 || n == 32) && is_hex_of(rest, n) ? NAME_NAA : NAME_INVALID;
	return NAME_INVALID;
}

int name_normalize(const char *name, size_t bytes, char *ret)
{
	if (!name_type(name, bytes))
		return -EINVAL;
	for (size_t i = 0; i < bytes; i++)
		ret[i] = fold(name[i]);
	ret[bytes] = 0;
	return 0;
}

bool name_equal(const char *a, const char *b)
{
	while (*a && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

bool name_match(const char *pattern, const char *name)
{
	const char *star = NULL;  /* behind the last '*' seen */
	const char *retry = NULL; /* where the text that it stands for may end next */

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (*pattern == '?' || fold(*pattern) == fold(*name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool name_pattern_valid(const char *pattern)
{
	size_t bytes = strnlen(pattern, NAME_MAX_BYTES + 1);
	char plain[NAME_MAX_BYTES + 1];
	bool glob = false;

	if (!bytes || bytes > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		bool wild = pattern[i] == '*' || pattern[i] == '?';

		glob |= wild;
		plain[i] = wild ? 'x' : pattern[i];
	}
	return glob ? name_characters(plain, bytes) : name_type(pattern, bytes) != NAME_INVALID;
}
