/* SPDX-License-Identifier: MIT */
/* Reservations over two loops: who may do what (SPC-5 table 64), and what each service action does. */
#include "base/util.h"
#include "persist.h"

static void open_three(struct rig *rig)
{
	rig_open(rig, NULL);
	rig_start(rig, 0, 0);
	rig_start(rig, 1, 1);
	rig_start(rig, 2, 1);
}

/*
 * What a nexus may still send to a device that is reserved: under RESERVE of another nexus, under Write Exclusive, under
 * Exclusive Access (not registered). A allowed, C conflict.
 */
struct access {
	uint8_t opcode, byte_1, byte_4, byte_6;
	const char *answers;
	const char *name;
};

/* SPC-2 table 9, SPC-5 table 64: commands of every type. */
static const struct access OF_ANY[] = {
	{ 0x00, 0, 0, 0, "CAA", "TEST UNIT READY" },
	{ 0x03, 0, 18, 0, "AAA", "REQUEST SENSE" },
	{ 0x12, 0, 36, 0, "AAA", "INQUIRY" },
	{ 0xa0, 0, 0, 0, "AAA", "REPORT LUNS" },
	{ 0x4d, 0, 0, 0, "AAA", "LOG SENSE" },
	{ 0x4c, 0, 0, 0, "CCC", "LOG SELECT" },
	{ 0x1a, 0, 0, 0, "CAC", "MODE SENSE(6)" },
	{ 0x5a, 0, 0, 0, "CAC", "MODE SENSE(10)" },
	{ 0x15, 0, 0, 0, "CCC", "MODE SELECT(6)" },
	{ 0x55, 0, 0, 0, "CCC", "MODE SELECT(10)" },
	{ 0x5e, 0, 0, 0, "CAA", "PERSISTENT RESERVE IN" },
	{ 0x1e, 0, 0, 0, "AAA", "PREVENT ALLOW, allow" },
	{ 0x1e, 0, 1, 0, "CCC", "PREVENT ALLOW, prevent" },
	{ 0x1c, 0, 0, 0, "CAC", "RECEIVE DIAGNOSTIC RESULTS" },
	{ 0x1d, 0, 0, 0, "CCC", "SEND DIAGNOSTIC" },
	{ 0x3c, 0, 0, 0, "CAC", "READ BUFFER" },
	{ 0x3b, 0, 0, 0, "CCC", "WRITE BUFFER" },
	{ 0x8c, 0, 0, 0, "CAC", "READ ATTRIBUTE" },
	{ 0x8d, 0, 0, 0, "CCC", "WRITE ATTRIBUTE" },
	{ 0x86, 0, 0, 0, "AAA", "ACCESS CONTROL IN" },
	{ 0xa3, 0x05, 0, 0, "CAA", "REPORT IDENTIFYING INFORMATION" },
	{ 0xa3, 0x0b, 0, 0, "CAA", "REPORT ALIASES" },
	{ 0xa3, 0x0c, 0, 0, "CAC", "REPORT SUPPORTED OPERATION CODES" },
	{ 0xa3, 0x0d, 0, 0, "CAC", "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS" },
	{ 0xa3, 0x0e, 0, 0, "CAA", "REPORT PRIORITY" },
	{ 0xa3, 0x0f, 0, 0, "CAA", "REPORT TIMESTAMP" },
	{ 0xa4, 0x0f, 0, 0, "CCC", "SET TIMESTAMP" },
	{ 0xab, 0x01, 0, 0, "AAA", "READ MEDIA SERIAL NUMBER" },
	{ 0xa2, 0, 0, 0, "CAC", "SECURITY PROTOCOL IN" },
	{ 0xb5, 0, 0, 0, "CCC", "SECURITY PROTOCOL OUT" },
	{ 0xc1, 0, 0, 0, "CCC", "vendor specific" },
};

