/* SPDX-License-Identifier: MIT */
/* Random secrets: see secret.h. */
#include "cli/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"

#define BINARY_BYTES 16u
#define TEXT_BYTES   16u

static bool fill(uint8_t *data, size_t bytes)
{
	return getrandom(data, bytes, 0) == (ssize_t)bytes;
}

static int binary(char *text)
{
	uint8_t data[BINARY_BYTES];

	if (!fill(data, sizeof(data)))
		return -EIO;
	text += sprintf(text, "0x");
	for (size_t i = 0; i < sizeof(data); i++)
		text += sprintf(text, "%02x", data[i]);
	explicit_bzero(data, sizeof(data));
	return 0;
}

/* Without a 0, so that none is taken for a binary value, and without what has to be quoted anywhere. */
static int characters(char *text)
{
	static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz123456789-_.+/";
	const unsigned n = sizeof(LETTERS) - 1, fair = 256 / n * n;
	uint8_t byte;

	for (size_t i = 0; i < TEXT_BYTES;) {
		if (!fill(&byte, 1))
			return -EIO;
		if (byte < fair) /* each is as likely as any other */
			text[i++] = LETTERS[byte % n];
	}
	text[TEXT_BYTES] = 0;
	return 0;
}

int secret_new(const char *form, char *text)
{
	if (!strcmp(form, "binary"))
		return binary(text);
	return !strcmp(form, "text") ? characters(text) : -EINVAL;
}
