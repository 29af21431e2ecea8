/* SPDX-License-Identifier: MIT */
/*
 * An INI file as sections and keys, each with the line it stands on. What the file may look like
 * is told in ini.c; whatever else is there is a fault, never a guess.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stddef.h>

#include "config/errors.h"

#define INI_BYTES_MAX    (1u << 20)
#define INI_LINE_MAX     1000u /* the reader's own limit is 1024 */
#define INI_NAME_MAX     64u   /* of a section or key */
#define INI_SECTIONS_MAX 4096u
#define INI_KEYS_MAX     16384u /* of the whole file */

struct ini_key {
	char *name; /* lower case */
	char *value;
	unsigned line;
};

struct ini_section {
	char *name; /* lower case */
	unsigned line;
	struct ini_key *keys;
	size_t n_keys;
};

struct ini {
	struct ini_section *sections;
	size_t n_sections;
};

/*
 * 0, or -EINVAL with the faults in @errors, -ENOMEM, or -errno. With -EINVAL *@ret is there too and
 * holds what could be understood (it may be empty), so that further faults can be found.
 */
int ini_parse(const void *data, size_t bytes, struct config_errors *errors, struct ini **ret);
/*
 * At most INI_BYTES_MAX bytes of a regular file or a pipe. 0 or -errno with the fault in @errors.
 */
int ini_read(const char *path, struct config_errors *errors, void **ret_data, size_t *ret_bytes);
void ini_free(struct ini *ini);

#endif