/* SPC-2 table 9, SPC-5 5.14.3. */
static const struct access OF_SPC2[] = {
	{ 0x16, 0, 0, 0, "CCC", "RESERVE(6)" },
	{ 0x17, 0, 0, 0, "ACC", "RELEASE(6)" },
};

/* SBC-2 and SBC-4, their tables of reservations. */
static const struct access OF_DISK[] = {
	{ 0x08, 0, 0, 0, "CAC", "READ(6)" },
	{ 0x28, 0, 0, 0, "CAC", "READ(10)" },
	{ 0x88, 0, 0, 0, "CAC", "READ(16)" },
	{ 0x2f, 0, 0, 0, "CAC", "VERIFY(10)" },
	{ 0x34, 0, 0, 0, "CAC", "PRE-FETCH(10)" },
	{ 0x9e, 0x12, 0, 0, "CAC", "GET LBA STATUS" },
	{ 0x2a, 0, 0, 0, "CCC", "WRITE(10)" },
	{ 0x8a, 0, 0, 0, "CCC", "WRITE(16)" },
	{ 0x41, 0, 0, 0, "CCC", "WRITE SAME(10)" },
	{ 0x93, 0, 0, 0, "CCC", "WRITE SAME(16)" },
	{ 0x42, 0, 0, 0, "CCC", "UNMAP" },
	{ 0x89, 0, 0, 0, "CCC", "COMPARE AND WRITE" },
	{ 0x35, 0, 0, 0, "CCC", "SYNCHRONIZE CACHE(10)" },
	{ 0x04, 0, 0, 0, "CCC", "FORMAT UNIT" },
	{ 0x25, 0, 0, 0, "AAA", "READ CAPACITY(10)" },
	{ 0x9e, 0x10, 0, 0, "AAA", "READ CAPACITY(16)" },
	{ 0x1b, 0, 0x01, 0, "CAA", "START STOP UNIT, start" },
	{ 0x1b, 0, 0x00, 0, "CCC", "START STOP UNIT, stop" },
	{ 0x1b, 0, 0x11, 0, "CCC", "START STOP UNIT, power condition" },
	{ 0x1b, 0, 0x02, 0, "CCC", "START STOP UNIT, eject" },
	{ 0x37, 0, 0, 0, "CAC", "READ DEFECT DATA(10)" },
};

/* ZBC-2, its table of reservations. */
static const struct access OF_ZONED[] = {
	{ 0x95, 0x00, 0, 0, "CAC", "REPORT ZONES" },
	{ 0x94, 0x04, 0, 0, "CCC", "RESET WRITE POINTER" },
};

/* SSC-3, its table of reservations. */
static const struct access OF_TAPE[] = {
	{ 0x05, 0, 0, 0, "AAA", "READ BLOCK LIMITS" },
	{ 0x44, 0, 0, 0, "AAA", "REPORT DENSITY SUPPORT" },
	{ 0x34, 0, 0, 0, "CAC", "READ POSITION" },
	{ 0x08, 0, 0, 0, "CAC", "READ(6)" },
	{ 0x0f, 0, 0, 0, "CAC", "READ REVERSE(6)" },
	{ 0x11, 0, 0, 0, "CAC", "SPACE(6)" },
	{ 0x2b, 0, 0, 0, "CAC", "LOCATE(10)" },
	{ 0x92, 0, 0, 0, "CAC", "LOCATE(16)" },
	{ 0x01, 0, 0, 0, "CAC", "REWIND" },
	{ 0x13, 0, 0, 0, "CAC", "VERIFY(6)" },
	{ 0x0a, 0, 0, 0, "CCC", "WRITE(6)" },
	{ 0x10, 0, 0, 0, "CCC", "WRITE FILEMARKS(6)" },
	{ 0x19, 0, 0, 0, "CCC", "ERASE(6)" },
	{ 0x04, 0, 0, 0, "CCC", "FORMAT MEDIUM" },
	{ 0x1b, 0, 0x01, 0, "CCC", "LOAD UNLOAD, load" },
	{ 0x0b, 0, 0, 0, "CCC", "SET CAPACITY" },
};

