/* SPDX-License-Identifier: MIT */
/*
 * CHAP with an upstream target (RFC 7143 9.2): who we prove to be and, where mutual, who upstream
 * has to prove to be. From a file that nobody else can read, of one line in words between blanks:
 *
 *   NAME SECRET [mutual NAME SECRET]
 *
 * A word in double quotes may hold blanks; # begins a comment at the begin of a line.
 */
#ifndef PASSTHROUGH_UP_SECRET_H
#define PASSTHROUGH_UP_SECRET_H

#include <stddef.h>

#include <spt/error.h>

#define UP_SECRET_MAX 255u /* as libiscsi has it */

struct up_secret {
	char user[UP_SECRET_MAX + 1]; /* empty: no CHAP */
	char password[UP_SECRET_MAX + 1];
	char mutual_user[UP_SECRET_MAX + 1]; /* empty: upstream has to prove nothing */
	char mutual_password[UP_SECRET_MAX + 1];
};

/* May block. -EPERM: others can read it; -EINVAL: it is not as told above; -errno. Never tells a
 * secret. */
int up_secret_load(const char *path, struct up_secret *ret, struct spt_error *error);
/* The same from memory. */
int up_secret_parse(const char *path, const char *text, struct up_secret *ret,
	struct spt_error *error);

#endif
