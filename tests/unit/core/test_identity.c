/* SPDX-License-Identifier: MIT */
/* What initiators are told of a logical unit and its ports (SPC-5 6.6.2, 7.7.6, 7.7.9, 7.7.14, 7.7.16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "rig.h"

#define TARGET "iqn.2026-11.org.example:t"

/* Our own, as they stand at the end of page 83h. */
static const uint8_t PORTS[] =
	"\x51\x94\0\x04\0\0\0\x01"
	"\x51\x95\0\x04\0\0\0\x01"
	"\x53\x98\0\x24" TARGET ",t,0x0001\0\0"
	"\x53\xa8\0\x1c" TARGET "\0\0\0";
#define PORTS_BYTES (sizeof(PORTS) - 1)

/* A SAS drive's page 83h: what is its own, and what is its port's and its target's. */
static const uint8_t LOCAL_UNIT[] =
	"\x02\x01\0\x0cVENDOR  1234"
	"\x01\x03\0\x08\x50\x00\xc5\0\x11\x22\x33\x44";
static const uint8_t LOCAL_PORT[] =
	"\x61\x93\0\x08\x50\x00\xc5\0\x11\x22\x33\x45"
	"\x61\x94\0\x04\0\0\0\x02"
	"\x63\xa8\0\x08naa.5000";

struct page {
	uint8_t code;
	const uint8_t *data;
	size_t bytes;
};
static struct page pages[8];
static size_t n_pages;
static uint8_t standard[96];
static unsigned asked[4], n_asked; /* allocation lengths */
static bool always_standard;

static void page_add(uint8_t code, const void *data, size_t bytes)
{
	pages[n_pages++] = (struct page){ code, data, bytes };
}

static bool answer(struct spt_task *task)
{
	uint32_t allocation = be16_get(task->cdb + 3);
	uint8_t data[1024] = { 0x00, task->cdb[2] };

	if (task->cdb[0] != 0x12)
		return false;
	asked[n_asked++ % ARRAY_SIZE(asked)] = allocation;
	if (!(task->cdb[1] & 1) || always_standard) {
		spt_task_reply(task, standard, sizeof(standard), allocation);
		return true;
	}
	for (size_t i = 0; i < n_pages; i++) {
		if (pages[i].code != task->cdb[2])
			continue;
		be16_put(data + 2, (uint16_t)pages[i].bytes);
		memcpy(data + 4, pages[i].data, pages[i].bytes);
		spt_task_reply(task, data, 4 + pages[i].bytes, allocation);
		return true;
	}
	spt_task_check_cdb_field(task, 2, -1);
	return true;
}

static void open_drive(struct rig *rig, const struct spt_identity *identity,
	const struct spt_backend_ops *ops)
{
	static uint8_t unit[sizeof(LOCAL_UNIT) + sizeof(LOCAL_PORT) - 2];
	static const uint8_t list[] = { 0x00, 0x80, 0x83, 0x88, 0xb0 };

	fake_identity = identity ? *identity : (struct spt_identity){ .naa_bytes = 0 };
	rig_open(rig, &(struct rig_params){ .ops = ops });
	rig->fake->answer = answer;
	rig_start(rig, 0, 0);
	n_pages = n_asked = 0;
	always_standard = false;
	memcpy(unit, LOCAL_UNIT, sizeof(LOCAL_UNIT) - 1);
	memcpy(unit + sizeof(LOCAL_UNIT) - 1, LOCAL_PORT, sizeof(LOCAL_PORT) - 1);
	page_add(0x00, list, sizeof(list));
	page_add(0x80, "SERIAL01", 8);
	page_add(0x83, unit, sizeof(unit));
	page_add(0x88, "\0\0\0\1\0\0\0\0\0\0\0\x0c\x61\x93\0\x08\x50\x00\xc5\0\x11\x22\x33\x45", 24);
	page_add(0xb0, "limits", 6);
}