/* SMC-3, its table of reservations. */
static const struct access OF_CHANGER[] = {
	{ 0xb8, 0, 0, 0x00, "CAC", "READ ELEMENT STATUS" },
	{ 0xb8, 0, 0, 0x02, "AAA", "READ ELEMENT STATUS, CURDATA" },
	{ 0xa5, 0, 0, 0, "CCC", "MOVE MEDIUM" },
	{ 0xa6, 0, 0, 0, "CCC", "EXCHANGE MEDIUM" },
	{ 0x07, 0, 0, 0, "CCC", "INITIALIZE ELEMENT STATUS" },
	{ 0x2b, 0, 0, 0, "CCC", "POSITION TO ELEMENT" },
	{ 0x1b, 0, 0x01, 0, "CCC", "OPEN/CLOSE IMPORT/EXPORT ELEMENT" },
	{ 0xb6, 0, 0, 0, "CCC", "SEND VOLUME TAG" },
};

/* MMC has no table of its own; as SBC-4. */
static const struct access OF_OPTICAL[] = {
	{ 0x28, 0, 0, 0, "CAC", "READ(10)" },
	{ 0x43, 0, 0, 0, "CAC", "READ TOC/PMA/ATIP" },
	{ 0x2a, 0, 0, 0, "CCC", "WRITE(10)" },
	{ 0xa1, 0, 0, 0, "CCC", "BLANK" },
	{ 0xa6, 0, 0x02, 0, "CCC", "LOAD/UNLOAD MEDIUM" },
};

/* SPC-5 table 64, SBC-4 table 13 by every type: nexus 0 holds, 1 is registered, 2 is not. */
static void access_while_held(const struct access *rows, size_t n, uint8_t type, bool exclusive, bool registrants)
{
	struct rig rig;
	struct job job;

	open_three(&rig);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 1, REGISTER, 0, 0, 2), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, type, 1), GOOD);
	for (size_t i = 0; i < n; i++) {
		unsigned kept = rows[i].answers[exclusive ? 2 : 1] == 'A' ? GOOD : CONFLICT;
		unsigned want[] = { GOOD, registrants ? GOOD : kept, kept };
		for (unsigned s = 0; s < 3; s++) {
			unsigned got = plain(&rig, s, &job, rows[i].opcode, rows[i].byte_1, rows[i].byte_4);
			if (got != want[s])
				fail_msg("%s: type %02x: nexus %u: status %02x, not %02x", rows[i].name, type, s, got,
					want[s]);
		}
	}
	assert_int_equal(OUT(&rig, 2, RESERVE, type, 1), CONFLICT);
	rig_close(&rig);
}

static void access_table(void **state)
{
	static const struct {
		uint8_t type;
		bool exclusive, registrants;
	} types[] = {
		{ WE, false, false }, { EA, true, false }, { WERO, false, true },
		{ EARO, true, true }, { WEAR, false, true }, { EAAR, true, true },
	};

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		access_while_held(OF_ANY, ARRAY_SIZE(OF_ANY), types[t].type, types[t].exclusive, types[t].registrants);
		access_while_held(OF_DISK, ARRAY_SIZE(OF_DISK), types[t].type, types[t].exclusive, types[t].registrants);
	}
}

/* Nexus 0 reserves a device of @device_type by @type, 0 by RESERVE; the answer to nexus 1. */
static unsigned answer_to(const struct access *a, uint8_t device_type, uint8_t type)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig.fake->type = device_type;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	if (type) {
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
		assert_int_equal(OUT(&rig, 0, RESERVE, type, 1), GOOD);
	} else {
		assert_int_equal(command(&rig, 0, 0x16), GOOD);
	}
	rig.fake->inline_good = true;
	job_init(&job, &rig, 1, 0x7200);
	job.task.cdb[0] = a->opcode;
	job.task.cdb[1] = a->byte_1;
	job.task.cdb[4] = a->byte_4;
	job.task.cdb[6] = a->byte_6;
	job_run(&rig, &job);
	rig_settle(&rig);
	rig_close(&rig);
	return job.status;
}

