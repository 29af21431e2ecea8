/* SPDX-License-Identifier: MIT */
/* Binary values in text: see binary.h. */
#include "wire/binary.h"

#include <errno.h>
#include <stdbool.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool all_digits(const char *text, size_t n, int (*digit)(char))
{
	for (size_t i = 0; i < n; i++) {
		if (digit(text[i]) < 0)
			return false;
	}
	return true;
}

static int decode_hex(const char *text, size_t n, uint8_t *out, size_t out_bytes, size_t *ret)
{
	size_t odd = n % 2, bytes = n / 2 + odd;

	if (bytes > out_bytes)
		return -EMSGSIZE;
	if (!all_digits(text, n, hex_digit))
		return -EINVAL;
	/* RFC 7143 6.1: n digits are (n + 1) / 2 bytes; what is not written is the half in front */
	if (odd)
		out[0] = (uint8_t)hex_digit(text[0]);
	for (size_t i = odd; i < bytes; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i - odd]) << 4 | hex_digit(text[2 * i - odd + 1]));
	*ret = bytes;
	return 0;
}

/* RFC 4648 4: groups of four digits; the last one may be filled up by one or two '='. */
static int decode_base64(const char *text, size_t n, uint8_t *out, size_t out_bytes, size_t *ret)
{
	size_t fill = 0, bytes;

	if (n / 4 > out_bytes) /* rounded down: exact below, and no sum can wrap */
		return -EMSGSIZE;
	while (fill < 2 && fill < n && text[n - 1 - fill] == '=')
		fill++;
	if (n % 4 || !all_digits(text, n - fill, base64_digit))
		return -EINVAL;
	bytes = n / 4 * 3 - fill;
	if (bytes > out_bytes)
		return -EMSGSIZE;
	/* RFC 4648 3.5: the bits that carry nothing are zero */
	if (fill && base64_digit(text[n - 1 - fill]) & (fill == 1 ? 0x03 : 0x0f))
		return -EINVAL;
	/* byte i lies in two digits: 6+2, 4+4 or 2+6 bits of them */
	for (size_t i = 0; i < bytes; i++) {
		const char *digit = text + i / 3 * 4 + i % 3;
		unsigned twelve = (unsigned)base64_digit(digit[0]) << 6 |
			(unsigned)base64_digit(digit[1]);

		out[i] = (uint8_t)(twelve >> (4 - 2 * (i % 3)));
	}
	*ret = bytes;
	return 0;
}

int binary_decode(const char *text, size_t text_bytes, uint8_t *out, size_t out_bytes,
	size_t *ret_bytes, enum binary_form *ret_form)
{
	if (text_bytes < 2 || text[0] != '0')
		return -EINVAL;
	switch (text[1]) {
	case 'x':
	case 'X':
		*ret_form = BINARY_HEX;
		return decode_hex(text + 2, text_bytes - 2, out, out_bytes, ret_bytes);
	case 'b':
	case 'B':
		*ret_form = BINARY_BASE64;
		return decode_base64(text + 2, text_bytes - 2, out, out_bytes, ret_bytes);
	default:
		return -EINVAL;
	}
}

static char *encode_hex(const uint8_t *data, size_t bytes, char *out)
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		*out++ = DIGITS[data[i] >> 4];
		*out++ = DIGITS[data[i] & 15];
	}
	return out;
}

static char *encode_base64(const uint8_t *data, size_t bytes, char *out)
{
	static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";

	for (size_t i = 0; i < bytes; i += 3) {
		size_t left = bytes - i;
		unsigned group = (unsigned)data[i] << 16 |
			(left > 1 ? (unsigned)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);

		*out++ = DIGITS[group >> 18];
		*out++ = DIGITS[group >> 12 & 63];
		*out++ = left > 1 ? DIGITS[group >> 6 & 63] : '=';
		*out++ = left > 2 ? DIGITS[group & 63] : '=';
	}
	return out;
}

void binary_encode(enum binary_form form, const uint8_t *data, size_t bytes, char *out)
{
	*out++ = '0';
	*out++ = form == BINARY_HEX ? 'x' : 'b';
	out = form == BINARY_HEX ? encode_hex(data, bytes, out) : encode_base64(data, bytes, out);
	*out = 0;
}
