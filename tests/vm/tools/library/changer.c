/* SPDX-License-Identifier: MIT */
/* A medium changer: see changer.h. */
#include "changer.h"

#include <stdio.h>
#include <string.h>

#define N_ELEMENTS (sizeof(((struct changer *)0)->elements) / sizeof(struct element))

#define HAND	0x0001
#define SLOT	0x0400
#define MAILBOX 0x0010
#define DRIVE	0x0100

#define INVALID_OPCODE	  0x2000
#define INVALID_ELEMENT	  0x2101
#define INVALID_FIELD	  0x2400
#define POWER_ON	  0x2900
#define DESTINATION_FULL  0x3b0d
#define SOURCE_EMPTY	  0x3b0e
#define REMOVAL_PREVENTED 0x5302

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	put16(p + 1, v);
}

void changer_init(
	struct changer *ch, struct tape *drives, struct volume *volumes, unsigned n_volumes)
{
	struct element *e = ch->elements;

	memset(ch, 0, sizeof(*ch));
	ch->attention = POWER_ON;
	*e++ = (struct element){.address = HAND, .type = 1};
	for (unsigned i = 0; i < CHANGER_SLOTS - 1; i++)
		*e++ = (struct element){
			.address = (uint16_t)(SLOT + i),
			.type = 2,
			.volume = i < n_volumes ? &volumes[i] : NULL,
		};
	*e++ = (struct element){.address = MAILBOX, .type = 3};
	for (unsigned i = 0; i < CHANGER_DRIVES; i++)
		*e++ = (struct element){
			.address = (uint16_t)(DRIVE + i),
			.type = 4,
			.drive = &drives[i],
		};
}

static struct element *find(struct changer *ch, uint32_t address)
{
	for (size_t i = 0; i < N_ELEMENTS; i++) {
		if (ch->elements[i].address == address)
			return &ch->elements[i];
	}
	return NULL;
}

static void inquiry(struct changer *ch, struct command *c)
{
	uint8_t p[36] = {0x08, 0x80, 0x06, 0x02, 31};

	(void)ch;
	if (c->cdb[1] & 1 && c->cdb[2] == 0x80) {
		uint8_t serial[8] = {0x08, 0x80, 0, 4, 'L', 'I', 'B', '1'};
		reply(c, serial, sizeof(serial), get16(c->cdb + 3));
	} else if (c->cdb[1] & 1 && c->cdb[2] == 0x00) {
		uint8_t pages[6] = {0x08, 0x00, 0, 2, 0x00, 0x80};
		reply(c, pages, sizeof(pages), get16(c->cdb + 3));
	} else if (c->cdb[1] & 1 || c->cdb[2]) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
	} else {
		memcpy(p + 8, "SPTGT   CHANGER         0001", 28);
		reply(c, p, sizeof(p), get16(c->cdb + 3));
	}
}

static void request_sense(struct changer *ch, struct command *c)
{
	struct command said = {.descriptor_sense = c->cdb[1] & 1};

	check(&said, ch->attention ? UNIT_ATTENTION : NO_SENSE, ch->attention);
	ch->attention = 0;
	reply(c, said.sense, said.descriptor_sense ? 8 : 18, c->cdb[4]);
}

