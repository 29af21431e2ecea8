/* SPDX-License-Identifier: MIT */
/* Cursors with a sticky error: see cursor.h. */
#include "base/cursor.h"

#include <errno.h>
#include <string.h>

#include "base/be.h"

const uint8_t *cur_take(struct cursor *c, size_t bytes)
{
	if (c->err || cur_left(c) < bytes) {
		c->err = -EBADMSG;
		return NULL;
	}
	const uint8_t *p = c->pos;
	c->pos += bytes;
	return p;
}

void cur_skip(struct cursor *c, size_t bytes)
{
	(void)cur_take(c, bytes);
}

uint8_t cur_u8(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 1);
	return p ? *p : 0;
}

uint16_t cur_be16(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 2);
	return p ? be16_get(p) : 0;
}

uint32_t cur_be24(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 3);
	return p ? be24_get(p) : 0;
}

uint32_t cur_be32(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 4);
	return p ? be32_get(p) : 0;
}

uint64_t cur_be64(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 8);
	return p ? be64_get(p) : 0;
}

uint8_t *wr_reserve(struct writer *w, size_t bytes)
{
	if (w->err || (size_t)(w->end - w->pos) < bytes) {
		w->err = -EMSGSIZE;
		return NULL;
	}
	uint8_t *p = w->pos;
	memset(p, 0, bytes);
	w->pos += bytes;
	return p;
}

void wr_bytes(struct writer *w, const void *data, size_t bytes)
{
	uint8_t *p = wr_reserve(w, bytes);
	if (p && bytes)
		memcpy(p, data, bytes);
}

void wr_zero(struct writer *w, size_t bytes)
{
	(void)wr_reserve(w, bytes);
}

void wr_u8(struct writer *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

void wr_be16(struct writer *w, uint16_t v)
{
	uint8_t *p = wr_reserve(w, 2);
	if (p)
		be16_put(p, v);
}

void wr_be24(struct writer *w, uint32_t v)
{
	uint8_t *p = wr_reserve(w, 3);
	if (p)
		be24_put(p, v);
}

void wr_be32(struct writer *w, uint32_t v)
{
	uint8_t *p = wr_reserve(w, 4);
	if (p)
		be32_put(p, v);
}

void wr_be64(struct writer *w, uint64_t v)
{
	uint8_t *p = wr_reserve(w, 8);
	if (p)
		be64_put(p, v);
}

void wr_ascii(struct writer *w, const char *text, size_t bytes)
{
	uint8_t *p = wr_reserve(w, bytes);
	if (!p)
		return;
	size_t n = strnlen(text, bytes);
	memcpy(p, text, n);
	memset(p + n, ' ', bytes - n);
}
