/* SPDX-License-Identifier: MIT */
/* From a path to a SCSI device: see sg_sysfs.h. */
#include "passthrough/sg_sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/parse.h"
#include "base/util.h"

/* A number alone in a small file, or @otherwise. */
static uint32_t read_number(const char *path, uint32_t otherwise)
{
	char text[32];
	uint64_t n;
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return otherwise;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return otherwise;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, &n) < 0 || n > UINT32_MAX ? otherwise : (uint32_t)n;
}

/* The first entry of the directory @dir/@sub, if there is one. */
static bool first_entry(const char *dir, const char *sub, char *name, size_t name_bytes)
{
	char path[PATH_MAX];
	const struct dirent *e;
	bool found = false;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	DIR *d = opendir(path);
	if (!d)
		return false;
	while (!found && (e = readdir(d))) {
		if (e->d_name[0] != '.' && strlen(e->d_name) < name_bytes) {
			snprintf(name, name_bytes, "%s", e->d_name);
			found = true;
		}
	}
	closedir(d);
	return found;
}

/* "2:0:5:1", the name of a SCSI device's directory. */
static bool parse_address(const char *text, struct sg_address *id)
{
	int end = 0;

	return sscanf(text, "%u:%u:%u:%" SCNu64 "%n", &id->host, &id->channel, &id->id, &id->lun,
		       &end) == 4 && text[end] == '\0';
}

int sg_resolve_directory(const char *dir, const char *path, struct sg_address *ret,
	struct spt_error *error)
{
	struct sg_address id = { 0 };
	const char *address = strrchr(dir, '/');

	if (!address || !parse_address(address + 1, &id) || strlen(dir) >= sizeof(id.dir))
		return spt_error_set(error, -ENODEV, "%s is not a SCSI device", path);
	snprintf(id.dir, sizeof(id.dir), "%s", dir);
	if (!first_entry(dir, "scsi_generic", id.sg, sizeof(id.sg)))
		return spt_error_set(error, -ENODEV,
			"%s has no SCSI generic node; is the kernel module sg loaded?", path);
	first_entry(dir, "block", id.block, sizeof(id.block));
	*ret = id;
	return 0;
}

int sg_resolve_hctl(const char *root, const char *hctl, struct sg_address *ret,
	struct spt_error *error)
{
	char link[PATH_MAX];

	snprintf(link, sizeof(link), "%s/sys/bus/scsi/devices/%s", root, hctl);
	AUTO_FREE char *dir = realpath(link, NULL);
	if (!dir)
		return spt_error_set(error, -ENODEV, "there is no SCSI device at %s", hctl);
	return sg_resolve_directory(dir, hctl, ret, error);
}

int sg_resolve_number(const char *root, const char *path, bool block, dev_t number,
	struct sg_address *ret, struct spt_error *error)
{
	char link[PATH_MAX];
	AUTO_FREE char *node = NULL;
	AUTO_FREE char *device = NULL;

	snprintf(link, sizeof(link), "%s/sys/dev/%s/%u:%u", root, block ? "block" : "char",
		major(number), minor(number));
	node = realpath(link, NULL);
	if (!node)
		return spt_error_set(error, -ENODEV, "%s: the kernel knows no such device", path);
	snprintf(link, sizeof(link), "%s/partition", node);
	if (access(link, F_OK) == 0)
		return spt_error_set(error, -EINVAL,
			"%s is a partition; give the path of the whole device", path);
	snprintf(link, sizeof(link), "%s/device", node);
	device = realpath(link, NULL);
	if (!device)
		return spt_error_set(error, -ENODEV, "%s is not a SCSI device", path);
	return sg_resolve_directory(device, path, ret, error);
}

int sg_resolve(const char *root, const char *path, struct sg_address *ret,
	struct spt_error *error)
{
	char full[PATH_MAX];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	if (stat(full, &st) < 0) {
		int e = errno;
		return spt_error_set(error, -e, "%s: %s", path,
			e == ENOENT ? "there is no such device" : strerror(e));
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return spt_error_set(error, -ENOTBLK, "%s is not a device node", path);
	return sg_resolve_number(root, path, S_ISBLK(st.st_mode), st.st_rdev, ret, error);
}

bool sg_behind_iscsi(const struct sg_address *id)
{
	return strstr(id->dir, "/session") != NULL; /* .../host2/session1/target2:0:0/2:0:0:1 */
}

/* How many logical units the kernel has found on @host. */
static uint32_t count_units(const char *root, unsigned host)
{
	char path[PATH_MAX], prefix[16];
	const struct dirent *e;
	struct sg_address id;
	uint32_t n = 0;

	snprintf(path, sizeof(path), "%s/sys/bus/scsi/devices", root);
	snprintf(prefix, sizeof(prefix), "%u:", host);
	DIR *d = opendir(path);
	if (!d)
		return 1;
	while ((e = readdir(d))) {
		if (!strncmp(e->d_name, prefix, strlen(prefix)) && parse_address(e->d_name, &id))
			n++;
	}
	closedir(d);
	return MAX(n, 1u);
}

void sg_read_limits(const char *root, const struct sg_address *id, struct sg_limits *ret)
{
	char path[PATH_MAX];

	*ret = (struct sg_limits){ .host_units = count_units(root, id->host) };
	if (id->block[0]) {
		snprintf(path, sizeof(path), "%s/block/%s/queue/max_hw_sectors_kb", id->dir,
			id->block);
		ret->max_hw_sectors_kb = read_number(path, 0);
		snprintf(path, sizeof(path), "%s/block/%s/removable", id->dir, id->block);
		ret->removable = read_number(path, 1) != 0;
	}
	snprintf(path, sizeof(path), "%s/queue_depth", id->dir);
	ret->queue_depth = read_number(path, 0);
	snprintf(path, sizeof(path), "%s/sys/class/scsi_host/host%u/can_queue", root, id->host);
	ret->can_queue = read_number(path, 0);
	snprintf(path, sizeof(path), "%s/sys/module/sg/parameters/scatter_elem_sz", root);
	ret->scatter_element_bytes = read_number(path, 32768);
}

/* block/genhd: -1 in the disk's own file is the default of all disks, which udev sets. */
uint32_t sg_poll_interval_ms(const char *root, const struct sg_address *id)
{
	const uint32_t by_default = UINT32_MAX;
	char path[PATH_MAX];
	uint32_t ms;

	if (!id->block[0])
		return 0;
	snprintf(path, sizeof(path), "%s/block/%s/removable", id->dir, id->block);
	if (!read_number(path, 0))
		return 0;
	snprintf(path, sizeof(path), "%s/block/%s/events_poll_msecs", id->dir, id->block);
	ms = read_number(path, by_default); /* not a number: -1 */
	if (ms != by_default)
		return ms;
	snprintf(path, sizeof(path), "%s/sys/module/block/parameters/events_dfl_poll_msecs", root);
	return read_number(path, 0);
}
