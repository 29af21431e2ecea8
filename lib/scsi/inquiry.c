/* SPDX-License-Identifier: MIT */
/* Standard INQUIRY data: see inquiry.h. */
#include "scsi/inquiry.h"

#include "base/cursor.h"

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
