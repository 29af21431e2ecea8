/* SPDX-License-Identifier: MIT */
/*
 * A tape drive: see tape.h. It keeps to SSC-5 where others are wont to lose something: data and
 * sense come together (ILI), a residual is told with SILI too, and EOM comes with what was written.
 */
#include "tape.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_MAX_BYTES TRANSFER_MAX_BYTES

#define FILEMARK_DETECTED	0x0001
#define END_OF_PARTITION	0x0002
#define BEGINNING_OF_PARTITION	0x0004
#define END_OF_DATA		0x0005
#define INVALID_OPCODE		0x2000
#define INVALID_FIELD		0x2400
#define INVALID_PARAMETER	0x2600
#define WRITE_PROTECTED		0x2700
#define MEDIUM_MAY_HAVE_CHANGED 0x2800
#define POWER_ON		0x2900
#define MODE_CHANGED		0x2a01
#define MEDIUM_NOT_PRESENT	0x3a00
#define REMOVAL_PREVENTED	0x5302

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | get16(p + 1);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	put24(p + 1, v);
}

void tape_init(struct tape *t, const char *serial)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->serial, sizeof(t->serial), "%s", serial);
	t->attention = POWER_ON;
	t->buffered = 1;
}

void tape_insert(struct tape *t, struct volume *volume)
{
	t->volume = volume;
	t->unloaded = false;
	t->at = 0;
	if (volume)
		t->attention = MEDIUM_MAY_HAVE_CHANGED;
}

/* ---- what every device answers ---- */

static void vpd(const struct tape *t, struct command *c)
{
	uint8_t p[64] = {0x01, c->cdb[2]};
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0};
	uint8_t n = 0;

	switch (c->cdb[2]) {
	case 0x00:
		memcpy(p + 4, pages, n = sizeof(pages));
		break;
	case 0x80:
		memcpy(p + 4, t->serial, n = (uint8_t)strlen(t->serial));
		break;
	case 0x83:
		p[4] = 0x02; /* ASCII */
		p[5] = 0x01; /* T10 vendor identification of the logical unit */
		n = (uint8_t)snprintf((char *)p + 8, sizeof(p) - 8, "SPTGT   %s", t->serial);
		p[7] = n;
		n += 4;
		break;
	case 0xb0: /* SSC-5 8.4.3: WORM, TSMC: none */
		n = 2;
		break;
	default:
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	p[3] = n;
	reply(c, p, 4u + n, get16(c->cdb + 3));
}

static void inquiry(struct tape *t, struct command *c)
{
	uint8_t p[36] = {0x01, 0x80, 0x06, 0x02, 31};

	if (c->cdb[1] & 1) {
		vpd(t, c);
		return;
	}
	if (c->cdb[2]) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	memcpy(p + 8, "SPTGT   TAPE            0001", 28);
	reply(c, p, sizeof(p), get16(c->cdb + 3));
}

static void request_sense(struct tape *t, struct command *c)
{
	struct command said = {.descriptor_sense = c->cdb[1] & 1};

	check(&said, t->attention ? UNIT_ATTENTION : NO_SENSE, t->attention);
	t->attention = 0;
	reply(c, said.sense, said.descriptor_sense ? 8 : 18, c->cdb[4]);
}

/* ---- mode parameters: block descriptor, control (D_SENSE), compression, configuration ---- */

static uint32_t mode_page(const struct tape *t, uint8_t page, bool changeable, uint8_t *p)
{
	switch (page) {
	case 0x0a:
		p[0] = 0x0a;
		p[1] = 10;
		p[2] = changeable || t->descriptor_sense ? 0x04 : 0;
		return 12;
	case 0x0f:
		p[0] = 0x0f;
		p[1] = 14;
		p[2] = changeable ? 0 : 0x40; /* DCC */
		return 16;
	case 0x10:
		p[0] = 0x10;
		p[1] = 14;
		p[8] = changeable ? 0 : 0x40; /* BIS */
		return 16;
	default:
		return 0;
	}
}

