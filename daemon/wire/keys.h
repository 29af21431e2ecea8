/* SPDX-License-Identifier: MIT */
/*
 * Text segments: key=value pairs, each ended by a NUL (RFC 7143 6.1). The reader walks over bytes
 * that a stranger wrote and gives pairs that point into them; the writer fills a bounded buffer.
 */
#ifndef WIRE_KEYS_H
#define WIRE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_NAME_MAX       63u   /* RFC 7143 6.1: standard-label */
#define KEY_VALUE_MAX      255u  /* a simple value, unless its key says more */
#define KEY_VALUE_LONG_MAX 8192u /* the longest that any key says */

struct key_pair {
	const char *name; /* not terminated */
	size_t name_bytes;
	const char *value; /* terminated, in the text */
	size_t value_bytes;
};

/* What is wrong with a text; positive, for the direct caller. */
enum key_error {
	KEY_END = 0,
	KEY_E_NO_EQUALS = 1,
	KEY_E_NO_NUL,      /* the last pair is not ended */
	KEY_E_NAME_EMPTY,
	KEY_E_NAME_LONG,
	KEY_E_NAME_CHAR,   /* not a standard-label */
	KEY_E_VALUE_LONG,  /* over KEY_VALUE_LONG_MAX */
	KEY_E_VALUE_CHAR,  /* a control character */
};

struct key_reader {
	const char *pos;
	const char *end;
	enum key_error error;
};

struct key_reader key_reader_init(const void *text, size_t bytes);
/* The next pair, or false at the end or at the first fault: then see @reader->error. */
bool key_next(struct key_reader *reader, struct key_pair *ret);
const char *key_error_text(enum key_error error);
bool key_is(const struct key_pair *pair, const char *name);
/* RFC 7143 6.2: "Reject", "Irrelevant", "NotUnderstood" are answers, and no values to propose or declare. */
bool key_is_answer(const struct key_pair *pair);

/* Walks over the values of a comma list (RFC 7143 6.1: list-of-values). */
struct key_list {
	const char *pos;
	const char *end;
	bool done;
};

struct key_list key_list_init(const char *value, size_t bytes);
/* The next value (may be empty), or false after the last. */
bool key_list_next(struct key_list *list, const char **ret_value, size_t *ret_bytes);

/* numerical-value: decimal or 0x hexadecimal, whole. 0, -EINVAL or -ERANGE (over 2^64-1). */
int key_number(const char *value, size_t bytes, uint64_t *ret);

/* Sticky: after the first pair that did not fit nothing is written and err is -EMSGSIZE. A pair is
 * written whole or not at all. */
struct key_writer {
	char *start;
	char *pos;
	char *end;
	int err;
};

struct key_writer key_writer_init(void *buffer, size_t bytes);
static inline size_t key_writer_len(const struct key_writer *w)
{
	return (size_t)(w->pos - w->start);
}
void key_put(struct key_writer *w, const char *name, const char *value);
void key_put_number(struct key_writer *w, const char *name, uint64_t value);
/* The answer to a pair whose name is the peer's. */
void key_put_n(struct key_writer *w, const char *name, size_t name_bytes, const char *value,
	size_t value_bytes);

#endif
