/* SPDX-License-Identifier: MIT */
/* Finding a SCSI device by its name: see sg_locate.h. */
#include "passthrough/sg_locate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define VPD_BYTES_MAX 1024u

/* What to look for. */
struct wanted {
	uint8_t type; /* enum lu_designator; 0: the serial number */
	uint8_t value[32];
	size_t bytes;
	const char *serial;
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
		c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				       -1;
}

/* All of @text up to a character of @ends; 8 or 16 bytes, an EUI 8, 12 or 16. */
static bool parse_hex(const char *text, const char *ends, struct wanted *w)
{
	size_t n = 0;

	for (; *text && !strchr(ends, *text); text += 2) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || n == sizeof(w->value))
			return false;
		w->value[n++] = (uint8_t)(high << 4 | low);
	}
	w->bytes = n;
	return n == 8 || n == 16 || (n == 12 && w->type == LU_EUI64);
}

struct form {
	const char *prefix;
	uint8_t type;
};

/* As one writes it. */
static const struct form FORMS[] = {
	{ "naa.", LU_NAA },
	{ "eui.", LU_EUI64 },
	{ "wwn:0x", LU_NAA },
	{ "wwn-0x", LU_NAA },
	{ "wwn:", LU_NAA },
};

/* As udev writes it below /dev/.../by-id; "-sg", "-nst" and the like may follow. */
static const struct form BY_ID[] = {
	{ "wwn-0x", LU_NAA },
	{ "scsi-3", LU_NAA },
	{ "scsi-2", LU_EUI64 },
};

static bool match_form(const struct form *forms, size_t n, const char *text, const char *ends,
	struct wanted *ret)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(forms[i].prefix);
		struct wanted w = { .type = forms[i].type };
		if (!strncmp(text, forms[i].prefix, length) &&
			parse_hex(text + length, ends, &w)) {
			*ret = w;
			return true;
		}
	}
	return false;
}

static bool parse_name(const char *path, struct wanted *ret)
{
	if (!strncmp(path, "serial:", 7) && path[7]) {
		*ret = (struct wanted){ .serial = path + 7 };
		return true;
	}
	return match_form(FORMS, ARRAY_SIZE(FORMS), path, "", ret);
}

static bool parse_by_id(const char *path, struct wanted *ret)
{
	const char *last = strrchr(path, '/');

	return strstr(path, "/by-id/") && last &&
		match_form(BY_ID, ARRAY_SIZE(BY_ID), last + 1, "-", ret);
}

/* "2:0:5:1" */
static bool is_hctl(const char *text)
{
	unsigned numbers = 0;

	for (;; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		while (isdigit((unsigned char)*text))
			text++;
		numbers++;
		if (*text != ':')
			return numbers == 4 && !*text;
	}
}

static size_t read_file(const char *dir, const char *name, uint8_t *data, size_t room)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, room);
	return n < 0 ? 0 : (size_t)n;
}

/* What the kernel has read of the device; nothing where it did not ask. */
static void read_name(const char *dir, struct lu_name *ret)
{
	uint8_t inquiry[96], page[VPD_BYTES_MAX];

	*ret = (struct lu_name){ 0 };
	lu_name_inquiry(ret, inquiry, read_file(dir, "inquiry", inquiry, sizeof(inquiry)));
	lu_name_vpd_80(ret, page, read_file(dir, "vpd_pg80", page, sizeof(page)));
	lu_name_vpd_83(ret, page, read_file(dir, "vpd_pg83", page, sizeof(page)));
}

struct search {
	const char *root, *path;
	bool (*fits)(const struct search *s, const struct lu_name *name);
	const struct wanted *wanted;
	const struct lu_name *name;
	bool iscsi; /* where @name is looked for */
	const struct sg_address *except;
	/* found so far: the lowest address */
	struct sg_address address;
	struct lu_name found;
	unsigned n;
};

static bool is_wanted(const struct search *s, const struct lu_name *name)
{
	const struct wanted *w = s->wanted;

	return w->type ? lu_name_has(name, w->type, w->value, w->bytes) :
			 !strcmp(name->serial, w->serial);
}

