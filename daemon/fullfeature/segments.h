/* SPDX-License-Identifier: MIT */
/*
 * How the data of a read is cut into Data-In PDUs (RFC 7143 11.7, 13.12, 13.13): which piece a DataSN
 * stands for, so that it can be sent again as it was. Arithmetic only.
 */
#ifndef FULLFEATURE_SEGMENTS_H
#define FULLFEATURE_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct segments {
	uint32_t first_sn;     /* these numbers hold from here on */
	uint32_t offset_bytes; /* where that PDU begins */
	uint32_t burst_done_bytes; /* of its sequence, before it */
	uint32_t segment_bytes;    /* the longest data segment */
	uint32_t burst_bytes;      /* MaxBurstLength */
};

struct segment {
	uint32_t offset_bytes, bytes;
	bool final; /* the last of its sequence */
};

/* @sn is first_sn or later, and its data begins before @total_bytes. */
struct segment segments_at(const struct segments *segments, uint32_t sn, uint32_t total_bytes);

#endif