static void access_of(const struct access *rows, size_t n, uint8_t device_type)
{
	static const uint8_t types[] = { 0, WE, EA };

	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
			unsigned want = rows[i].answers[k] == 'A' ? GOOD : CONFLICT;
			unsigned got = answer_to(&rows[i], device_type, types[k]);
			if (got != want)
				fail_msg("%s: type %02x: status %02x, not %02x", rows[i].name, types[k],
					got, want);
		}
	}
}

static void access_by_type(void **state)
{
	access_of(OF_ANY, ARRAY_SIZE(OF_ANY), 0x00);
	access_of(OF_SPC2, ARRAY_SIZE(OF_SPC2), 0x00);
	access_of(OF_DISK, ARRAY_SIZE(OF_DISK), 0x00);
	access_of(OF_ZONED, ARRAY_SIZE(OF_ZONED), 0x14);
	access_of(OF_TAPE, ARRAY_SIZE(OF_TAPE), 0x01);
	access_of(OF_CHANGER, ARRAY_SIZE(OF_CHANGER), 0x08);
	access_of(OF_OPTICAL, ARRAY_SIZE(OF_OPTICAL), 0x05);
}

/* SPC-2 5.5.1, 7.20, 7.16: RESERVE and RELEASE, and what ends them. */
static void spc2(void **state)
{
	struct rig rig;
	struct tmf_job tmf;
	int stopped = 0;

	open_three(&rig);
	for (unsigned ten = 0; ten < 2; ten++) {
		uint8_t reserve = ten ? 0x56 : 0x16, release = ten ? 0x57 : 0x17;
		assert_int_equal(command(&rig, 0, reserve), GOOD);
		assert_int_equal(command(&rig, 0, reserve), GOOD);
		assert_int_equal(command(&rig, 1, reserve), CONFLICT);
		assert_int_equal(command(&rig, 1, 0x00), CONFLICT);
		assert_int_equal(command(&rig, 1, 0x28), CONFLICT);
		assert_int_equal(command(&rig, 1, 0x12), GOOD);
		assert_int_equal(command(&rig, 1, 0x03), GOOD);
		assert_int_equal(command(&rig, 1, 0x1e), GOOD);
		assert_int_equal(command(&rig, 0, 0x28), GOOD);
		assert_int_equal(command(&rig, 0, 0x5e), CONFLICT);
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), CONFLICT);
		assert_int_equal(command(&rig, 1, release), GOOD);
		assert_int_equal(command(&rig, 1, 0x00), CONFLICT);
		assert_int_equal(command(&rig, 0, release), GOOD);
		assert_int_equal(command(&rig, 1, 0x00), GOOD);
	}
	for (unsigned f = SPT_TMF_LOGICAL_UNIT_RESET; f <= SPT_TMF_TARGET_COLD_RESET; f++) {
		assert_int_equal(command(&rig, 0, 0x16), GOOD);
		tmf_run(&rig, &tmf, 1, (uint8_t)f, RIG_LUN);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(attention(&rig, 1), 0x2903);
		assert_int_equal(attention(&rig, 0), 0x2903);
		assert_int_equal(command(&rig, 1, 0x00), GOOD);
	}
	assert_int_equal(command(&rig, 0, 0x16), GOOD);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 1);
	assert_int_equal(command(&rig, 1, 0x00), GOOD);
	rig_close(&rig);
}

