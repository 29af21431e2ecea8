/* SPDX-License-Identifier: MIT */
/* Which tasks a rule means: each word by itself, and together; and what is no rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "layered.h"

/* A command of a conversation. */
struct sent {
	unsigned session;
	uint8_t opcode, action; /* action: the service action of those that have one */
	uint64_t lba;
	uint32_t blocks;
};

static void make(struct rig *rig, struct job *job, const struct sent *s, uint32_t tag)
{
	job_init(job, rig, s->session, tag);
	uint8_t *cdb = job->task.cdb;
	cdb[0] = s->opcode;
	switch (s->opcode >> 5) {
	case 0:
		job->task.cdb_bytes = 6;
		be24_put(cdb + 1, (uint32_t)s->lba);
		cdb[4] = (uint8_t)s->blocks;
		break;
	case 1:
	case 2:
		job->task.cdb_bytes = 10;
		be32_put(cdb + 2, (uint32_t)s->lba);
		be16_put(cdb + 7, (uint16_t)s->blocks);
		break;
	default:
		job->task.cdb_bytes = 16;
		cdb[1] = s->action;
		be64_put(cdb + 2, s->lba);
		be32_put(cdb + 10, s->blocks);
	}
}

/* One character a command: '!' it was meant, '.' it was not. */
static void play(struct rig *rig, const char *rule, const struct sent *sent, size_t n, char *ret)
{
	char text[200];

	snprintf(text, sizeof(text), "%s status=busy", rule);
	layered_set(rig, "fault", text);
	for (size_t i = 0; i < n; i++) {
		struct job job;
		make(rig, &job, &sent[i], (uint32_t)i);
		job_run(rig, &job);
		assert_int_equal(job.done, 1);
		ret[i] = job.status == SPT_BUSY ? '!' : '.';
	}
	ret[n] = 0;
}

static void words(void **state)
{
	static const struct sent sent[] = {
		{ 0, 0x00, 0, 0, 0 },       /* TEST UNIT READY */
		{ 0, 0x28, 0, 99, 1 },      /* READ(10) before, */
		{ 0, 0x28, 0, 95, 6 },      /* into, */
		{ 0, 0x28, 0, 150, 1 },     /* in, */
		{ 1, 0x28, 0, 199, 100 },   /* at the end, */
		{ 0, 0x28, 0, 200, 1 },     /* behind the range */
		{ 1, 0x88, 0, 0, 1000 },    /* READ(16) over all of it */
		{ 0, 0x88, 0, 1ull << 40, 8 },
		{ 0, 0x08, 0, 150, 1 },     /* READ(6) */
		{ 0, 0x9e, 0x10, 0, 0 },    /* READ CAPACITY(16) */
		{ 1, 0x9e, 0x12, 150, 0 },  /* GET LBA STATUS */
		{ 0, 0x35, 0, 150, 1 },     /* SYNCHRONIZE CACHE(10) */
		{ 0, 0xc1, 0, 150, 1 },     /* whatever that is */
	};
	static const struct {
		const char *rule, *meant;
	} rows[] = {
		{ "", "!!!!!!!!!!!!!" },
		{ "op=28h", ".!!!!!......." },
		{ "op=read(10)", ".!!!!!......." },
		{ "op=READ*", ".!!!!!!!!!..." },
		{ "op=0x88,00", "!.....!!....." },
		{ "op=9e", ".........!!.." },
		{ "op=9e/10", ".........!..." },
		{ "op=GET-LBA-STATUS*", "..........!.." },
		{ "op=c1", "............!" },
		{ "lba=100-199", "..!!!.!.!.!!." },
		{ "lba=200", "....!!!......" },
		{ "lba=1099511627783", ".......!....." },
		{ "lba=1099511627784", "............." },
		{ "op=28h,88h lba=0-98", "..!...!......" },
		{ "initiator=*example:a", "!!!!!!!!!!!!!" },
		{ "initiator=*:b", "............." },
		{ "skip=3", "...!!!!!!!!!!" },
		{ "every=3", "..!..!..!..!." },
		{ "skip=2 every=4", ".....!...!..." },
		{ "every=2 count=3", ".!.!.!......." },
		{ "count=1", "!............" },
		{ "op=28h every=2 count=1", "..!.........." },
		{ "op=28h skip=4", ".....!......." },
		{ "chance=100%", "!!!!!!!!!!!!!" },
	};
	struct rig rig;
	char meant[ARRAY_SIZE(sent) + 1];

	layered_open(&rig);
	rig.fake->inline_good = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		play(&rig, rows[i].rule, sent, ARRAY_SIZE(sent), meant);
		if (strcmp(meant, rows[i].meant))
			fail_msg("'%s' means %s, expected %s", rows[i].rule, meant, rows[i].meant);
	}
	rig_close(&rig);
}

