/* SPDX-License-Identifier: MIT */
/* Standard INQUIRY data: see inquiry.h. */
#include "scsi/inquiry.h"

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"

void inquiry_build(const struct inquiry *inquiry, uint8_t ret[INQUIRY_BYTES])
{
	struct writer w = wr_init(ret, INQUIRY_BYTES);

	wr_u8(&w, inquiry->device_type);
	wr_u8(&w, inquiry->removable ? 0x80 : 0);
	wr_u8(&w, 0x06); /* VERSION: SPC-4 */
	wr_u8(&w, 0x12); /* HISUP, RESPONSE DATA FORMAT 2 */
	wr_u8(&w, INQUIRY_BYTES - 5);
	wr_u8(&w, (uint8_t)(inquiry->tpgs << 4));
	wr_u8(&w, 0);
	wr_u8(&w, 0x02); /* CMDQUE */
	wr_ascii(&w, inquiry->vendor, 8);
	wr_ascii(&w, inquiry->product, 16);
	wr_ascii(&w, inquiry->revision, 4);
	wr_zero(&w, 22);
	for (unsigned i = 0; i < INQUIRY_DESCRIPTORS_MAX; i++)
		wr_be16(&w, inquiry->versions[i]);
	wr_zero(&w, INQUIRY_BYTES - wr_len(&w));
}

/* SPC-5 table 146: SSA, SBP, FCP, SRP, iSCSI, ADT, SAS, FC, SPI, USB attached and SPL. */
static bool is_transport(uint16_t version)
{
	static const struct {
		uint16_t first, last;
	} ranges[] = {
		{ 0x0820, 0x0dff }, { 0x1340, 0x137f }, { 0x1740, 0x175f }, { 0x2080, 0x20ff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (version >= ranges[i].first && version <= ranges[i].last)
			return true;
	}
	return false;
}

uint16_t inquiry_iscsi_version(uint8_t protocol_level)
{
	return VERSION_ISCSI + protocol_level;
}

void inquiry_set_transport(uint8_t *data, size_t bytes, uint16_t version)
{
	const size_t first = 58, end = MIN(bytes, first + 2 * INQUIRY_DESCRIPTORS_MAX);
	size_t to = first;
	bool put = false;

	/* ADDITIONAL LENGTH: these data end before. */
	if (bytes < 5 || data[4] + 5u < first + 2 * INQUIRY_DESCRIPTORS_MAX)
		return;
	for (size_t at = first; at + 2 <= end; at += 2) {
		uint16_t v = be16_get(data + at);
		bool transport = is_transport(v);
		be16_put(data + at, 0);
		if (!v || (transport && put))
			continue;
		put |= transport;
		be16_put(data + to, transport ? version : v);
		to += 2;
	}
	if (!put && to + 2 <= end)
		be16_put(data + to, version);
}
