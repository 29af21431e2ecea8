/* SPDX-License-Identifier: MIT */
/* The processes that have a device open: see sg_openers.h. */
#include "passthrough/sg_openers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"

#define NODES_MAX 32u /* st has eight for a drive */
#define LOOK_MS   200u

struct nodes {
	char name[NODES_MAX][32];
	dev_t number[NODES_MAX];
	size_t n;
};

/* The first line of a file, or an empty text. */
static void read_line(const char *path, char *text, size_t size)
{
	text[0] = '\0';
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(text, (int)size, f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

/* The character devices of @class that belong to the SCSI device. */
static void collect(const struct sg_address *id, const char *class, struct nodes *nodes)
{
	char dir[PATH_MAX], path[2 * PATH_MAX], number[32];
	unsigned major_number, minor_number;
	const struct dirent *e;

	snprintf(dir, sizeof(dir), "%s/%s", id->dir, class);
	DIR *d = opendir(dir);
	if (!d)
		return;
	while (nodes->n < NODES_MAX && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s/dev", dir, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		read_line(path, number, sizeof(number));
		if (sscanf(number, "%u:%u", &major_number, &minor_number) != 2)
			continue;
		snprintf(nodes->name[nodes->n], sizeof(nodes->name[0]), "%.31s", e->d_name);
		nodes->number[nodes->n++] = makedev(major_number, minor_number);
	}
	closedir(d);
}

static bool is_tape_or_changer(const struct sg_address *id)
{
	char path[PATH_MAX], type[16];

	snprintf(path, sizeof(path), "%s/type", id->dir);
	read_line(path, type, sizeof(type));
	return !strcmp(type, "1") || !strcmp(type, "8");
}

/* The name of the node that a descriptor below @dir leads to; a link is followed, nothing is opened. */
static const char *opened(const char *dir, const struct nodes *nodes)
{
	char path[PATH_MAX];
	const struct dirent *e;
	const char *name = NULL;
	struct stat st;

	DIR *d = opendir(dir);
	if (!d)
		return NULL;
	while (!name && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) ||
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path) ||
			stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
			continue;
		for (size_t i = 0; i < nodes->n; i++) {
			if (nodes->number[i] == st.st_rdev)
				name = nodes->name[i];
		}
	}
	closedir(d);
	return name;
}

static int look(const char *root, const struct nodes *nodes, struct spt_error *error)
{
	char proc[PATH_MAX], path[2 * PATH_MAX], command[64];
	const struct dirent *e;
	int r = 0;

	snprintf(proc, sizeof(proc), "%s/proc", root);
	DIR *d = opendir(proc);
	if (!d)
		return 0;
	while (!r && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || atol(e->d_name) == (long)getpid())
			continue;
		snprintf(path, sizeof(path), "%s/%s/fd", proc, e->d_name);
		const char *name = opened(path, nodes);
		if (!name)
			continue;
		snprintf(path, sizeof(path), "%s/%s/comm", proc, e->d_name);
		read_line(path, command, sizeof(command));
		r = spt_error_set(error, -EBUSY, "/dev/%s is open in process %.16s (%s)",
			!strncmp(name, "sch", 3) ? name + 1 : name, e->d_name, command);
	}
	closedir(d);
	return r;
}

int sg_check_unopened(const char *root, const struct sg_address *id, unsigned patience_ms,
	struct spt_error *error)
{
	/* "bsg" is a directory of the device as the others are; the names there are not those of /dev. */
	static const char *const classes[] = { "scsi_tape", "scsi_changer", "scsi_generic", "bsg" };
	struct nodes nodes = { .n = 0 };
	int r;

	if (!is_tape_or_changer(id))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		collect(id, classes[i], &nodes);
	for (unsigned waited_ms = 0; (r = look(root, &nodes, error)) < 0 && waited_ms < patience_ms;
		waited_ms += LOOK_MS)
		usleep(LOOK_MS * 1000);
	return r;
}