/* By chance: about as often as was said, and again the same commands when the rule is set again. */
static void chance(void **state)
{
	static const struct {
		const char *rule;
		unsigned least, most;
	} rows[] = {
		{ "chance=50%", 420, 580 },
		{ "chance=5%", 25, 80 },
		{ "chance=0.1%", 0, 6 },
		{ "chance=50% every=2", 200, 300 },
		{ "chance=50% count=7", 7, 7 },
	};
	static struct sent sent[1000];
	static char first[1001], second[1001];
	struct rig rig;

	layered_open(&rig);
	rig.fake->inline_good = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned n = 0;
		play(&rig, rows[i].rule, sent, ARRAY_SIZE(sent), first);
		play(&rig, rows[i].rule, sent, ARRAY_SIZE(sent), second);
		assert_string_equal(first, second);
		for (const char *p = first; *p; p++)
			n += *p == '!';
		if (n < rows[i].least || n > rows[i].most)
			fail_msg("'%s' has meant %u of 1000", rows[i].rule, n);
		assert_int_equal(layered_row(&rig, "fault").seen, 1000);
		assert_int_equal(layered_row(&rig, "fault").hits, n);
	}
	rig_close(&rig);
}

/* The first rule that means a command has it; one that is used up leaves it to the next. */
static void first_rule(void **state)
{
	static const uint8_t expected[] = { SPT_BUSY, SPT_TASK_SET_FULL, SPT_TASK_SET_FULL, SPT_GOOD };
	struct rig rig;

	layered_open(&rig);
	rig.fake->inline_good = true;
	layered_set(&rig, "fault",
		"op=28h count=1 status=busy | op=28h lba=0-9 count=2 status=task-set-full");
	for (uint32_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct job job;
		layered_read(&rig, &job, i % 2, i, 0, 1); /* counted over both loops */
		job_run(&rig, &job);
		assert_int_equal(job.status, expected[i]);
	}
	rig_close(&rig);
}

/* What cannot be meant is told, with the rule's number, and what was set before stays. */
static void refused(void **state)
{
	static const struct {
		const char *layer, *text, *told;
	} rows[] = {
		{ "fault", "op=28h", "rule 1: it does nothing" },
		{ "fault", "op=28h drop | op=29", "rule 2: it does nothing" },
		{ "fault", "op=nonsense drop", "'nonsense' is neither a command's name" },
		{ "fault", "op=100h drop", "'100h' is neither" },
		{ "fault", "op= drop", "which command?" },
		{ "fault", "lba=9-1 drop", "lba: '9-1'" },
		{ "fault", "lba=x drop", "lba: 'x'" },
		{ "fault", "every=0 drop", "every: '0'" },
		{ "fault", "chance=0% drop", "chance: '0%'" },
		{ "fault", "chance=101% drop", "chance: '101%'" },
		{ "fault", "chance=5 drop", "chance: '5'" },
		{ "fault", "initiator= drop", "which name?" },
		{ "fault", "lun=1 drop", "'lun' is no word of a rule" },
		{ "fault", "drop hang", "'hang' is a second" },
		{ "fault", "drop=1", "takes no value" },
		{ "fault", "hang=never", "hang: 'never'" },
		{ "fault", "check=3/11", "check: '3/11'" },
		{ "fault", "check=16/11/00", "check: '16/11/00'" },
		{ "fault", "status=fine", "status: 'fine'" },
		{ "fault", "corrupt=1:0", "after the offset" },
		{ "fault", "corrupt=-1", "corrupt: '-1'" },
		{ "fault", "short=x", "short: 'x'" },
		{ "fault", "drop || drop", "rule 2: an empty rule" },
		{ "delay", "op=28h", "it delays nothing" },
		{ "delay", "before=2h", "of at most one hour" },
		{ "delay", "before=5ms-1ms", "before: '5ms-1ms'" },
		{ "delay", "after", "after: ''" },
		{ "trace", "size=1", "trace-size" },
		{ "trace", "on", "neither trace-file nor trace-pcap" },
		{ "nothing", "on", "there is no layer 'nothing'" },
		{ "delay", "release", "delay is off and keeps nothing" },
	};
	struct rig rig;

	layered_open(&rig);
	layered_set(&rig, "fault", "op=28h status=busy");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_error error = { "" };
		assert_true(spt_layer_set(rig.device, rows[i].layer, rows[i].text, &error) < 0);
		if (!strstr(error.text, rows[i].told))
			fail_msg("%s %s: '%s'", rows[i].layer, rows[i].text, error.text);
		assert_string_equal(layered_row(&rig, "fault").text, "op=28h status=busy");
		assert_true(layered_row(&rig, "fault").on);
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(chance),
		cmocka_unit_test(first_rule),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