/* SPC-5 5.14.3, CRH one. */
static void spc2_beside_persistent(void **state)
{
	struct rig rig;

	open_three(&rig);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 1, REGISTER, 0, 0, 2), GOOD);
	assert_int_equal(command(&rig, 0, 0x16), CONFLICT);
	assert_int_equal(command(&rig, 2, 0x16), CONFLICT);
	assert_int_equal(command(&rig, 0, 0x17), CONFLICT);
	assert_int_equal(OUT(&rig, 0, RESERVE, EA, 1), GOOD);
	assert_int_equal(command(&rig, 0, 0x16), GOOD);
	assert_int_equal(command(&rig, 0, 0x17), GOOD);
	assert_int_equal(command(&rig, 1, 0x16), CONFLICT);
	assert_int_equal(command(&rig, 0, 0x5e), GOOD); /* none was established */
	rig_close(&rig);
}

/* A row: nexus, action, type, key, service action key; what is answered; attentions for 0, 1, 2. */
struct step {
	unsigned nexus;
	struct out out;
	unsigned want, attention[3];
};

#define STEPS(...) ((const struct step[]){ __VA_ARGS__, { .want = 99 } })
#define R(n, k) { n, { REGISTER, 0, 0, k }, GOOD }

static void actions(void **state)
{
	const struct {
		const struct step *steps;
		uint32_t keys, generation;
		uint8_t type; /* of the reservation at the end; 0: none */
	} rows[] = {
		/* SPC-5 tables 65, 66: registering */
		{ STEPS({ 0, { REGISTER, 0, 7, 1 }, CONFLICT }, R(0, 1), { 0, { REGISTER, 0, 9, 2 }, CONFLICT },
			{ 0, { REGISTER, 0, 1, 2 }, GOOD }, { 1, { REGISTER, 0, 0, 0 }, GOOD },
			{ 1, { REGISTER_AND_IGNORE, 0, 99, 5 }, GOOD }, { 1, { REGISTER_AND_IGNORE, 0, 98, 6 }, GOOD },
			{ 1, { REGISTER, 0, 6, 0 }, GOOD }), 1, 5, 0 },
		/* parameters that are refused */
		{ STEPS({ 0, { REGISTER, 0, 0, 1, 0x08 }, 0x1a00 },
			{ 0, { RESERVE, WE, 0, 0, 0x08 }, 0x2600 }, { 0, { REGISTER_AND_IGNORE, 0, 0, 1, 0x08 }, 0x2600 },
			{ 0, { REGISTER, 0, 0, 1, 0x01 }, 0x2600 }, { 0, { REGISTER, 0, 0, 1, 0, 23 }, 0x1a00 },
			{ 0, { REGISTER, 0, 0, 1, 0, 28 }, 0x1a00 }, { 0, { 8, 0, 0, 1 }, 0x2400 },
			{ 0, { 0x1f, 0, 0, 1 }, 0x2400 }), 0, 0, 0 },
		/* 5.14.9: reserving */
		{ STEPS({ 0, { RESERVE, WE, 0 }, CONFLICT }, R(0, 1), R(1, 2), { 0, { RESERVE, WE, 2 }, CONFLICT },
			{ 0, { RESERVE, 0, 1 }, 0x2400 }, { 0, { RESERVE, 2, 1 }, 0x2400 }, { 0, { RESERVE, 9, 1 }, 0x2400 },
			{ 0, { RESERVE, 0x11, 1 }, 0x2400 },
			{ 0, { RESERVE, WE, 1 }, GOOD }, { 0, { RESERVE, WE, 1 }, GOOD }, { 0, { RESERVE, EA, 1 }, CONFLICT },
			{ 1, { RESERVE, WE, 2 }, CONFLICT }), 2, 2, WE },
		/* 5.14.11.2: releasing; who shares it is told */
		{ STEPS(R(0, 1), R(1, 2), { 0, { RELEASE, WE, 1 }, GOOD }, { 0, { RESERVE, EA, 1 }, GOOD },
			{ 1, { RELEASE, EA, 2 }, GOOD }, { 0, { RELEASE, WE, 1 }, 0x2604 },
			{ 0, { RELEASE, EA, 1 }, GOOD }, { 0, { RESERVE, WERO, 1 }, GOOD },
			{ 0, { RELEASE, WERO, 1 }, GOOD, { 0, 0x2a04, 0 } }, { 0, { RESERVE, EAAR, 1 }, GOOD },
			{ 1, { RELEASE, EAAR, 2 }, GOOD, { 0x2a04, 0, 0 } }), 2, 2, 0 },
		/* 5.14.11.3: unregistering the holder, and the last of all registrants */
		{ STEPS(R(0, 1), R(1, 2), { 0, { RESERVE, EARO, 1 }, GOOD }, { 0, { REGISTER, 0, 1, 0 }, GOOD, { 0, 0x2a04, 0 } }), 1, 3, 0 },
		{ STEPS(R(0, 1), R(1, 2), { 0, { RESERVE, WEAR, 1 }, GOOD }, { 0, { REGISTER, 0, 1, 0 }, GOOD }), 1, 3, WEAR },
		{ STEPS(R(0, 1), { 0, { RESERVE, WEAR, 1 }, GOOD }, { 0, { REGISTER, 0, 1, 0 }, GOOD }), 0, 2, 0 },
		/* 5.14.11.6: clearing */
		{ STEPS(R(0, 1), R(1, 2), { 0, { RESERVE, EA, 1 }, GOOD }, { 2, { CLEAR, 0, 2 }, CONFLICT },
			{ 1, { CLEAR, 0, 2 }, GOOD, { 0x2a03, 0, 0 } }), 0, 3, 0 },
		/* 5.14.11.4: preempting a reservation, registrations, all registrants */
		{ STEPS(R(0, 1), R(1, 2), R(2, 3), { 0, { RESERVE, EA, 1 }, GOOD }, { 1, { PREEMPT, EA, 1, 1 }, CONFLICT },
			{ 1, { PREEMPT, EA, 2, 1 }, GOOD, { 0x2a05, 0, 0 } }, { 1, { RESERVE, EA, 2 }, GOOD }), 2, 4, EA },
		{ STEPS(R(0, 1), R(1, 2), R(2, 3), { 0, { RESERVE, EA, 1 }, GOOD },
			{ 1, { PREEMPT, WE, 2, 1 }, GOOD, { 0x2a05, 0, 0x2a04 } }), 2, 4, WE },
		{ STEPS(R(0, 1), R(1, 2), R(2, 2), { 0, { RESERVE, EA, 1 }, GOOD }, { 0, { PREEMPT, EA, 1, 2 }, GOOD, { 0, 0x2a05, 0x2a05 } },
			{ 0, { PREEMPT, EA, 1, 2 }, CONFLICT }, { 0, { PREEMPT, EA, 1, 0 }, 0x2600 }), 1, 4, EA },
		{ STEPS(R(0, 1), R(1, 2), R(2, 3), { 0, { RESERVE, EAAR, 1 }, GOOD }, { 1, { PREEMPT, EAAR, 2, 3 }, GOOD, { 0, 0, 0x2a05 } },
			{ 1, { PREEMPT, WE, 2, 0 }, GOOD, { 0x2a05, 0, 0 } }), 1, 5, WE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;

		open_three(&rig);
		for (const struct step *s = rows[i].steps; s->want != 99; s++) {
			assert_int_equal(out(&rig, s->nexus, &s->out), s->want);
			for (unsigned n = 0; n < 3; n++)
				assert_int_equal(attention(&rig, n), s->attention[n]);
		}
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 0, 0), GOOD);
		assert_int_equal(be32_get(job.in), rows[i].generation);
		assert_int_equal(be32_get(job.in + 4), 8 * rows[i].keys);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 1, 0), GOOD);
		assert_int_equal(be32_get(job.in + 4), rows[i].type ? 16 : 0);
		if (rows[i].type)
			assert_int_equal(job.in[21], rows[i].type);
		rig_close(&rig);
	}
}