/* INQUIRY with these, into room for @expected; the job holds what came. */
static struct job *inquiry(struct rig *rig, bool evpd, uint8_t page, uint16_t allocation,
	uint32_t expected)
{
	static struct job job;

	job_init(&job, rig, 0, 0x6000);
	job.task.cdb[0] = 0x12;
	job.task.cdb[1] = evpd;
	job.task.cdb[2] = page;
	be16_put(job.task.cdb + 3, allocation);
	job.task.cdb_bytes = 6;
	job.task.expected_in_bytes = expected;
	job_run(rig, &job);
	assert_int_equal(job.done, 1);
	assert_int_equal(be16_get(job.task.cdb + 3), allocation);
	return &job;
}

static void page_is(const struct job *j, uint8_t code, const void *data, size_t bytes)
{
	assert_int_equal(j->status, SPT_GOOD);
	assert_int_equal(j->in_bytes, 4 + bytes);
	assert_int_equal(j->in_would, 4 + bytes);
	assert_int_equal(j->in[1], code);
	assert_int_equal(be16_get(j->in + 2), bytes);
	assert_memory_equal(j->in + 4, data, bytes);
}

/* SPC-5 7.7.6: the logical unit's designators as they are, the ports' and the target's ours. */
static void designators(void **state)
{
	uint8_t want[sizeof(LOCAL_UNIT) + sizeof(PORTS)];
	size_t unit = sizeof(LOCAL_UNIT) - 1;
	struct rig rig;

	open_drive(&rig, NULL, NULL);
	memcpy(want, LOCAL_UNIT, unit);
	memcpy(want + unit, PORTS, PORTS_BYTES);
	page_is(inquiry(&rig, true, 0x83, 256, 256), 0x83, want, unit + PORTS_BYTES);
	/* Pages that are none of ours pass as they are, asked for as they were. */
	page_is(inquiry(&rig, true, 0xb0, 64, 256), 0xb0, "limits", 6);
	assert_int_equal(asked[1], 64);
	page_is(inquiry(&rig, true, 0x80, 100, 256), 0x80, "SERIAL01", 8);
	page_is(inquiry(&rig, true, 0x00, 100, 256), 0x00, "\x00\x80\x83\x88\xb0", 5);
	/* SPC-5 7.7.14: of the ports, the one that the nexus came by. */
	const struct job *j = inquiry(&rig, true, 0x88, 256, 256);
	assert_int_equal(j->in_bytes, 4 + 12 + 40);
	assert_memory_equal(j->in + 4, "\0\0\0\1\0\0\0\0\0\0\0\x28", 12);
	assert_memory_equal(j->in + 16, PORTS + 16, 40);
	rig_close(&rig);
}

/* SPC-5 4.2.5.6: any allocation length and any room: the cut of one and the same page. */
static void any_length(void **state)
{
	uint8_t whole[256];
	struct rig rig;

	open_drive(&rig, NULL, NULL);
	const struct job *j = inquiry(&rig, true, 0x83, 256, 256);
	uint32_t bytes = j->in_bytes;
	memcpy(whole, j->in, bytes);
	for (uint16_t allocation = 0; allocation < 256; allocation++) {
		for (unsigned i = 0; i < 3; i++) {
			uint32_t room = i == 0 ? 256 : i == 1 ? allocation : allocation / 2;
			uint32_t would = MIN(bytes, (uint32_t)allocation);
			j = inquiry(&rig, true, 0x83, allocation, room);
			assert_int_equal(j->status, SPT_GOOD);
			assert_int_equal(j->in_would, would);
			assert_int_equal(j->in_bytes, MIN(would, room));
			assert_memory_equal(j->in, whole, j->in_bytes);
		}
	}
	rig_close(&rig);
}

