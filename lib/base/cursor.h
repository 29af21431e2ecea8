/* SPDX-License-Identifier: MIT */
/*
 * A cursor over bytes with a sticky error: fields are taken (or put) straight down and the error is
 * looked at once. After an overrun every take gives zero and nothing is put; err stays -EBADMSG
 * (reading past the end) or -EMSGSIZE (writing past the end).
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
	int err;
};

static inline struct cursor cur_init(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	return (struct cursor){ .pos = p, .end = p + bytes };
}

static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->pos);
}

/* The next @bytes bytes, which stay where they are, or NULL past the end. */
const uint8_t *cur_take(struct cursor *c, size_t bytes);
void cur_skip(struct cursor *c, size_t bytes);
uint8_t cur_u8(struct cursor *c);
uint16_t cur_be16(struct cursor *c);
uint32_t cur_be24(struct cursor *c);
uint32_t cur_be32(struct cursor *c);
uint64_t cur_be64(struct cursor *c);

struct writer {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	int err;
};

static inline struct writer wr_init(void *buffer, size_t bytes)
{
	uint8_t *p = buffer;
	return (struct writer){ .start = p, .pos = p, .end = p + bytes };
}

static inline size_t wr_len(const struct writer *w)
{
	return (size_t)(w->pos - w->start);
}

/* Room for @bytes bytes, set to zero, or NULL when they do not fit. */
uint8_t *wr_reserve(struct writer *w, size_t bytes);
void wr_bytes(struct writer *w, const void *data, size_t bytes);
void wr_zero(struct writer *w, size_t bytes);
void wr_u8(struct writer *w, uint8_t v);
void wr_be16(struct writer *w, uint16_t v);
void wr_be24(struct writer *w, uint32_t v);
void wr_be32(struct writer *w, uint32_t v);
void wr_be64(struct writer *w, uint64_t v);
/* @text, cut or filled on the right with spaces to @bytes: the SCSI left-aligned ASCII field. */
void wr_ascii(struct writer *w, const char *text, size_t bytes);

#endif
