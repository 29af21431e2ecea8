/* SPDX-License-Identifier: MIT */
/* "Did you mean": the candidate nearest to a word that nobody knows. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *word;
	const char *best; /* NULL: nothing is near */
	size_t distance;
};

static inline struct suggest suggest_init(const char *word)
{
	return (struct suggest){ .word = word };
}

void suggest_try(struct suggest *suggest, const char *candidate);
/* " (did you mean 'best'?)", or nothing; always terminated. Returns @text. */
const char *suggest_text(const struct suggest *suggest, char *text, size_t bytes);

#endif
