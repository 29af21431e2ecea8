/* SPDX-License-Identifier: MIT */
/* Mode parameters made and checked by table: see mode.h. */
#include "scsi/mode.h"

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"

enum {
	HEADER_6 = 4,
	HEADER_10 = 8,
	DESCRIPTOR_SHORT = 8,
	DESCRIPTOR_LONG = 16,
};

static const struct mode_page *find_page(const struct mode_pages *set, uint8_t code)
{
	for (size_t i = 0; i < set->n_pages; i++) {
		if (set->pages[i].code == code)
			return &set->pages[i];
	}
	return NULL;
}

/* The changeable bits of @page that are set in @flags. */
static void put_flags(const struct mode_pages *set, uint8_t code, uint32_t flags, uint8_t *page)
{
	for (size_t i = 0; i < set->n_bits; i++) {
		const struct mode_bit *b = &set->bits[i];
		if (b->code == code && (flags & b->flag))
			page[b->byte] |= b->mask;
	}
}

static void build_page(const struct mode_pages *set, const struct mode_page *page,
	const struct mode_sense *r, struct writer *w)
{
	uint8_t *p = wr_reserve(w, page->bytes);

	if (!p)
		return;
	if (r->control != MODE_CHANGEABLE)
		memcpy(p, page->values, page->bytes);
	p[0] = page->code;
	p[1] = (uint8_t)(page->bytes - 2);
	switch (r->control) {
	case MODE_CHANGEABLE:
		put_flags(set, page->code, UINT32_MAX, p);
		break;
	case MODE_CURRENT:
		put_flags(set, page->code, r->current, p);
		break;
	default:
		put_flags(set, page->code, r->defaults, p);
		break;
	}
}

/* SBC-4 6.5.2: counts that do not fit are all ones. */
static void put_short_descriptor(struct writer *w, uint64_t blocks, uint32_t block_bytes)
{
	wr_be32(w, blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks);
	wr_u8(w, 0);
	wr_be24(w, block_bytes);
}

static void put_long_descriptor(struct writer *w, uint64_t blocks, uint32_t block_bytes)
{
	wr_be64(w, blocks);
	wr_be32(w, 0);
	wr_be32(w, block_bytes);
}

static void put_header(struct writer *w, const struct mode_sense *r, size_t descriptor_bytes)
{
	if (!r->ten) {
		wr_be16(w, 0);
		wr_u8(w, r->device_parameter);
		wr_u8(w, (uint8_t)descriptor_bytes);
		return;
	}
	wr_be24(w, 0);
	wr_u8(w, r->device_parameter);
	wr_u8(w, descriptor_bytes == DESCRIPTOR_LONG ? 1 : 0); /* LONGLBA */
	wr_u8(w, 0);
	wr_be16(w, (uint16_t)descriptor_bytes);
}

/* SPC-5 7.5.5: MODE DATA LENGTH does not count itself. */
static int finish(struct writer *w, bool ten)
{
	if (w->err)
		return w->err;
	if (ten)
		be16_put(w->start, (uint16_t)(wr_len(w) - 2));
	else if (wr_len(w) - 1 > UINT8_MAX)
		return -EMSGSIZE;
	else
		w->start[0] = (uint8_t)(wr_len(w) - 1);
	return (int)wr_len(w);
}

int mode_sense(const struct mode_pages *set, const struct mode_sense *r, uint8_t *buffer,
	size_t bytes)
{
	struct writer w = wr_init(buffer, bytes);
	bool all = r->page == MODE_ALL_PAGES;
	const struct mode_page *one = find_page(set, r->page);
	bool long_form = r->ten && r->long_lba;

	if (!all && !one)
		return -ENOENT;
	/* SPC-5 table 165: subpages 00h and, everything included, FFh. */
	if (r->subpage && r->subpage != 0xff)
		return -ENXIO;
	put_header(&w, r, !r->descriptor ? 0 : long_form ? DESCRIPTOR_LONG : DESCRIPTOR_SHORT);
	if (r->descriptor && long_form)
		put_long_descriptor(&w, r->blocks, r->block_bytes);
	else if (r->descriptor)
		put_short_descriptor(&w, r->blocks, r->block_bytes);
	if (one)
		build_page(set, one, r, &w);
	for (size_t i = 0; all && i < set->n_pages; i++)
		build_page(set, &set->pages[i], r, &w);
	return finish(&w, r->ten);
}

