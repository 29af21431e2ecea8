/* SPDX-License-Identifier: MIT */
/*
 * A secrets file: who may log in by CHAP. Immutable once read, and wiped when it is freed. What the
 * file looks like is told in secrets.c and in the manual; a fault is told with its line and never
 * with a secret.
 */
#ifndef CONFIG_SECRETS_H
#define CONFIG_SECRETS_H

#include <stddef.h>
#include <stdint.h>

#include "config/errors.h"

#define SECRETS_BYTES_MAX (1u << 20)
#define SECRETS_LINE_MAX  1000u
#define SECRETS_USERS_MAX 4096u
#define SECRET_BYTES_MAX  255u
/* RFC 7143 9.2.1: a secret has at least 96 bits. */
#define SECRET_BYTES_SAFE 12u

struct secret {
	uint8_t *data;
	size_t bytes;
};

struct secrets_user {
	char *name;
	struct secret secret;
	char *mutual_name; /* NULL: we prove nothing to this user */
	struct secret mutual;
	char **initiators; /* for name_match(); none: from anywhere */
	size_t n_initiators;
	unsigned line;
};

struct secrets {
	char *path;
	struct secrets_user *users;
	size_t n_users;
};

/*
 * Reads the file at @path: 0; -EINVAL: it has faults; -EPERM: others can read it, or it is no
 * regular file of root's or ours; another -errno: it cannot be read; -ENOMEM. What is wrong is in
 * @errors, as faults of the line @line of the configuration.
 */
int secrets_load(const char *path, unsigned line, struct config_errors *errors,
	struct secrets **ret);
/* The same from memory; @text is the caller's to wipe. */
int secrets_parse(const char *path, const char *text, size_t bytes, unsigned line,
	struct config_errors *errors, struct secrets **ret);
void secrets_free(struct secrets *secrets);

#endif