/* A page that is longer than most is asked for once more, for all of it. */
static void long_page(void **state)
{
	static uint8_t data[600];
	struct rig rig;

	open_drive(&rig, NULL, NULL);
	for (size_t at = 0; at < sizeof(data); at += 60) {
		data[at] = 2;
		data[at + 1] = 0x08;
		data[at + 3] = 56;
		memset(data + at + 4, 'a' + (int)(at / 60), 56);
	}
	pages[2] = (struct page){ 0x83, data, sizeof(data) };
	const struct job *j = inquiry(&rig, true, 0x83, 1024, 256);
	assert_int_equal(n_asked, 2);
	assert_int_equal(asked[0], 252);
	assert_int_equal(asked[1], 604);
	assert_int_equal(j->in_would, 604 + PORTS_BYTES);
	assert_int_equal(be16_get(j->in + 2), 600 + PORTS_BYTES);
	assert_memory_equal(j->in + 4, data, 252);
	/* What the page says of its length and what is there need not agree. */
	static const uint8_t cut[] = "\x01\x03\0\x08\x50\0\0\0\0\0\0\1\x01\x03\0\xff\x50";
	pages[2] = (struct page){ 0x83, cut, sizeof(cut) - 1 };
	j = inquiry(&rig, true, 0x83, 256, 256);
	assert_int_equal(j->in_bytes, 4 + 12 + PORTS_BYTES);
	rig_close(&rig);
}

/* A device without the page, and one that says the same to every INQUIRY. */
static void no_page(void **state)
{
	struct rig rig;

	open_drive(&rig, NULL, NULL);
	n_pages = 0;
	const struct job *j = inquiry(&rig, true, 0x83, 256, 256);
	assert_int_equal(j->status, SPT_CHECK_CONDITION);
	assert_int_equal(j->asc, 0x2400);
	assert_int_equal(j->in_bytes, 0);
	always_standard = true;
	j = inquiry(&rig, true, 0x83, 36, 256);
	assert_int_equal(j->status, SPT_GOOD);
	assert_int_equal(j->in_bytes, 36);
	assert_int_equal(j->in_would, 36);
	rig_close(&rig);
}

/* An identity from the configuration: the same in every place where one stands. */
static void given(void **state)
{
	static const struct spt_identity id = { .vendor = "ACME", .product = "LIBRARY",
		.revision = "7", .serial = "S-9", .naa = { 0x53, 1, 2, 3, 4, 5, 6, 7 }, .naa_bytes = 8 };
	static const uint8_t unit[] =
		"\x01\x03\0\x08\x53\1\2\3\4\5\6\7"
		"\x02\x01\0\x0b" "ACME    S-9";
	uint8_t want[sizeof(unit) + sizeof(PORTS)];
	struct rig rig;

	memcpy(want, unit, sizeof(unit) - 1);
	memcpy(want + sizeof(unit) - 1, PORTS, PORTS_BYTES);
	for (unsigned absent = 0; absent < 2; absent++) {
		open_drive(&rig, &id, NULL);
		if (absent)
			n_pages = 1; /* the list, and nothing in it but itself */
		if (absent)
			pages[0].bytes = 1;
		page_is(inquiry(&rig, true, 0x83, 256, 256), 0x83, want,
			sizeof(unit) - 1 + PORTS_BYTES);
		page_is(inquiry(&rig, true, 0x80, 256, 256), 0x80, "S-9", 3);
		page_is(inquiry(&rig, true, 0x00, 256, 256), 0x00,
			absent ? "\x00\x80\x83" : "\x00\x80\x83\x88\xb0", absent ? 3 : 5);
		const struct job *j = inquiry(&rig, false, 0, 96, 96);
		assert_memory_equal(j->in + 8, "ACME    LIBRARY         7   ", 28);
		j = inquiry(&rig, false, 0, 18, 96);
		assert_int_equal(j->in_bytes, 18);
		assert_memory_equal(j->in + 8, "ACME    LI", 10);
		rig_close(&rig);
	}
	fake_identity = (struct spt_identity){ .naa_bytes = 0 };
}

