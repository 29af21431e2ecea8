/* SPDX-License-Identifier: MIT */
/*
 * Sense data (SPC-5 4.5): decoded from and encoded to both the fixed and the descriptor format.
 * On a task, sense is raw bytes (up to SPT_SENSE_MAX); this structure is for those who read or
 * make it. Counterpart of SENSE_DATA.
 */
#ifndef SPT_SENSE_H
#define SPT_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPT_SENSE_MAX 252u

enum spt_sense_key {
	SPT_KEY_NO_SENSE = 0x0,
	SPT_KEY_RECOVERED_ERROR = 0x1,
	SPT_KEY_NOT_READY = 0x2,
	SPT_KEY_MEDIUM_ERROR = 0x3,
	SPT_KEY_HARDWARE_ERROR = 0x4,
	SPT_KEY_ILLEGAL_REQUEST = 0x5,
	SPT_KEY_UNIT_ATTENTION = 0x6,
	SPT_KEY_DATA_PROTECT = 0x7,
	SPT_KEY_BLANK_CHECK = 0x8,
	SPT_KEY_VENDOR_SPECIFIC = 0x9,
	SPT_KEY_COPY_ABORTED = 0xa,
	SPT_KEY_ABORTED_COMMAND = 0xb,
	SPT_KEY_VOLUME_OVERFLOW = 0xd,
	SPT_KEY_MISCOMPARE = 0xe,
	SPT_KEY_COMPLETED = 0xf,
};

/* An additional sense code and its qualifier as one number: 0x2400 is INVALID FIELD IN CDB. */
typedef uint16_t spt_asc_t;

struct spt_sense {
	bool deferred; /* response codes 71h and 73h */
	bool filemark, eom, ili;
	uint8_t key;
	spt_asc_t asc;
	uint8_t fru;
	bool information_valid;
	uint64_t information;
	bool command_specific_valid;
	uint64_t command_specific;
	bool key_specific_valid; /* SKSV */
	uint8_t key_specific[3]; /* SKSV bit included */
};

/* 0, or -EBADMSG when @bytes is no sense data (fewer than 2 bytes, unknown response code). */
int spt_sense_decode(const uint8_t *data, size_t bytes, struct spt_sense *ret);
/* Encodes into @buffer of @bytes; the length written (18 for the fixed format), or -EMSGSIZE.
 * INFORMATION beyond 32 bits is left out of the fixed format, its VALID bit zero. */
int spt_sense_encode(const struct spt_sense *sense, bool descriptor, uint8_t *buffer, size_t bytes);
/* "ILLEGAL REQUEST", "INVALID FIELD IN CDB"; never NULL. */
const char *spt_sense_key_name(uint8_t key);
const char *spt_asc_name(spt_asc_t asc);
/* One readable line about @data, always terminated. */
void spt_sense_print(const uint8_t *data, size_t bytes, char *text, size_t text_bytes);

#ifdef __cplusplus
}
#endif

#endif
