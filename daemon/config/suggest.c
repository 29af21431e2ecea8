/* SPDX-License-Identifier: MIT */
/* Edit distance with neighbouring letters swapped counted once: see suggest.h. */
#include "config/suggest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define WORD_MAX 64u

/* Over prefixes: row[i][j] is the distance of the first i letters of @a to the first j of @b. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	uint8_t row[3][WORD_MAX + 1];

	if (n > WORD_MAX || m > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (uint8_t)j;
	for (size_t i = 1; i <= n; i++) {
		uint8_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = (uint8_t)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = MIN(d, last[j] + 1u);
			d = MIN(d, now[j - 1] + 1u);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = MIN(d, before[j - 2] + 1u);
			now[j] = (uint8_t)d;
		}
	}
	return row[n % 3][m];
}

void suggest_try(struct suggest *suggest, const char *candidate)
{
	size_t words = strlen(suggest->word), letters = strlen(candidate);
	size_t near = MAX(words / 3, (size_t)1);
	size_t d = distance(suggest->word, candidate);

	/* "memory" for "mem", "sess" for "session": one begins with the other. */
	if (MIN(words, letters) >= 3 && !strncmp(suggest->word, candidate, MIN(words, letters)))
		d = MIN(d, near);
	if (d > near || (suggest->best && d >= suggest->distance))
		return;
	suggest->best = candidate;
	suggest->distance = d;
}

const char *suggest_text(const struct suggest *suggest, char *text, size_t bytes)
{
	if (suggest->best)
		snprintf(text, bytes, " (did you mean '%s'?)", suggest->best);
	else
		snprintf(text, bytes, "%s", "");
	return text;
}
