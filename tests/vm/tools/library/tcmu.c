/* SPDX-License-Identifier: MIT */
/* The ring of a TCMU device: see tcmu.h and the kernel's linux/target_core_user.h. */
#include "tcmu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* <sys/uio.h> has struct iovec already; the kernel's header does not know. */
#define __LINUX_UIO_H
#include <linux/target_core_user.h>

#define CLASS "/sys/class/uio"

static uint8_t buffer[TRANSFER_MAX_BYTES];

static int read_text(const char *uio, const char *file, char *text, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), CLASS "/%s/%s", uio, file);
	FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	bool got = fgets(text, (int)size, f) != NULL;
	fclose(f);
	if (!got)
		return -EIO;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* "tcm-user/HBA/NAME/sptgt/name": the last part is ours. */
static bool is_ours(const char *uio, const char *name)
{
	char text[256], want[64];

	snprintf(want, sizeof(want), "/sptgt/%s", name);
	if (read_text(uio, "name", text, sizeof(text)) < 0 || strlen(text) < strlen(want))
		return false;
	return !strcmp(text + strlen(text) - strlen(want), want);
}

static int find(const char *name, char *uio, size_t size)
{
	DIR *d = opendir(CLASS);
	const struct dirent *e;
	int r = -ENOENT;

	if (!d)
		return -errno;
	while (r < 0 && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !is_ours(e->d_name, name))
			continue;
		snprintf(uio, size, "%s", e->d_name);
		r = 0;
	}
	closedir(d);
	return r;
}

int unit_open(struct unit *unit, const char *name)
{
	char uio[256], path[300], text[64];
	int r = find(name, uio, sizeof(uio));

	if (!r)
		r = read_text(uio, "maps/map0/size", text, sizeof(text));
	if (r < 0)
		return r;
	size_t bytes = strtoull(text, NULL, 0);
	snprintf(path, sizeof(path), "/dev/%s", uio);
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		close(fd);
		return r;
	}
	unit->fd = fd;
	unit->map = map;
	unit->name = name;
	return 0;
}

/* The n-th part of the data of @entry, which the kernel has packed. */
static struct iovec part_of(const struct tcmu_cmd_entry *entry, uint32_t n)
{
	const uint8_t *first = (const uint8_t *)entry + offsetof(struct tcmu_cmd_entry, req.iov);
	struct iovec iov;

	memcpy(&iov, first + n * sizeof(iov), sizeof(iov));
	return iov;
}

/* Between the ring's data area and the buffer. How much. */
static uint32_t copy(struct unit *unit, const struct tcmu_cmd_entry *entry, uint32_t bytes, bool in)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < entry->req.iov_cnt && done < bytes; i++) {
		struct iovec iov = part_of(entry, i);
		uint8_t *part = (uint8_t *)unit->map + (size_t)iov.iov_base;
		uint32_t here = (uint32_t)iov.iov_len;
		if (here > bytes - done)
			here = bytes - done;
		if (in)
			memcpy(part, buffer + done, here);
		else
			memcpy(buffer + done, part, here);
		done += here;
	}
	return done;
}

static void run(struct unit *unit, struct tcmu_cmd_entry *entry)
{
	struct command c = {.data = buffer};

	c.cdb = (uint8_t *)unit->map + entry->req.cdb_off;
	c.data_bytes = copy(unit, entry, sizeof(buffer), false);
	unit->run(unit->device, &c);
	copy(unit, entry, c.in_bytes, true);
	/* The entry's request and its response are the same memory. */
	memset(&entry->rsp, 0, sizeof(entry->rsp));
	entry->rsp.scsi_status = c.status;
	memcpy(entry->rsp.sense_buffer, c.sense, sizeof(entry->rsp.sense_buffer));
	if (c.in_bytes) {
		entry->hdr.uflags |= TCMU_UFLAG_READ_LEN;
		entry->rsp.read_len = c.in_bytes;
	}
}

void unit_serve(struct unit *unit)
{
	struct tcmu_mailbox *box = unit->map;
	uint32_t events = 0;

	if (read(unit->fd, &events, sizeof(events)) < 0 && errno != EAGAIN)
		return;
	while (box->cmd_tail != __atomic_load_n(&box->cmd_head, __ATOMIC_ACQUIRE)) {
		uint8_t *ring = (uint8_t *)unit->map + box->cmdr_off;
		struct tcmu_cmd_entry *entry = (void *)(ring + box->cmd_tail);
		uint32_t bytes = tcmu_hdr_get_len(entry->hdr.len_op);

		if (tcmu_hdr_get_op(entry->hdr.len_op) == TCMU_OP_CMD)
			run(unit, entry);
		__atomic_store_n(
			&box->cmd_tail, (box->cmd_tail + bytes) % box->cmdr_size, __ATOMIC_RELEASE);
	}
	if (write(unit->fd, &events, sizeof(events)) < 0)
		fprintf(stderr, "%s: %s\n", unit->name, strerror(errno));
}

void reply(struct command *c, const void *data, uint32_t bytes, uint32_t allocation)
{
	if (bytes > allocation)
		bytes = allocation;
	if (bytes > c->data_bytes)
		bytes = c->data_bytes;
	memcpy(c->data, data, bytes);
	c->in_bytes = bytes;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void fixed(struct command *c, uint8_t key, uint16_t asc, bool valid, uint8_t flags,
	uint32_t information)
{
	c->sense[0] = 0x70 | (valid ? 0x80 : 0);
	c->sense[2] = flags | key;
	put32(c->sense + 3, information);
	c->sense[7] = 10;
	c->sense[12] = (uint8_t)(asc >> 8);
	c->sense[13] = (uint8_t)asc;
}

/* SPC-5 4.4.2: the information and the stream commands sense data descriptors. */
static void descriptor(struct command *c, uint8_t key, uint16_t asc, bool valid, uint8_t flags,
	uint32_t information)
{
	uint8_t *p = c->sense + 8;

	c->sense[0] = 0x72;
	c->sense[1] = key;
	c->sense[2] = (uint8_t)(asc >> 8);
	c->sense[3] = (uint8_t)asc;
	if (valid) {
		p[1] = 0x0a;
		p[2] = 0x80;
		put32(p + 4, (int32_t)information < 0 ? UINT32_MAX : 0);
		put32(p + 8, information);
		p += 12;
	}
	if (flags) {
		p[0] = 0x04;
		p[1] = 0x02;
		p[3] = flags;
		p += 4;
	}
	c->sense[7] = (uint8_t)(p - c->sense - 8);
}

static void fill(struct command *c, uint8_t key, uint16_t asc, bool valid, uint8_t flags,
	uint32_t information)
{
	c->status = CHECK_CONDITION;
	memset(c->sense, 0, sizeof(c->sense));
	(c->descriptor_sense ? descriptor : fixed)(c, key, asc, valid, flags, information);
}

void check(struct command *c, uint8_t key, uint16_t asc)
{
	fill(c, key, asc, false, 0, 0);
}

void check_stream(struct command *c, uint8_t key, uint16_t asc, uint8_t flags, int32_t information)
{
	fill(c, key, asc, true, flags, (uint32_t)information);
}
