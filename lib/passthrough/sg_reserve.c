/* SPDX-License-Identifier: MIT */
/* The reserve buffer: see sg_reserve.h. */
#include "passthrough/sg_reserve.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

/*
 * Its size has to be known to the byte, or a command between what we think and what it is would have
 * it unwiped: so it is one that we have set ourselves, in whole pages, because no part of one is mapped.
 */
static int set_size(int fd, uint32_t wanted, uint32_t *ret)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	int is = 0;

	if (ioctl(fd, SG_GET_RESERVED_SIZE, &is) < 0)
		return -errno;
	if (!wanted)
		wanted = (uint32_t)MAX(is, 0);
	for (;;) {
		wanted = MAX(wanted / page * page, page);
		int size = (int)wanted;
		if (ioctl(fd, SG_SET_RESERVED_SIZE, &size) < 0 || ioctl(fd, SG_GET_RESERVED_SIZE, &is) < 0)
			return -errno;
		/* The kernel never keeps less than a page, whatever it says. */
		if (is >= size || wanted == page)
			break;
		wanted = (uint32_t)MAX(is, 0);
	}
	*ret = wanted;
	return 0;
}

int sg_reserve_map(struct sg_reserve *r, int fd, uint32_t wanted_bytes)
{
	uint32_t bytes = 0;

	*r = (struct sg_reserve){ .user = -1 };
	int e = set_size(fd, wanted_bytes, &bytes);
	if (e < 0)
		return e;
	void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	r->data = data;
	r->bytes = bytes;
	return 0;
}

void sg_reserve_unmap(struct sg_reserve *r)
{
	if (r->data)
		munmap(r->data, r->bytes);
	*r = (struct sg_reserve){ .user = -1 };
}

bool sg_reserve_prepare(struct sg_reserve *r, const sg_io_hdr_t *h)
{
	if (h->dxfer_direction == SG_DXFER_NONE || !h->dxfer_len || h->dxfer_len > r->bytes || r->user >= 0)
		return false;
	if (h->dxfer_direction == SG_DXFER_FROM_DEV)
		memset(r->data, 0, h->dxfer_len);
	return true;
}