static void mode_sense(struct tape *t, struct command *c)
{
	static const uint8_t pages[] = {0x0a, 0x0f, 0x10};
	bool long_form = c->cdb[0] == 0x5a, any = false;
	uint8_t want = c->cdb[2] & 0x3f, control = c->cdb[2] >> 6;
	uint32_t head = long_form ? 8 : 4, n = head;
	uint8_t p[128] = {0};

	p[long_form ? 3 : 2] =
		(uint8_t)(t->buffered << 4 | (t->volume && t->volume->write_protected ? 0x80 : 0));
	if (!(c->cdb[1] & 0x08)) { /* DBD */
		p[long_form ? 7 : 3] = 8;
		p[n] = t->volume ? 0x5a : 0; /* a density */
		if (control != 1)
			put24(p + n + 5, t->block_bytes);
		n += 8;
	}
	for (size_t i = 0; i < sizeof(pages); i++) {
		if (want == 0x3f || want == pages[i]) {
			n += mode_page(t, pages[i], control == 1, p + n);
			any = true;
		}
	}
	if (!any && want) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	if (long_form)
		p[1] = (uint8_t)(n - 2);
	else
		p[0] = (uint8_t)(n - 1);
	reply(c, p, n, long_form ? get16(c->cdb + 7) : c->cdb[4]);
}

static void mode_select(struct tape *t, struct command *c)
{
	bool long_form = c->cdb[0] == 0x55;
	uint32_t bytes = long_form ? get16(c->cdb + 7) : c->cdb[4];
	uint32_t head = long_form ? 8 : 4;
	const uint8_t *p = c->data;

	if (!bytes)
		return;
	if (bytes < head || bytes > c->data_bytes) {
		check(c, ILLEGAL_REQUEST, 0x1a00); /* PARAMETER LIST LENGTH ERROR */
		return;
	}
	uint32_t blocks = p[long_form ? 7 : 3];
	if ((blocks && blocks != 8) || head + blocks > bytes) {
		check(c, ILLEGAL_REQUEST, INVALID_PARAMETER);
		return;
	}
	uint8_t buffered = p[long_form ? 3 : 2] >> 4 & 7;
	uint32_t block_bytes = blocks ? get24(p + head + 5) : t->block_bytes;
	bool descriptor = t->descriptor_sense;
	for (uint32_t at = head + blocks; at < bytes; at += 2u + p[at + 1]) {
		uint8_t page[16];
		if (at + 2 > bytes || at + 2 + p[at + 1] > bytes ||
			!mode_page(t, p[at] & 0x3f, false, page) || p[at + 1] != page[1]) {
			check(c, ILLEGAL_REQUEST, INVALID_PARAMETER);
			return;
		}
		if ((p[at] & 0x3f) == 0x0a)
			descriptor = p[at + 2] & 0x04;
	}
	t->buffered = buffered;
	t->block_bytes = block_bytes;
	t->descriptor_sense = descriptor;
}

static void read_block_limits(struct tape *t, struct command *c)
{
	uint8_t p[6] = {0};

	(void)t;
	put24(p + 1, BLOCK_MAX_BYTES);
	p[5] = 1;
	reply(c, p, 6, 6);
}

/* ---- data ---- */

static const struct record *record_at(const struct tape *t)
{
	return t->at < t->volume->n ? &t->volume->records[t->at] : NULL;
}

/* SSC-5 4.2.13 and 5.3: a filemark or the end of data instead of a block. True: it was one. */
static bool no_block(struct tape *t, struct command *c, int32_t left)
{
	const struct record *r = record_at(t);

	if (r && r->data)
		return false;
	if (r) {
		t->at++;
		check_stream(c, NO_SENSE, FILEMARK_DETECTED, FILEMARK, left);
	} else {
		check_stream(c, BLANK_CHECK, END_OF_DATA, 0, left);
	}
	return true;
}

static void read_variable(struct tape *t, struct command *c, uint32_t asked)
{
	bool sili = c->cdb[1] & 0x02;

	if (!asked || no_block(t, c, (int32_t)asked))
		return;
	const struct record *r = record_at(t);
	t->at++;
	reply(c, r->data, r->bytes, asked);
	/* SSC-5 5.3: SILI hides a block that is shorter, and a longer one in variable block mode.
	 */
	if (r->bytes != asked && !(sili && (r->bytes < asked || !t->block_bytes)))
		check_stream(c, NO_SENSE, 0, ILI, (int32_t)asked - (int32_t)r->bytes);
}

static void read_fixed(struct tape *t, struct command *c, uint32_t blocks)
{
	bool sili = c->cdb[1] & 0x02;
	uint32_t size = t->block_bytes;

	if (!size || sili) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	for (uint32_t i = 0; i < blocks; i++) {
		if (no_block(t, c, (int32_t)(blocks - i)))
			return;
		const struct record *r = record_at(t);
		t->at++;
		if (r->bytes != size) {
			check_stream(c, NO_SENSE, 0, ILI, (int32_t)(blocks - i));
			return;
		}
		if ((uint64_t)c->in_bytes + size > c->data_bytes)
			continue;
		memcpy(c->data + c->in_bytes, r->data, size);
		c->in_bytes += size;
	}
}

