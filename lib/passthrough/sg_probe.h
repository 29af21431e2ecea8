/* SPDX-License-Identifier: MIT */
/* What a device says of itself when it is found: blocking SG_IO, each command with a deadline. */
#ifndef PASSTHROUGH_SG_PROBE_H
#define PASSTHROUGH_SG_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "passthrough/learn.h"
#include "passthrough/lu_name.h"
#include "passthrough/sg_reserve.h"
#include "passthrough/sg_timeouts.h"

struct sg_page {
	uint16_t bytes; /* 0: the device has no such page */
	uint8_t data[510];
};

/* Its INQUIRY data, kept for when it is away. */
struct sg_pages {
	struct sg_page standard, serial, identification; /* VPD 80h, 83h */
};

/* A descriptor for questions: one at a time, each waited for. */
struct sg_control {
	int fd; /* -1: closed */
	struct sg_reserve reserve;
};

/* Asks INQUIRY, the pages and, of block devices, READ CAPACITY. 0, or -errno: not even INQUIRY was
 * answered. */
int sg_probe(struct sg_control *control, struct learned *learned, struct lu_name *name,
	struct sg_pages *pages);
/* Asks which command timeouts it recommends. @pages: of sg_probe(). */
void sg_probe_timeouts(struct sg_control *control, const struct sg_pages *pages,
	struct sg_told told[256]);

#endif