/* SMC-3 7.3.4: the element address assignment mode page; 7.3.5: transport geometry */
static void mode_sense(struct changer *ch, struct command *c)
{
	bool long_form = c->cdb[0] == 0x5a;
	uint32_t head = long_form ? 8 : 4, n = head;
	uint8_t want = c->cdb[2] & 0x3f, p[64] = {0};

	(void)ch;
	if (want == 0x1d || want == 0x3f) {
		uint8_t *page = p + n;
		page[0] = 0x1d;
		page[1] = 18;
		put16(page + 2, HAND), put16(page + 4, 1);
		put16(page + 6, SLOT), put16(page + 8, CHANGER_SLOTS - 1);
		put16(page + 10, MAILBOX), put16(page + 12, 1);
		put16(page + 14, DRIVE), put16(page + 16, CHANGER_DRIVES);
		n += 20;
	}
	if (want == 0x1e || want == 0x3f) {
		p[n] = 0x1e;
		p[n + 1] = 2;
		n += 4;
	}
	if (n == head) {
		check(c, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	p[long_form ? 1 : 0] = (uint8_t)(n - (long_form ? 2 : 1));
	reply(c, p, n, long_form ? get16(c->cdb + 7) : c->cdb[4]);
}

static uint32_t describe(const struct element *e, bool tags, uint8_t *p)
{
	put16(p, e->address);
	p[2] = (uint8_t)((e->volume ? 0x01 : 0) | (e->type == 1 ? 0 : 0x08));
	if (e->type == 3)
		p[2] |= 0x30; /* INENAB, EXENAB */
	if (e->volume && e->source) {
		p[9] = 0x80; /* SVALID */
		put16(p + 10, e->source);
	}
	if (!tags)
		return 12;
	memset(p + 12, ' ', 32);
	memset(p + 44, 0, 4);
	if (e->volume)
		memcpy(p + 12, e->volume->tag, strlen(e->volume->tag));
	else
		memset(p + 12, 0, 32);
	return 48;
}

/* SMC-3 6.11: pages of one type each, in the order of their types */
static void read_element_status(struct changer *ch, struct command *c)
{
	static uint8_t p[8 + 4 * 8 + N_ELEMENTS * 48];
	bool tags = c->cdb[1] & 0x10;
	uint8_t want = c->cdb[1] & 0x0f;
	uint32_t first = get16(c->cdb + 2), left = get16(c->cdb + 4), n = 8, count = 0;
	uint32_t lowest = 0;

	memset(p, 0, sizeof(p));
	for (uint8_t type = 1; type <= 4; type++) {
		uint32_t page = n;
		if (want && want != type)
			continue;
		for (size_t i = 0; i < N_ELEMENTS && left; i++) {
			const struct element *e = &ch->elements[i];
			if (e->type != type || e->address < first)
				continue;
			if (n == page)
				n += 8;
			if (!count++ || e->address < lowest)
				lowest = e->address;
			n += describe(e, tags, p + n);
			left--;
		}
		if (n == page)
			continue;
		p[page] = type;
		p[page + 1] = tags ? 0x80 : 0;
		put16(p + page + 2, tags ? 48 : 12);
		put24(p + page + 5, n - page - 8);
	}
	put16(p, lowest);
	put16(p + 2, count);
	put24(p + 5, n - 8);
	reply(c, p, n, (uint32_t)c->cdb[7] << 16 | get16(c->cdb + 8));
}

static void give(struct element *e, struct volume *volume, uint16_t source)
{
	e->volume = volume;
	e->source = e->type == 2 ? 0 : source;
	if (e->drive)
		tape_insert(e->drive, volume);
}

static void move_medium(struct changer *ch, struct command *c)
{
	struct element *from = find(ch, get16(c->cdb + 4)), *to = find(ch, get16(c->cdb + 6));

	if (!from || !to || from->type == 1 || to->type == 1)
		check(c, ILLEGAL_REQUEST, INVALID_ELEMENT);
	else if (!from->volume)
		check(c, ILLEGAL_REQUEST, SOURCE_EMPTY);
	else if (to->volume && to != from)
		check(c, ILLEGAL_REQUEST, DESTINATION_FULL);
	else if ((from->drive && from->drive->prevented) || (to->type == 3 && ch->prevented))
		check(c, ILLEGAL_REQUEST, REMOVAL_PREVENTED);
	else if (to != from) {
		struct volume *volume = from->volume;
		uint16_t source = from->type == 2 ? from->address : from->source;
		give(from, NULL, 0);
		give(to, volume, source);
	}
}

static void position_to(struct changer *ch, struct command *c)
{
	if (!find(ch, get16(c->cdb + 4)))
		check(c, ILLEGAL_REQUEST, INVALID_ELEMENT);
}

static void prevent_allow(struct changer *ch, struct command *c)
{
	ch->prevented = c->cdb[4] & 0x01;
}

static void nothing(struct changer *ch, struct command *c)
{
	(void)ch;
	(void)c;
}

static const struct {
	uint8_t opcode;
	bool passes_attention;
	void (*run)(struct changer *ch, struct command *c);
} COMMANDS[] = {
	{0x00, false, nothing},		    /* TEST UNIT READY */
	{0x03, true, request_sense},	    /* REQUEST SENSE */
	{0x07, false, nothing},		    /* INITIALIZE ELEMENT STATUS */
	{0x12, true, inquiry},		    /* INQUIRY */
	{0x16, false, nothing},		    /* RESERVE(6) */
	{0x17, false, nothing},		    /* RELEASE(6) */
	{0x1a, false, mode_sense},	    /* MODE SENSE(6) */
	{0x1e, false, prevent_allow},	    /* PREVENT ALLOW MEDIUM REMOVAL */
	{0x2b, false, position_to},	    /* POSITION TO ELEMENT */
	{0x5a, false, mode_sense},	    /* MODE SENSE(10) */
	{0xa5, false, move_medium},	    /* MOVE MEDIUM */
	{0xb8, false, read_element_status}, /* READ ELEMENT STATUS */
};

void changer_run(void *device, struct command *c)
{
	struct changer *ch = device;

	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (COMMANDS[i].opcode != c->cdb[0])
			continue;
		if (ch->attention && !COMMANDS[i].passes_attention) {
			check(c, UNIT_ATTENTION, ch->attention);
			ch->attention = 0;
		} else {
			COMMANDS[i].run(ch, c);
		}
		return;
	}
	check(c, ILLEGAL_REQUEST, INVALID_OPCODE);
}