static void read_6(struct tape *t, struct command *c)
{
	uint32_t length = get24(c->cdb + 2);

	if (c->cdb[1] & 0x01)
		read_fixed(t, c, length);
	else
		read_variable(t, c, length);
}

/* What follows is gone. False: it must not be written on. */
static bool begin_write(struct tape *t, struct command *c)
{
	if (t->volume->write_protected) {
		check(c, DATA_PROTECT, WRITE_PROTECTED);
		return false;
	}
	volume_cut(t->volume, t->at);
	return true;
}

static void write_records(
	struct tape *t, struct command *c, uint32_t n, const uint8_t *data, uint32_t size)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!volume_append(t->volume, data ? data + (size_t)i * size : NULL, size)) {
			check_stream(c, VOLUME_OVERFLOW, END_OF_PARTITION, EOM,
				(int32_t)(data && !(c->cdb[1] & 1) ? size : n - i));
			return;
		}
		t->at++;
	}
	/* SSC-5 4.2.5: early warning, all of it written */
	if (volume_is_early(t->volume))
		check_stream(c, NO_SENSE, END_OF_PARTITION, EOM, 0);
}

static void write_6(struct tape *t, struct command *c)
{
	uint32_t length = get24(c->cdb + 2);
	bool fixed = c->cdb[1] & 0x01;
	uint32_t size = fixed ? t->block_bytes : length, n = fixed ? length : 1;

	if (fixed && !size) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	if (!length || !begin_write(t, c))
		return;
	if ((uint64_t)n * size > c->data_bytes) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	write_records(t, c, n, c->data, size);
}

static void write_filemarks(struct tape *t, struct command *c)
{
	uint32_t n = get24(c->cdb + 2);

	if (n && begin_write(t, c))
		write_records(t, c, n, NULL, 0);
}

/* ---- position ---- */

static void rewind_tape(struct tape *t, struct command *c)
{
	(void)c;
	t->at = 0;
}

static void space_forward(struct tape *t, struct command *c, bool marks, int32_t count)
{
	while (count > 0) {
		const struct record *r = record_at(t);
		if (!r) {
			check_stream(c, BLANK_CHECK, END_OF_DATA, 0, count);
			return;
		}
		t->at++;
		if (!marks && !r->data) {
			check_stream(c, NO_SENSE, FILEMARK_DETECTED, FILEMARK, count);
			return;
		}
		if (marks == !r->data)
			count--;
	}
}

static void space_reverse(struct tape *t, struct command *c, bool marks, int32_t count)
{
	while (count > 0) {
		if (!t->at) {
			check_stream(c, NO_SENSE, BEGINNING_OF_PARTITION, EOM, count);
			return;
		}
		const struct record *r = &t->volume->records[--t->at];
		if (!marks && !r->data) {
			check_stream(c, NO_SENSE, FILEMARK_DETECTED, FILEMARK, count);
			return;
		}
		if (marks == !r->data)
			count--;
	}
}

static void space_6(struct tape *t, struct command *c)
{
	uint8_t code = c->cdb[1] & 0x0f;
	int32_t count = (int32_t)(get24(c->cdb + 2) << 8) >> 8;

	if (code == 3) {
		t->at = t->volume->n;
		return;
	}
	if (code > 1) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	if (count < 0)
		space_reverse(t, c, code == 1, -count);
	else
		space_forward(t, c, code == 1, count);
}

static void locate_10(struct tape *t, struct command *c)
{
	uint32_t at = get32(c->cdb + 3);

	t->at = at < t->volume->n ? at : t->volume->n;
	if (at > t->volume->n)
		check(c, BLANK_CHECK, END_OF_DATA);
}