/* SPC-5 6.6.2: what we do not offer, and what we do, whatever the device says of its own. */
static void standard_bits(void **state)
{
	static const uint8_t versions[] = { 0x00, 0xa0, 0x0c, 0x20, 0x05, 0xc0, 0x20, 0x80 };
	struct rig rig;

	open_drive(&rig, NULL, NULL);
	memset(standard, 0, sizeof(standard));
	standard[3] = 0x32; /* NORMACA, HISUP */
	standard[4] = sizeof(standard) - 5;
	standard[5] = 0x39; /* TPGS, 3PC, PROTECT */
	standard[6] = 0x50; /* ENCSERV, MULTIP */
	memcpy(standard + 58, versions, sizeof(versions));
	const struct job *j = inquiry(&rig, false, 0, 96, 96);
	assert_int_equal(j->in_bytes, 96);
	assert_int_equal(j->in[3], 0x12);
	assert_int_equal(j->in[5], 0x01);
	assert_int_equal(j->in[6], 0x40);
	assert_int_equal(j->in[7], 0x02);
	assert_memory_equal(j->in + 58, "\x00\xa0\x09\x60\x05\xc0\0\0", 8);
	/* No transport told: ours takes a free place. Short data: nothing beyond them. */
	be16_put(standard + 60, 0);
	be16_put(standard + 64, 0);
	j = inquiry(&rig, false, 0, 96, 96);
	assert_memory_equal(j->in + 58, "\x00\xa0\x05\xc0\x09\x60\0\0", 8);
	for (uint16_t n = 0; n < 96; n++)
		assert_int_equal(inquiry(&rig, false, 0, n, 96)->in_bytes, n);
	/* No device there: nothing is told of it. */
	standard[0] = 0x7f;
	assert_int_equal(inquiry(&rig, false, 0, 96, 96)->in[3], 0x32);
	standard[0] = 0;
	rig_close(&rig);
}

