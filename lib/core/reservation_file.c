/* SPDX-License-Identifier: MIT */
/*
 * Reservations that live through power loss (APTPL, SPC-5 5.14.5): a text file for each device,
 * written anew beside the old one, synchronised, and put in its place. Several loops may have a
 * change to write; each image knows its number, and an older one never replaces a newer. While a device takes the
 * place of another of its name there are two for one file: it is the newer one's from when that has read it, and the
 * other takes no more changes; should the newer one go first (a reload that failed), it is the other's again.
 *
 *   sptgt persistent reservations 1
 *   TYPE HOLDER                                     HOLDER counts registrants from 1; 0: none, or all
 *   KEY ISID TAG PORT INITIATOR TARGET              for each registrant
 *   end
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "base/write_all.h"
#include "core/core.h"

#define HEADING "sptgt persistent reservations 1\n"
#define FILE_MAX (64u + RESERVATION_REGISTRANTS * (2u * 3u * SPT_NAME_MAX + 64u))

/* Reading and claiming a file, against writing one. */
static pthread_rwlock_t files_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct spt_link files = { &files, &files }; /* struct reservations.files, oldest first */

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == ':' || c == '_' || c == '.';
}

/* Anything but the characters of ordinary names as %XX. @to has room for 3 * strlen + 1. */
static void escape(const char *from, char *to)
{
	for (const char *p = from; *p; p++) {
		if (plain(*p) && !(p == from && *p == '.'))
			*to++ = *p;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*p);
	}
	*to = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place. False: not what escape() makes of a name. */
static bool unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
		if (low < 0 || (high | low) == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		p += 2;
	}
	*to = '\0';
	return to > text && to - text <= (ptrdiff_t)SPT_NAME_MAX;
}

static unsigned number_of(const struct reservations *r, const struct registrant *holder)
{
	const struct registrant *g;
	unsigned n = 0;

	list_foreach (g, &r->registrants, link) {
		n++;
		if (g == holder)
			return n;
	}
	return 0;
}

static void print(FILE *f, const struct reservations *r)
{
	char initiator[3 * SPT_NAME_MAX + 1], target[3 * SPT_NAME_MAX + 1];
	const struct registrant *g;

	fprintf(f, HEADING "%u %u\n", r->type, number_of(r, r->owner));
	list_foreach (g, &r->registrants, link) {
		escape(g->initiator, initiator);
		escape(g->target, target);
		fprintf(f, "%016" PRIx64 " %02x%02x%02x%02x%02x%02x %u %u %s %s\n", g->key, g->isid[0],
			g->isid[1], g->isid[2], g->isid[3], g->isid[4], g->isid[5], g->tag,
			g->relative_port, initiator, target);
	}
	fputs("end\n", f);
}

static int image_locked(struct reservations *r, struct reservation_image *ret)
{
	if (!r->path || (!r->aptpl && !r->on_file))
		return 0;
	*ret = (struct reservation_image){ .change = r->change };
	if (r->aptpl) {
		FILE *f = open_memstream(&ret->data, &ret->bytes);
		if (!f)
			return -ENOMEM;
		print(f, r);
		if (fclose(f) != 0)
			return -ENOMEM;
	}
	r->on_file = r->aptpl;
	return 1;
}

int reservation_image(struct spt_device *device, struct reservation_image *ret)
{
	pthread_mutex_lock(&device->lock);
	int r = image_locked(&device->reservations, ret);
	pthread_mutex_unlock(&device->lock);
	return r;
}

