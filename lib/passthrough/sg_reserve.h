/* SPDX-License-Identifier: MIT */
/*
 * The reserve buffer of an sg descriptor. Payload goes by a buffer of the kernel's, all of which is
 * copied to us when the command has ended, as much as it had room for: a command that failed early and
 * whose adapter tells no residual "brings" whatever that buffer held before. The kernel gives out
 * pages of zeros, but for one buffer that each descriptor keeps: a command that fits in it, while no
 * other has it, gets it as the one before has left it. That one is mapped here, and wiped.
 *
 * So who has it has to be known exactly, and the rule is the driver's own: taken by write(), given
 * back by read().
 */
#ifndef PASSTHROUGH_SG_RESERVE_H
#define PASSTHROUGH_SG_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include <scsi/sg.h>

struct sg_reserve {
	uint8_t *data; /* NULL: not mapped */
	uint32_t bytes;
	int user; /* pack_id of the command that has it; -1: nobody */
};

/*
 * Of a descriptor on which nothing has been sent yet: makes it @wanted_bytes (0: what it is; the
 * kernel lowers it to what the adapter moves, and it is at least a page) and maps it. 0 or -errno.
 */
int sg_reserve_map(struct sg_reserve *reserve, int fd, uint32_t wanted_bytes);
void sg_reserve_unmap(struct sg_reserve *reserve);

/* Before @header is sent. True: it will be the one to have the buffer, which is wiped for data-in. */
bool sg_reserve_prepare(struct sg_reserve *reserve, const sg_io_hdr_t *header);
/* @header was sent, and sg_reserve_prepare() said so. */
static inline void sg_reserve_take(struct sg_reserve *reserve, const sg_io_hdr_t *header)
{
	reserve->user = header->pack_id;
}

/* The result of the command of @pack_id has been read. */
static inline void sg_reserve_leave(struct sg_reserve *reserve, int pack_id)
{
	if (reserve->user == pack_id)
		reserve->user = -1;
}

#endif
