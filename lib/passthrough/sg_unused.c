/* SPDX-License-Identifier: MIT */
/*
 * Is a device in use on this machine? Two masters of one disk destroy what is on it, and sg asks
 * nobody: so the block node beside it and its partitions are looked up among the mounts, the swap
 * areas and the holders (md, device mapper). Opening with O_EXCL would not show the last of these
 * for every kernel, and it disturbs drives with removable media.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/util.h"
#include "passthrough/sg_sysfs.h"

#define NODES_MAX 130u /* the whole device and its partitions */

struct nodes {
	char name[NODES_MAX][32];
	dev_t number[NODES_MAX];
	size_t n;
};

static void add_node(struct nodes *nodes, const char *dir, const char *name)
{
	char path[PATH_MAX];
	unsigned major_number, minor_number;

	if (nodes->n == NODES_MAX)
		return;
	snprintf(path, sizeof(path), "%s/dev", dir);
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%u:%u", &major_number, &minor_number) == 2) {
		snprintf(nodes->name[nodes->n], sizeof(nodes->name[0]), "%.31s", name);
		nodes->number[nodes->n++] = makedev(major_number, minor_number);
	}
	fclose(f);
}

/* The first line of /sys/block/@holder/@file, or an empty text. */
static void read_attribute(const char *root, const char *holder, const char *file, char *text,
	size_t size)
{
	char path[PATH_MAX];

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/sys/block/%s/%s", root, holder, file);
	FILE *f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(text, (int)size, f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

/* What is stacked on a device, by the beginning of its device mapper UUID, and what sets it free. */
static const struct {
	const char *uuid, *what, *remedy;
} MAPPED[] = {
	{ "LVM-", "LVM volume", "deactivate it (vgchange -an)" },
	{ "mpath-", "multipath device", "take it out (multipath -f, and blacklist it)" },
	{ "CRYPT-", "encrypted volume", "close it (cryptsetup close)" },
	{ "", "device mapper volume", "remove it (dmsetup remove)" },
};

static int held(const char *root, const char *name, const char *holder, struct spt_error *error)
{
	char label[64], uuid[64], level[32];
	size_t i = 0;

	read_attribute(root, holder, "dm/name", label, sizeof(label));
	if (label[0]) {
		read_attribute(root, holder, "dm/uuid", uuid, sizeof(uuid));
		while (strncmp(uuid, MAPPED[i].uuid, strlen(MAPPED[i].uuid)))
			i++;
		return spt_error_set(error, -EBUSY, "/dev/%s is held by %.32s, the %s %s; %s first",
			name, holder, MAPPED[i].what, label, MAPPED[i].remedy);
	}
	read_attribute(root, holder, "md/level", level, sizeof(level));
	if (level[0])
		return spt_error_set(error, -EBUSY,
			"/dev/%s is held by %.32s, a RAID (%s); stop it first (mdadm --stop)", name,
			holder, level);
	return spt_error_set(error, -EBUSY, "/dev/%s is held by %.32s", name, holder);
}

static int check_holders(const char *root, const char *dir, const char *name,
	struct spt_error *error)
{
	char path[PATH_MAX + sizeof("/holders")];
	const struct dirent *e;
	int r = 0;

	snprintf(path, sizeof(path), "%s/holders", dir);
	DIR *d = opendir(path);
	if (!d)
		return 0;
	while (!r && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			r = held(root, name, e->d_name, error);
	}
	closedir(d);
	return r;
}

/* Every node of the device goes into @nodes, unless one of them is held. */
static int collect(const char *root, const struct sg_address *id, struct nodes *nodes,
	struct spt_error *error)
{
	char dir[PATH_MAX], part[PATH_MAX], mark[PATH_MAX];
	const struct dirent *e;

	snprintf(dir, sizeof(dir), "%s/block/%s", id->dir, id->block);
	add_node(nodes, dir, id->block);
	int r = check_holders(root, dir, id->block, error);
	DIR *d = r ? NULL : opendir(dir);
	if (!d)
		return r;
	while (!r && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (snprintf(part, sizeof(part), "%s/%s", dir, e->d_name) >= (int)sizeof(part) ||
			snprintf(mark, sizeof(mark), "%s/partition", part) >= (int)sizeof(mark) ||
			access(mark, F_OK) < 0)
			continue;
		add_node(nodes, part, e->d_name);
		r = check_holders(root, part, e->d_name, error);
	}
	closedir(d);
	return r;
}

static const char *find_number(const struct nodes *nodes, dev_t number)
{
	for (size_t i = 0; i < nodes->n; i++) {
		if (nodes->number[i] == number)
			return nodes->name[i];
	}
	return NULL;
}

/* The node that the path @source (as the kernel prints it) leads to. */
static const char *find_source(const char *root, const struct nodes *nodes, const char *source)
{
	char path[PATH_MAX];
	struct stat st;

	if (source[0] != '/')
		return NULL;
	snprintf(path, sizeof(path), "%s%s", root, source);
	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return NULL;
	return find_number(nodes, st.st_rdev);
}

/*
 * proc(5): id parent major:minor root mount-point options ... - type source options. A filesystem
 * on several devices (btrfs) has an anonymous number: then its source tells.
 */
static int check_mount_line(const char *root, const struct nodes *nodes, const char *line,
	struct spt_error *error)
{
	unsigned major_number, minor_number;
	char where[256] = "", source[256] = "";
	const char *name = NULL;

	if (sscanf(line, "%*d %*d %u:%u %*s %255s", &major_number, &minor_number, where) != 3)
		return 0;
	name = find_number(nodes, makedev(major_number, minor_number));
	const char *rest = strstr(line, " - ");
	if (!name && rest && sscanf(rest, " - %*s %255s", source) == 1)
		name = find_source(root, nodes, source);
	if (!name)
		return 0;
	return spt_error_set(error, -EBUSY, "/dev/%s is mounted on %s", name, where);
}

static int check_swap_line(const char *root, const struct nodes *nodes, const char *line,
	struct spt_error *error)
{
	char source[256];

	if (sscanf(line, "%255s", source) != 1)
		return 0;
	const char *name = find_source(root, nodes, source);
	return name ? spt_error_set(error, -EBUSY, "/dev/%s is swapped on", name) : 0;
}

static int check_lines(const char *root, const struct nodes *nodes, const char *file,
	int (*check)(const char *, const struct nodes *, const char *, struct spt_error *),
	struct spt_error *error)
{
	char path[PATH_MAX];
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;

	snprintf(path, sizeof(path), "%s%s", root, file);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	while (!r && getline(&line, &size, f) > 0)
		r = check(root, nodes, line, error);
	fclose(f);
	return r;
}

int sg_check_unused(const char *root, const struct sg_address *id, struct spt_error *error)
{
	struct nodes nodes = { .n = 0 };

	if (!id->block[0])
		return 0;
	int r = collect(root, id, &nodes, error);
	if (!r)
		r = check_lines(root, &nodes, "/proc/self/mountinfo", check_mount_line, error);
	if (!r)
		r = check_lines(root, &nodes, "/proc/swaps", check_swap_line, error);
	return r;
}