/* SPC-5 6.16.4, 6.16.5, 7.6.4.6. */
static void capabilities_and_full_status(void **state)
{
	static const char name[] = "iqn.2026-11.org.example:a,i,0x800000000000";
	struct rig rig;
	struct job job;

	open_three(&rig);
	assert_int_equal(plain(&rig, 0, &job, 0x5e, 2, 0), GOOD);
	assert_memory_equal(job.in, ((uint8_t[]){ 0, 8, 0x1c, 0xc0, 0xea, 0x01, 0, 0 }), 8);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 0x1122334455667788), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, EARO, 0x1122334455667788), GOOD);
	assert_int_equal(plain(&rig, 2, &job, 0x5e, 3, 0), GOOD);
	assert_int_equal(be32_get(job.in + 4), 24 + 4 + 44);
	assert_true(be64_get(job.in + 8) == 0x1122334455667788);
	assert_int_equal(job.in[20], 1);
	assert_int_equal(job.in[21], EARO);
	assert_int_equal(be16_get(job.in + 26), 1);
	assert_int_equal(be32_get(job.in + 28), 48);
	assert_int_equal(job.in[32], 0x45);
	assert_int_equal(be16_get(job.in + 34), 44);
	assert_memory_equal(job.in + 36, name, sizeof(name));
	assert_int_equal(plain(&rig, 2, &job, 0x5e, 4, 0), 0x2400);
	rig_close(&rig);
}