static int write_synced(const char *path, const struct reservation_image *image)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	int r = write_all(fd, image->data, image->bytes);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_directory(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int replace(const struct reservations *r, const struct reservation_image *image)
{
	char temporary[4096];
	int n = snprintf(temporary, sizeof(temporary), "%s~", r->path);

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	if (!image->data) {
		if (unlink(r->path) < 0 && errno != ENOENT)
			return -errno;
		return sync_directory(r->directory);
	}
	if (mkdir(r->directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	int e = write_synced(temporary, image);
	if (e == 0 && rename(temporary, r->path) < 0)
		e = -errno;
	if (e < 0) {
		unlink(temporary);
		return e;
	}
	return sync_directory(r->directory);
}

int reservation_write(struct reservations *r, struct reservation_image *image)
{
	int e = 0;

	pthread_rwlock_rdlock(&files_lock);
	pthread_mutex_lock(&r->file_lock);
	if (atomic_load(&r->superseded)) {
		e = -ESTALE;
	} else if (image->change > r->written) {
		e = replace(r, image);
		if (e == 0)
			r->written = image->change;
	}
	pthread_mutex_unlock(&r->file_lock);
	pthread_rwlock_unlock(&files_lock);
	free(TAKE(image->data));
	return e;
}

static bool take_registrant(struct reservations *r, const char *line)
{
	char initiator[3 * SPT_NAME_MAX + 1], target[3 * SPT_NAME_MAX + 1];
	struct spt_nexus nexus = { .initiator_name = initiator, .target_name = target };
	uint8_t *i = nexus.isid;
	uint64_t key;
	int end = -1;

	/* 669: 3 * SPT_NAME_MAX */
	if (sscanf(line, "%16" SCNx64 " %2hhx%2hhx%2hhx%2hhx%2hhx%2hhx %5hu %5hu %669s %669s%n", &key,
		i, i + 1, i + 2, i + 3, i + 4, i + 5, &nexus.target_portal_group_tag,
		&nexus.relative_port, initiator, target, &end) != 11 || end < 0 || line[end])
		return false;
	return key && unescape(initiator) && unescape(target) && !reservation_find(r, &nexus) &&
		reservation_add(r, &nexus, key);
}

/* SPC-5 5.14.10: a type has a holder unless all registrants are; and somebody is registered. */
static bool take_holder(struct reservations *r, unsigned type, unsigned holder)
{
	struct registrant *g;
	unsigned n = 0;

	if (!type)
		return !holder;
	if (type > 15 || !reservation_kind((uint8_t)type)->known || !r->n_registrants ||
		reservation_kind((uint8_t)type)->all != !holder || holder > r->n_registrants)
		return false;
	r->type = (uint8_t)type;
	list_foreach (g, &r->registrants, link) {
		if (++n == holder)
			r->owner = g;
	}
	return true;
}

static bool take(struct reservations *r, char *text)
{
	unsigned type, holder;
	int end = -1;
	char *save = NULL;

	if (strncmp(text, HEADING, strlen(HEADING)) != 0)
		return false;
	char *line = strtok_r(text + strlen(HEADING), "\n", &save);
	if (!line || sscanf(line, "%2u %3u%n", &type, &holder, &end) != 2 || end < 0 || line[end])
		return false;
	while ((line = strtok_r(NULL, "\n", &save)) && strcmp(line, "end") != 0) {
		if (!take_registrant(r, line))
			return false;
	}
	return line && !strtok_r(NULL, "\n", &save) && take_holder(r, type, holder);
}

static int read_text(const char *path, char **ret)
{
	AUTO_FREE char *text = malloc(FILE_MAX + 1);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + used, FILE_MAX - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		return -errno;
	text[used] = '\0';
	*ret = TAKE(text);
	return 0;
}

static int load(struct reservations *r, struct spt_error *error)
{
	AUTO_FREE char *text = NULL;
	int e = read_text(r->path, &text);

	if (e == -ENOENT)
		return 0;
	if (e < 0)
		return spt_error_set(error, e, "%.200s: %s", r->path, strerror(-e));
	if (!take(r, text))
		return spt_error_set(error, -EBADMSG,
			"%.200s: not a file of persistent reservations, or damaged", r->path);
	r->aptpl = r->on_file = true;
	return 0;
}

/* The newest of each path writes. */
static void settle_locked(const char *path)
{
	struct reservations *r, *newest = NULL;

	list_foreach (r, &files, files) {
		if (strcmp(r->path, path))
			continue;
		if (newest)
			atomic_store(&newest->superseded, true);
		atomic_store(&r->superseded, false);
		newest = r;
	}
}

static int claim(struct reservations *r, struct spt_error *error)
{
	pthread_rwlock_wrlock(&files_lock);
	list_append(&files, &r->files);
	settle_locked(r->path);
	int e = load(r, error);
	pthread_rwlock_unlock(&files_lock);
	return e;
}

void reservation_file_deinit(struct reservations *r)
{
	if (!r->path)
		return;
	pthread_rwlock_wrlock(&files_lock);
	list_del(&r->files);
	settle_locked(r->path);
	pthread_rwlock_unlock(&files_lock);
}

static int check_place(const char *state_dir)
{
	struct stat st;

	if (stat(state_dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return access(state_dir, W_OK | X_OK) < 0 ? -errno : 0;
}

int reservation_file_init(struct spt_device *device, const char *state_dir,
	struct spt_error *error)
{
	struct reservations *r = &device->reservations;
	AUTO_FREE char *name = malloc(3 * strlen(device->name) + 1);

	if (!name)
		return spt_error_set(error, -ENOMEM, "out of memory");
	/* SPC-5 5.14.5: what cannot be kept is not offered (PTPL_C zero). */
	int e = check_place(state_dir);
	if (e < 0) {
		r->no_place = e;
		r->directory = strdup(state_dir);
		return r->directory ? 0 : spt_error_set(error, -ENOMEM, "out of memory");
	}
	escape(device->name, name);
	if (asprintf(&r->directory, "%s/pr", state_dir) < 0)
		r->directory = NULL;
	if (!r->directory || asprintf(&r->path, "%s/%s", r->directory, name) < 0) {
		r->path = NULL;
		return spt_error_set(error, -ENOMEM, "out of memory");
	}
	return claim(r, error);
}