static void read_position(struct tape *t, struct command *c)
{
	uint8_t p[20] = {0};

	if ((c->cdb[1] & 0x1f) > 1) { /* short form, either kind */
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	p[0] = (uint8_t)((t->at ? 0 : 0x80) | (volume_is_early(t->volume) ? 0x40 : 0));
	put32(p + 4, (uint32_t)t->at);
	put32(p + 8, (uint32_t)t->at);
	reply(c, p, 20, 20);
}

static void erase(struct tape *t, struct command *c)
{
	begin_write(t, c);
}

static void load_unload(struct tape *t, struct command *c)
{
	bool load = c->cdb[4] & 0x01;

	if (!t->volume) {
		check(c, NOT_READY, MEDIUM_NOT_PRESENT);
		return;
	}
	if (!load && t->prevented) {
		check(c, ILLEGAL_REQUEST, REMOVAL_PREVENTED);
		return;
	}
	if (load && t->unloaded)
		t->attention = MEDIUM_MAY_HAVE_CHANGED;
	t->unloaded = !load;
	t->at = 0;
}

static void prevent_allow(struct tape *t, struct command *c)
{
	t->prevented = c->cdb[4] & 0x01;
}

static void nothing(struct tape *t, struct command *c)
{
	(void)t;
	(void)c;
}

static void supported_opcodes(struct tape *t, struct command *c);

enum needs { ALWAYS = 1, NO_MEDIUM = 2, MEDIUM = 4 };

static const struct {
	uint8_t opcode;
	uint8_t needs;
	void (*run)(struct tape *t, struct command *c);
} COMMANDS[] = {
	{0x00, MEDIUM, nothing},	      /* TEST UNIT READY */
	{0x01, MEDIUM, rewind_tape},	      /* REWIND */
	{0x03, ALWAYS, request_sense},	      /* REQUEST SENSE */
	{0x05, NO_MEDIUM, read_block_limits}, /* READ BLOCK LIMITS */
	{0x08, MEDIUM, read_6},		      /* READ(6) */
	{0x0a, MEDIUM, write_6},	      /* WRITE(6) */
	{0x10, MEDIUM, write_filemarks},      /* WRITE FILEMARKS(6) */
	{0x11, MEDIUM, space_6},	      /* SPACE(6) */
	{0x12, ALWAYS, inquiry},	      /* INQUIRY */
	{0x15, NO_MEDIUM, mode_select},	      /* MODE SELECT(6) */
	{0x16, NO_MEDIUM, nothing},	      /* RESERVE(6) */
	{0x17, NO_MEDIUM, nothing},	      /* RELEASE(6) */
	{0x19, MEDIUM, erase},		      /* ERASE(6) */
	{0x1a, NO_MEDIUM, mode_sense},
	{0x1b, NO_MEDIUM, load_unload},	  /* LOAD UNLOAD */
	{0x1e, NO_MEDIUM, prevent_allow}, /* PREVENT ALLOW MEDIUM REMOVAL */
	{0x2b, MEDIUM, locate_10},	  /* LOCATE(10) */
	{0x34, MEDIUM, read_position},	  /* READ POSITION */
	{0x55, NO_MEDIUM, mode_select},	  /* MODE SELECT(10) */
	{0x5a, NO_MEDIUM, mode_sense},
	{0x83, NO_MEDIUM, nothing}, /* EXTENDED COPY, which sptgtd does not let through */
	{0xa3, ALWAYS, supported_opcodes},
};

/* SPC-5 6.34, the whole list; as drives do it a READ or WRITE may take longer than most initiators think. */
static void supported_opcodes(struct tape *t, struct command *c)
{
	uint8_t p[1024] = {0};
	bool timeouts = c->cdb[2] & 0x80;
	uint32_t n = 4;

	(void)t;
	if ((c->cdb[1] & 0x1f) != 0x0c || c->cdb[2] & 0x07) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		uint8_t op = COMMANDS[i].opcode;
		unsigned seconds = op == 0x08 ? 2340 : op == 0x0a ? 1560 : 0;

		p[n] = op;
		p[n + 7] = op >> 5 == 0 ? 6 : op >> 5 == 4 ? 16 : op >> 5 == 5 ? 12 : 10;
		if (timeouts) {
			p[n + 5] = 0x02; /* CTDP */
			p[n + 9] = 0x0a;
			p[n + 18] = (uint8_t)(seconds >> 8);
			p[n + 19] = (uint8_t)seconds;
		}
		n += timeouts ? 20 : 8;
	}
	p[2] = (uint8_t)((n - 4) >> 8);
	p[3] = (uint8_t)(n - 4);
	reply(c, p, n, (uint32_t)get16(c->cdb + 6) << 16 | get16(c->cdb + 8));
}

void tape_run(void *device, struct command *c)
{
	struct tape *t = device;

	c->descriptor_sense = t->descriptor_sense;
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (COMMANDS[i].opcode != c->cdb[0])
			continue;
		if (t->attention && COMMANDS[i].needs != ALWAYS) {
			check(c, UNIT_ATTENTION, t->attention);
			t->attention = 0;
		} else if (COMMANDS[i].needs == MEDIUM && (!t->volume || t->unloaded)) {
			check(c, NOT_READY, MEDIUM_NOT_PRESENT);
		} else {
			COMMANDS[i].run(t, c);
		}
		return;
	}
	check(c, ILLEGAL_REQUEST, INVALID_OPCODE);
}