/* SPC-5 6.36, 6.45: with TPGS 00b there are no port groups to report or set; a CD has other commands there. */
static void port_groups(void **state)
{
	static const struct {
		const struct spt_backend_ops *ops;
		uint8_t type, opcode, action;
		bool refused;
	} rows[] = {
		{ &FAKE_SHARED, 0x00, 0xa3, 0x0a, true },
		{ &FAKE_SHARED, 0x01, 0xa4, 0x0a, true },
		{ &FAKE_SHARED, 0x00, 0xa3, 0x0c, false },
		{ &FAKE_SHARED, 0x05, 0xa3, 0x0a, false },
		{ &FAKE_PER_NEXUS, 0x00, 0xa3, 0x0a, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;

		rig_open(&rig, &(struct rig_params){ .ops = rows[i].ops });
		rig.fake->type = rows[i].type;
		rig_start(&rig, 0, 0);
		rig.fake->inline_good = true;
		job_init(&job, &rig, 0, 1);
		job.task.cdb[0] = rows[i].opcode;
		job.task.cdb[1] = rows[i].action;
		job_run(&rig, &job);
		assert_int_equal(job.status, rows[i].refused ? SPT_CHECK_CONDITION : SPT_GOOD);
		assert_int_equal(job.asc, rows[i].refused ? 0x2400 : 0);
		rig_close(&rig);
	}
}

/* A mirrored nexus has the far side's ports, unless an identity was given: then that, and those ports. */
static void mirrored(void **state)
{
	static const struct spt_identity id = { .naa = { 0x53 }, .naa_bytes = 8 };
	struct rig rig;
	uint8_t want[256] = { 0x01, 0x03, 0, 8, 0x53 };
	size_t t10 = 16, port = sizeof(LOCAL_PORT) - 1;

	open_drive(&rig, NULL, &FAKE_PER_NEXUS);
	page_is(inquiry(&rig, true, 0x83, 256, 256), 0x83, pages[2].data, pages[2].bytes);
	assert_int_equal(asked[0], 256);
	rig_close(&rig);
	open_drive(&rig, &id, &FAKE_PER_NEXUS);
	memcpy(want + 12, LOCAL_UNIT, t10);
	memcpy(want + 12 + t10, LOCAL_PORT, port);
	page_is(inquiry(&rig, true, 0x83, 256, 256), 0x83, want, 12 + t10 + port);
	rig_close(&rig);
	fake_identity = (struct spt_identity){ .naa_bytes = 0 };
}

static struct spt_task *kept;

static bool keep(struct spt_task *task)
{
	kept = task;
	return true;
}

/* An INQUIRY that is aborted while it is at the device: its answer goes nowhere. */
static void aborted(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	open_drive(&rig, NULL, NULL);
	rig.fake->answer = keep;
	job_init(&job, &rig, 0, 1);
	memcpy(job.task.cdb, "\x12\x01\x83\x01\x00", 5);
	job.task.cdb_bytes = 6;
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	assert_int_equal(tmf.done, 0);
	rig.fake->answer = answer;
	answer(kept);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	assert_int_equal(n_asked, 1);
	rig_close(&rig);
}

/* The standard data, serial number and first designator at @lun of session 0. */
static void expect_at(struct rig *rig, uint64_t lun, const char *vendor, const char *serial,
	const char *naa)
{
	static struct job job;

	for (uint8_t page = 0; page <= 0x83; page = page ? 0x83 + (page == 0x83) : 0x80) {
		job_init(&job, rig, 0, 0x6000);
		job.task.aux.lun = lun;
		job.task.cdb[0] = 0x12;
		job.task.cdb[1] = page != 0;
		job.task.cdb[2] = page;
		job.task.cdb[4] = 252;
		job.task.cdb_bytes = 6;
		job.task.expected_in_bytes = 252;
		job_run(rig, &job);
		assert_int_equal(job.status, SPT_GOOD);
		if (!page)
			assert_memory_equal(job.in + 8, vendor, 8);
		else if (page == 0x80)
			assert_memory_equal(job.in + 4, serial, strlen(serial));
		else
			assert_memory_equal(job.in + 8, naa, 8);
	}
}

/* One device at two LUNs is who it is told to be at each; what a LUN does not tell is the device's. */
static void by_lun(void **state)
{
	static const struct spt_identity device = { .vendor = "DEVICE", .serial = "OF-DEVICE",
		.naa = "\x31", .naa_bytes = 8 };
	struct spt_identity here = { .serial = "AT-SEVEN", .naa = "\x37", .naa_bytes = 8 };
	struct spt_lun_map *map;
	struct rig rig;
	struct job job;

	open_drive(&rig, &device, NULL);
	memset(standard, ' ', sizeof(standard));
	standard[0] = 0;
	const struct spt_lun_entry entries[] = {
		{ .lun = 0, .device = rig.device },
		{ .lun = 7, .device = rig.device, .identity = &here },
	};
	assert_int_equal(spt_lun_map_new(entries, ARRAY_SIZE(entries), &map), 0);
	memset(&here, 0, sizeof(here)); /* it has been copied */
	assert_int_equal(spt_session_set_luns(rig.contexts[0], rig.sessions[0], map), 0);
	spt_lun_map_unref(map);
	expect_at(&rig, 0, "DEVICE  ", "OF-DEVICE", "\x31\0\0\0\0\0\0");
	expect_at(&rig, 7ull << 48, "DEVICE  ", "AT-SEVEN", "\x37\0\0\0\0\0\0");
	/* Another one for a LUN that stays: its initiator is told, once; the other LUN is not. */
	strcpy(here.vendor, "HERE");
	assert_int_equal(spt_lun_map_new(entries, ARRAY_SIZE(entries), &map), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(spt_session_set_luns(rig.contexts[0], rig.sessions[0], map), 0);
	spt_lun_map_unref(map);
	rig.fake->answer = NULL;
	rig.fake->inline_good = true;
	for (unsigned at_seven = 0; at_seven < 2; at_seven++) {
		unsigned told = 0;
		for (unsigned n = 0; n < 4; n++) {
			job_init(&job, &rig, 0, 0x6100 + n);
			job.task.aux.lun = at_seven ? 7ull << 48 : 0;
			job_run(&rig, &job);
			told += job.asc == 0x3f03;
		}
		assert_int_equal(told, at_seven);
	}
	rig.fake->answer = answer;
	expect_at(&rig, 7ull << 48, "HERE    ", "OF-DEVICE", "\x31\0\0\0\0\0\0");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(designators),
		cmocka_unit_test(any_length),
		cmocka_unit_test(long_page),
		cmocka_unit_test(no_page),
		cmocka_unit_test(given),
		cmocka_unit_test(standard_bits),
		cmocka_unit_test(port_groups),
		cmocka_unit_test(mirrored),
		cmocka_unit_test(aborted),
		cmocka_unit_test(by_lun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