static bool is_same(const struct search *s, const struct lu_name *name)
{
	return lu_name_compare(s->name, name) == LU_SAME;
}

/* Local ones before those behind iSCSI. */
static bool lower(const struct sg_address *a, const struct sg_address *b)
{
	if (sg_behind_iscsi(a) != sg_behind_iscsi(b))
		return sg_behind_iscsi(b);
	if (a->host != b->host)
		return a->host < b->host;
	if (a->channel != b->channel)
		return a->channel < b->channel;
	return a->id != b->id ? a->id < b->id : a->lun < b->lun;
}

static bool same_place(const struct sg_address *a, const struct sg_address *b)
{
	return b && !lower(a, b) && !lower(b, a);
}

/* -ENOTUNIQ: another unit has the same serial number (a changer and its drive may). */
static int look_at(struct search *s, const char *hctl, struct spt_error *error)
{
	struct sg_address address;
	struct lu_name name;

	if (sg_resolve_hctl(s->root, hctl, &address, NULL) < 0)
		return 0;
	read_name(address.dir, &name);
	if (!s->fits(s, &name) || same_place(&address, s->except) ||
		(s->name && s->iscsi != sg_behind_iscsi(&address)))
		return 0;
	/* Several paths to one unit are as good as each other. */
	if (s->n && lu_name_compare(&s->found, &name) != LU_SAME)
		return spt_error_set(error, -ENOTUNIQ,
			"%s: several units are called so, at %u:%u:%u and at %s among others; "
			"name one by its naa. or its address",
			s->path, s->address.host, s->address.channel, s->address.id, hctl);
	if (!s->n || lower(&address, &s->address)) {
		s->address = address;
		s->found = name;
	}
	s->n++;
	return 0;
}

static int search(struct search *s, struct sg_address *ret, struct spt_error *error)
{
	char path[PATH_MAX];
	const struct dirent *e;
	int r = 0;

	snprintf(path, sizeof(path), "%s/sys/bus/scsi/devices", s->root);
	DIR *d = opendir(path);
	while (d && !r && (e = readdir(d))) {
		if (is_hctl(e->d_name))
			r = look_at(s, e->d_name, error);
	}
	if (d)
		closedir(d);
	if (r < 0)
		return r;
	if (!s->n)
		return spt_error_set(error, -ENODEV, "%s: no SCSI device here is called so",
			s->path);
	*ret = s->address;
	return 0;
}

int sg_locate_name(const char *root, const struct lu_name *name, bool iscsi,
	const struct sg_address *except, struct sg_address *ret, struct spt_error *error)
{
	char text[LU_NAME_TEXT];
	struct search s = {
		.root = root,
		.path = lu_name_text(name, text),
		.fits = is_same,
		.name = name,
		.iscsi = iscsi,
		.except = except,
	};

	return search(&s, ret, error);
}

static int locate_wanted(const char *root, const char *path, const struct wanted *w,
	struct sg_address *ret, struct spt_error *error)
{
	struct search s = { .root = root, .path = path, .fits = is_wanted, .wanted = w };

	return search(&s, ret, error);
}

int sg_locate(const char *root, const char *path, struct sg_address *ret, struct spt_error *error)
{
	struct wanted w;

	if (path[0] == '/') {
		int r = sg_resolve(root, path, ret, error);
		if (r == -ENOENT && parse_by_id(path, &w))
			return locate_wanted(root, path, &w, ret, error);
		return r;
	}
	if (is_hctl(path))
		return sg_resolve_hctl(root, path, ret, error);
	if (parse_name(path, &w))
		return locate_wanted(root, path, &w, ret, error);
	return sg_path_check(path, error);
}

int sg_path_check(const char *path, struct spt_error *error)
{
	struct wanted w;

	if (path[0] == '/' || is_hctl(path) || parse_name(path, &w))
		return 0;
	return spt_error_set(error, -EINVAL,
		"path: '%.100s' is neither a path (/dev/...), nor naa.HEX, eui.HEX, wwn:0xHEX, "
		"serial:TEXT, nor H:C:T:L",
		path);
}
