/* SPDX-License-Identifier: MIT */
/*
 * INI files: read whole, scanned by ourselves (scan.c), then read by iniparser, whose strings are
 * the values. iniparser takes file names only, so it is given the very bytes that were scanned
 * through a memory file. Where the two readings differ the key is a fault: nobody has to trust
 * either of them alone.
 */
#include "config/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <iniparser/iniparser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write_all.h"
#include "config/scan.h"

void ini_free(struct ini *ini)
{
	if (!ini)
		return;
	for (size_t i = 0; i < ini->n_sections; i++) {
		struct ini_section *s = &ini->sections[i];

		for (size_t k = 0; k < s->n_keys; k++) {
			free(s->keys[k].name);
			free(s->keys[k].value);
		}
		free(s->keys);
		free(s->name);
	}
	free(ini->sections);
	free(ini);
}

static void cleanup_ini(struct ini **ini)
{
	ini_free(*ini);
}

/* Its complaints have no line number; ours were made before. */
static int quiet(const char *format, ...)
{
	return 0;
}

static int library_load(const void *data, size_t bytes, dictionary **ret)
{
	AUTO_FD int fd = memfd_create("sptgt-ini", MFD_CLOEXEC);
	char path[40];

	if (fd < 0)
		return -errno;
	int r = write_all(fd, data, bytes);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	iniparser_set_error_callback(quiet);
	*ret = iniparser_load(path);
	return *ret ? 0 : -EINVAL;
}

/* Takes the library's value of a key that both have read alike. */
static int take_value(const dictionary *d, const struct ini_section *section, struct ini_key *key,
	struct config_errors *errors)
{
	char name[2 * INI_NAME_MAX + 2];

	snprintf(name, sizeof(name), "%s:%s", section->name, key->name);
	const char *value = iniparser_getstring(d, name, NULL);
	if (!value || strcmp(value, key->value)) {
		config_error_add(errors, key->line, "the value of %s can be read in two ways; put "
			"it "
			"in quotes", key->name);
		return -EINVAL;
	}
	char *copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(key->value);
	key->value = copy;
	return 0;
}

static int take_values(const dictionary *d, struct ini *ini, struct config_errors *errors)
{
	int result = 0;

	for (size_t i = 0; i < ini->n_sections; i++) {
		struct ini_section *section = &ini->sections[i];

		for (size_t k = 0; k < section->n_keys; k++) {
			int r = take_value(d, section, &section->keys[k], errors);

			if (r == -ENOMEM)
				return r;
			if (r < 0)
				result = r;
		}
	}
	return result;
}

int ini_parse(const void *data, size_t bytes, struct config_errors *errors, struct ini **ret)
{
	struct ini *ini CLEANUP(cleanup_ini) = calloc(1, sizeof(*ini));
	dictionary *d = NULL;

	if (!ini)
		return -ENOMEM;
	int r = ini_scan(data, bytes, errors, ini);
	if (r == -ENOMEM)
		return r;
	/* What the scan refuses the library might not even survive. */
	if (!r) {
		r = library_load(data, bytes, &d);
		if (r < 0)
			config_error_add(errors, 0, "cannot be read as an INI file: "
				"%s", strerror(-r));
		else
			r = take_values(d, ini, errors);
		if (d)
			iniparser_freedict(d);
	}
	if (!r || r == -EINVAL)
		*ret = TAKE(ini);
	return r;
}

static int read_all(int fd, char *buffer, size_t room, size_t *ret_bytes)
{
	size_t have = 0;

	while (have < room) {
		ssize_t n = read(fd, buffer + have, room - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	*ret_bytes = have;
	return 0;
}

int ini_read(const char *path, struct config_errors *errors, void **ret_data, size_t *ret_bytes)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	AUTO_FREE char *buffer = NULL;
	int r = fd < 0 ? -errno : 0;

	if (!r) {
		/* One more than is allowed, so that the scan can tell that it is too much. */
		buffer = malloc(INI_BYTES_MAX + 1);
		if (!buffer)
			return -ENOMEM;
		r = read_all(fd, buffer, INI_BYTES_MAX + 1, ret_bytes);
	}
	if (r < 0) {
		config_error_add(errors, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	*ret_data = TAKE(buffer);
	return 0;
}
