/* SPDX-License-Identifier: MIT */
/*
 * Mode parameters (SPC-5 7.5): pages as tables. A page has its default bytes; the bits that can be
 * changed are rows that name the page, the bit, and a flag in the one word of state that a device
 * keeps. From these come all four page controls and the checks of MODE SELECT.
 */
#ifndef SCSI_MODE_H
#define SCSI_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODE_PAGE_MAX 24u
/* Enough for the header, a long block descriptor and every page. */
#define MODE_DATA_MAX 512u

enum mode_page_code {
	MODE_READ_WRITE_ERROR_RECOVERY = 0x01,
	MODE_CACHING = 0x08,
	MODE_CONTROL = 0x0a,
	MODE_INFORMATIONAL_EXCEPTIONS = 0x1c,
	MODE_ALL_PAGES = 0x3f,
};

/* SPC-5 table 163, PC field. */
enum mode_control {
	MODE_CURRENT = 0,
	MODE_CHANGEABLE = 1,
	MODE_DEFAULT = 2,
	MODE_SAVED = 3,
};

struct mode_page {
	uint8_t code;
	uint8_t bytes;		       /* header of two included */
	uint8_t values[MODE_PAGE_MAX]; /* by default, without the changeable bits */
};

/* A bit that MODE SELECT may change. */
struct mode_bit {
	uint8_t code;
	uint8_t byte;
	uint8_t mask;
	uint32_t flag;
};

/* In order of page code. */
struct mode_pages {
	const struct mode_page *pages;
	size_t n_pages;
	const struct mode_bit *bits;
	size_t n_bits;
};

struct mode_sense {
	bool ten;   /* MODE SENSE(10) header */
	bool long_lba; /* LLBAA: a long block descriptor may be sent */
	bool descriptor; /* a block descriptor is wanted */
	uint8_t page, subpage;
	enum mode_control control;
	uint8_t device_parameter; /* DEVICE-SPECIFIC PARAMETER: WP, DPOFUA */
	uint64_t blocks;
	uint32_t block_bytes;
	uint32_t current, defaults; /* flags */
};

/* The length written to @buffer; -ENOENT: no such page; -ENXIO: no such subpage; -EMSGSIZE. */
int mode_sense(const struct mode_pages *set, const struct mode_sense *request, uint8_t *buffer,
	size_t bytes);

enum mode_fault {
	MODE_OK,
	MODE_BAD_FIELD,	 /* INVALID FIELD IN PARAMETER LIST at @byte and @bit */
	MODE_BAD_LENGTH, /* PARAMETER LIST LENGTH ERROR */
};

struct mode_select {
	bool ten;
	uint64_t blocks; /* what a block descriptor has to say; it cannot be changed */
	uint32_t block_bytes;
	uint32_t flags; /* in: current; out: as selected */
	uint16_t byte;
	int bit;
};

/* Nothing in @select but byte and bit is changed on failure (SPC-5 6.13: all or nothing). */
enum mode_fault mode_select(const struct mode_pages *set, const uint8_t *data, size_t bytes,
	struct mode_select *select);

#endif
