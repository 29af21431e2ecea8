/* SPDX-License-Identifier: MIT */
/*
 * Binary values in text (RFC 7143 6.1: hex-constant after 0x, base64-constant after 0b). What a
 * stranger wrote is judged whole before a byte of it is stored: length first, then every digit.
 */
#ifndef WIRE_BINARY_H
#define WIRE_BINARY_H

#include <stddef.h>
#include <stdint.h>

enum binary_form {
	BINARY_HEX,
	BINARY_BASE64,
};

/* Bytes of text, its terminator included, that @bytes take in either form. */
#define BINARY_TEXT_BYTES(bytes) (2 * (bytes) + 5)

/*
 * @text (@text_bytes of it) decoded into @out, which has room for @out_bytes. 0, -EINVAL: no such
 * constant (base64 without its padding or with stray bits), or -EMSGSIZE: more than @out_bytes. Nothing
 * is stored on failure. No digits are a value of 0 bytes; an odd number of hexadecimal ones has a zero in front.
 */
int binary_decode(const char *text, size_t text_bytes, uint8_t *out, size_t out_bytes,
	size_t *ret_bytes, enum binary_form *ret_form);
/* @out: BINARY_TEXT_BYTES(@bytes). */
void binary_encode(enum binary_form form, const uint8_t *data, size_t bytes, char *out);

#endif
