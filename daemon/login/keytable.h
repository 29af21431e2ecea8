/* SPDX-License-Identifier: MIT */
/*
 * The table of text keys (RFC 7143 13): one row says everything about a key, and the login, the
 * full feature phase, the check of the limits and the tests read it.
 */
#ifndef LOGIN_KEYTABLE_H
#define LOGIN_KEYTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/keys.h"

enum key_type {
	KEY_AND,     /* boolean, result AND */
	KEY_OR,      /* boolean, result OR */
	KEY_MIN,     /* number, result the smaller */
	KEY_MAX,     /* number, result the larger */
	KEY_LIST,    /* the first of the offered values that we accept */
	KEY_NUMBER,  /* declared number */
	KEY_NAME,    /* declared iSCSI name */
	KEY_TEXT,    /* declared text, kept if the row has a place for it */
	KEY_WORD,    /* declared, one of the row's words */
	KEY_FIXED,   /* obsolete: answered by the row's only word (RFC 7143 13.25) */
	KEY_METHODS, /* AuthMethod: the security stage's */
	KEY_OWNER,   /* SendTargets: not negotiated at all */
};

/* Where a key may be sent, and by whom. */
enum {
	USE_SECURITY = 1 << 0,
	USE_OPERATIONAL = 1 << 1,
	USE_FULL_FEATURE = 1 << 2,
	USE_LEADING = 1 << 3,   /* only on the first connection of a session ("LO") */
	USE_NORMAL = 1 << 4,    /* irrelevant in a discovery session */
	USE_IDENTITY = 1 << 5,  /* must be in the first text of a login */
	USE_LATE = 1 << 6,      /* depends on other keys: judged after them */
	BY_INITIATOR = 1 << 7,
	BY_TARGET = 1 << 8,
};

struct key_word {
	const char *word;
	uint8_t bit;
};

/* A member of struct login_limits or struct login_params; no bytes: none. */
struct key_field {
	uint16_t offset;
	uint16_t bytes;
};

struct key_row {
	const char *name;
	uint8_t type; /* enum key_type */
	uint16_t use;
	uint32_t min;
	uint32_t max;
	const struct key_word *words;
	struct key_field limit;
	struct key_field param;
};

/* At most 64 rows. */
extern const struct key_row KEY_TABLE[];
extern const size_t KEY_ROWS;

/* NULL: not understood. */
const struct key_row *key_find(const char *name, size_t bytes);

static inline uint64_t key_bit(const struct key_row *row)
{
	return 1ull << (row - KEY_TABLE);
}

/* Numbers and booleans in the two structures. */
uint64_t key_get(const void *base, struct key_field field);
void key_set(void *base, struct key_field field, uint64_t value);

/* The word's bit, or 0. */
uint8_t key_word_bit(const struct key_row *row, const char *word, size_t bytes);
/* The word of @bit, which is in the row. */
const char *key_word_name(const struct key_row *row, uint8_t bit);

#endif