/* Registrations belong to names: a new session of the nexus has what the old one had. */
static void outlives_the_session(void **state)
{
	struct rig rig;
	int stopped = 0;

	open_three(&rig);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, EA, 1), GOOD);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(command(&rig, 1, 0x28), CONFLICT);
	rig_start(&rig, 0, 1);
	assert_int_equal(command(&rig, 0, 0x28), GOOD);
	rig_start(&rig, 3, 0);
	assert_int_equal(command(&rig, 3, 0x28), CONFLICT);
	rig_close(&rig);
}

/* SPC-5 5.14.11.5: tasks of the preempted end on their loop before the answer; those of others stay. */
static void preempt_and_abort(void **state)
{
	struct rig rig;
	struct job theirs, others, answer;

	rig_open(&rig, &(struct rig_params){ .escalation = { .wait_us = 1000000 } });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	rig_start(&rig, 2, 1);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 1, REGISTER, 0, 0, 2), GOOD);
	rig.fake->inline_good = false;
	job_init(&theirs, &rig, 1, 1);
	job_run(&rig, &theirs);
	job_init(&others, &rig, 2, 1);
	job_run(&rig, &others);
	out_start(&rig, &answer, 0, &(struct out){ PREEMPT_AND_ABORT, EA, 1, 2 });
	rig_settle(&rig);
	assert_int_equal(answer.done, 0);
	assert_int_equal(rig.fake->cancelled, 1);
	fake_complete_task(rig_channel(&rig, 1), &theirs.task);
	rig_settle(&rig);
	assert_int_equal(theirs.outcome, SPT_ABORTED);
	assert_int_equal(answer.done, 1);
	assert_int_equal(answer.status, GOOD);
	assert_int_equal(others.done, 0);
	fake_complete_task(rig_channel(&rig, 2), &others.task);
	assert_int_equal(others.status, GOOD);
	assert_int_equal(attention(&rig, 1), 0x2a05);
	rig_close(&rig);
}

/* A far side that keeps nexus state keeps this, too. */
static void per_nexus_passes_by(void **state)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	assert_int_equal(command(&rig, 0, 0x16), GOOD);
	assert_int_equal(command(&rig, 1, 0x16), GOOD);
	assert_int_equal(rig.fake->submits, 2);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_table),
		cmocka_unit_test(access_by_type),
		cmocka_unit_test(spc2),
		cmocka_unit_test(spc2_beside_persistent),
		cmocka_unit_test(actions),
		cmocka_unit_test(capabilities_and_full_status),
		cmocka_unit_test(outlives_the_session),
		cmocka_unit_test(preempt_and_abort),
		cmocka_unit_test(per_nexus_passes_by),
	};

	return cmocka_run_group_tests_name("core-reservation", tests, NULL, NULL);
}
