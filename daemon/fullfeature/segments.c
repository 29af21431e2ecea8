/* SPDX-License-Identifier: MIT */
/* Data-In PDUs by their numbers: see segments.h. */
#include "fullfeature/segments.h"

#include "base/util.h"

static uint32_t pdus(uint32_t bytes, uint32_t segment_bytes)
{
	return bytes / segment_bytes + (bytes % segment_bytes != 0);
}

struct segment segments_at(const struct segments *s, uint32_t sn, uint32_t total_bytes)
{
	uint32_t n = sn - s->first_sn;
	uint32_t in_burst = s->burst_done_bytes;
	uint64_t offset = s->offset_bytes;
	uint32_t rest = pdus(s->burst_bytes - in_burst, s->segment_bytes);

	if (n >= rest) { /* behind the sequence that first_sn is in */
		uint32_t each = pdus(s->burst_bytes, s->segment_bytes);
		offset += s->burst_bytes - in_burst;
		offset += (uint64_t)((n - rest) / each) * s->burst_bytes;
		n = (n - rest) % each;
		in_burst = 0;
	}
	offset += (uint64_t)n * s->segment_bytes;
	in_burst += n * s->segment_bytes;
	uint32_t left = (uint32_t)(total_bytes - offset);
	uint32_t bytes = MIN(MIN(s->segment_bytes, s->burst_bytes - in_burst), left);
	return (struct segment){
		.offset_bytes = (uint32_t)offset,
		.bytes = bytes,
		.final = bytes == left || in_burst + bytes == s->burst_bytes,
	};
}
