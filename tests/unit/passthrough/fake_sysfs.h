/* SPDX-License-Identifier: MIT */
/* A made-up /sys, /proc and /dev below a temporary directory, for one test program. */
#ifndef TESTS_FAKE_SYSFS_H
#define TESTS_FAKE_SYSFS_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sptgt-sysfs-XXXXXX";

static inline void put_bytes(const char *path, const void *data, size_t bytes)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fwrite(data, 1, bytes, f);
	fclose(f);
}

static inline void put(const char *path, const char *text)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	if (text)
		put_bytes(path, text, strlen(text));
	else
		mkdir(full, 0755);
}

static inline void link_to(const char *path, const char *target)
{
	char full[PATH_MAX], to[PATH_MAX];

	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	snprintf(to, sizeof(to), "%s%s", root, target);
	unlink(full);
	assert_int_equal(symlink(to, full), 0);
}

static inline int remove_root(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

#endif