static enum mode_fault bad_field(struct mode_select *s, size_t byte, int bit)
{
	s->byte = (uint16_t)byte;
	s->bit = bit;
	return MODE_BAD_FIELD;
}

/* A block descriptor may only repeat what is (or say zero blocks: unchanged). */
static enum mode_fault check_descriptor(const uint8_t *data, size_t at, size_t bytes,
	struct mode_select *s)
{
	uint64_t blocks;
	uint32_t block_bytes;
	size_t length_at;

	if (bytes == DESCRIPTOR_LONG) {
		blocks = be64_get(data + at);
		length_at = at + 12;
		block_bytes = be32_get(data + length_at);
	} else {
		blocks = be32_get(data + at);
		length_at = at + 5;
		block_bytes = be24_get(data + length_at);
		if (blocks == UINT32_MAX)
			blocks = 0;
	}
	if (blocks && blocks != s->blocks)
		return bad_field(s, at, -1);
	if (block_bytes != s->block_bytes)
		return bad_field(s, length_at, -1);
	return MODE_OK;
}

/* The page at @p, which is whole: only changeable bits may differ from what is current. */
static enum mode_fault check_page(const struct mode_pages *set, const struct mode_page *page,
	const uint8_t *p, size_t at, uint32_t current, struct mode_select *s)
{
	uint8_t is[MODE_PAGE_MAX], changeable[MODE_PAGE_MAX] = { 0 };

	memcpy(is, page->values, page->bytes);
	put_flags(set, page->code, current, is);
	put_flags(set, page->code, UINT32_MAX, changeable);
	for (size_t i = 2; i < page->bytes; i++) {
		unsigned differs = (p[i] ^ is[i]) & ~(unsigned)changeable[i];
		if (differs)
			return bad_field(s, at + i, 31 - __builtin_clz(differs));
	}
	for (size_t i = 0; i < set->n_bits; i++) {
		const struct mode_bit *b = &set->bits[i];
		if (b->code != page->code)
			continue;
		if (p[b->byte] & b->mask)
			s->flags |= b->flag;
		else
			s->flags &= ~b->flag;
	}
	return MODE_OK;
}

static enum mode_fault check_pages(const struct mode_pages *set, const uint8_t *data, size_t bytes,
	size_t at, uint32_t current, struct mode_select *s)
{
	while (at < bytes) {
		if (bytes - at < 2)
			return MODE_BAD_LENGTH;
		if (data[at] & 0x40) /* SPF: we have no subpages */
			return bad_field(s, at, 6);
		const struct mode_page *page = find_page(set, data[at] & 0x3f);
		if (!page)
			return bad_field(s, at, 5);
		if (data[at + 1] != page->bytes - 2)
			return bad_field(s, at + 1, -1);
		if (bytes - at < page->bytes)
			return MODE_BAD_LENGTH;
		enum mode_fault f = check_page(set, page, data + at, at, current, s);
		if (f != MODE_OK)
			return f;
		at += page->bytes;
	}
	return MODE_OK;
}

enum mode_fault mode_select(const struct mode_pages *set, const uint8_t *data, size_t bytes,
	struct mode_select *select)
{
	struct mode_select s = *select;
	size_t header = s.ten ? HEADER_10 : HEADER_6;

	if (!bytes)
		return MODE_OK; /* SPC-5 6.13: not an error */
	if (bytes < header)
		return MODE_BAD_LENGTH;
	bool long_form = s.ten && (data[4] & 1);
	size_t descriptor = s.ten ? be16_get(data + 6) : data[3];
	enum mode_fault f = MODE_OK;

	if (descriptor && descriptor != (long_form ? DESCRIPTOR_LONG : DESCRIPTOR_SHORT))
		return bad_field(select, s.ten ? 6 : 3, -1);
	if (bytes - header < descriptor)
		return MODE_BAD_LENGTH;
	if (descriptor)
		f = check_descriptor(data, header, descriptor, &s);
	if (f == MODE_OK)
		f = check_pages(set, data, bytes, header + descriptor, s.flags, &s);
	if (f == MODE_OK) {
		select->flags = s.flags;
	} else {
		select->byte = s.byte;
		select->bit = s.bit;
	}
	return f;
}
