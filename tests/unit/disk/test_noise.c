/* SPDX-License-Identifier: MIT */
/*
 * Any CDB with any data: each is answered, moves no more than the initiator has room for, and comes
 * with sense when it is refused; afterwards the disk still works.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "disk/backend.h"
#include "rig.h"
#include "scsi/cdb.h"

#define DATA_MAX 8192u

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * sides >> 32);
}

static const uint8_t OPCODES[] = {
	0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1d, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x34,
	0x35, 0x41, 0x42, 0x55, 0x5a, 0x88, 0x89, 0x8a, 0x8b, 0x8e, 0x8f, 0x90, 0x91, 0x93, 0x9e, 0xa0,
	0xa3, 0xa8, 0xaa, 0xae, 0xaf,
};

/* Most of them without reserved bits and with small numbers, so that they are executed. */
static void tame(uint8_t *cdb)
{
	const struct cdb_command *c = cdb_find(cdb, 16, CDB_SBC);

	if (!c || !c->bytes || !dice(4))
		return;
	for (size_t i = 0; i < c->bytes; i++)
		cdb[i] &= c->usage[i];
	if (c->bytes == 16)
		memset(cdb + 2, 0, 6);
	if (c->bytes >= 10)
		cdb[c->bytes == 16 ? 10 : 2] = 0;
	if (cdb[0] == 0x1b && dice(4))
		cdb[4] |= 1; /* START */
	if (cdb[0] == 0x1a || cdb[0] == 0x5a)
		cdb[2] = (uint8_t)(dice(4) << 6 | 0x3f);
}

/* The data-out length; what WRITE SAME and COMPARE AND WRITE take has to be exact. */
static uint32_t throw_length(const uint8_t *cdb)
{
	uint32_t block = 512u << dice(4);

	if (dice(2) && (cdb[0] == 0x41 || cdb[0] == 0x93))
		return block;
	if (dice(2) && cdb[0] == 0x89 && cdb[13] < 4)
		return 2 * block * cdb[13] > DATA_MAX ? 0 : 2 * block * cdb[13];
	return dice(2) ? dice(DATA_MAX + 1) : 512 * dice(DATA_MAX / 512 + 1);
}

static void throw_bytes(uint8_t *p, size_t n, uint32_t one_in)
{
	for (size_t i = 0; i < n; i++)
		p[i] = dice(one_in) ? 0 : (uint8_t)dice(dice(2) ? 256 : 8);
}

static void send_noise(struct rig *rig)
{
	static uint8_t data[DATA_MAX];
	uint8_t cdb[16];
	struct rig_command c = { .cdb = cdb, .cdb_bytes = sizeof(cdb), .out = data };

	throw_bytes(cdb, sizeof(cdb), 2 + dice(8));
	cdb[0] = dice(50) ? OPCODES[dice(ARRAY_SIZE(OPCODES))] : (uint8_t)dice(256);
	if (cdb[0] == 0x9e)
		cdb[1] = (uint8_t)(dice(8) ? 0x10 + dice(3) : dice(256));
	if (cdb[0] == 0xa3)
		cdb[1] = 0x0c;
	tame(cdb);
	throw_bytes(data, 64, 1 + dice(8));
	c.out_bytes = throw_length(cdb);
	c.in_bytes = dice(2) ? dice(DATA_MAX + 1) : 0;
	c.nexus = (uint8_t)dice(RIG_NEXUSES);
	const struct rig_result *r = rig_send(rig, &c);
	assert_true(r->in_bytes <= c.in_bytes);
	assert_true(r->in_bytes <= r->in_would);
	if (r->status == SPT_CHECK_CONDITION)
		assert_true(r->sense_code == 0x70 || r->sense_code == 0x72);
	else
		assert_true(r->status == SPT_GOOD || r->status == SPT_RESERVATION_CONFLICT);
	/* Noise that reserves would keep the other nexuses out of the rest. */
	static const uint8_t release[16] = { 0x17 };
	if (cdb[0] == 0x16 || cdb[0] == 0x56) {
		c = (struct rig_command){ .cdb = release, .cdb_bytes = 16, .nexus = c.nexus };
		rig_send(rig, &c);
	}
}

static void expect_works(struct rig *rig)
{
	static const uint8_t control[16] = { 0, 0, 0, 0, 0x0a, 0x0a, 0x20, 0x10 };
	static uint8_t block[4096];

	for (int i = 0; i < 8; i++)
		rig_in(rig, CDB(0, 0, 0, 0, 0, 0), 0);
	assert_good(rig_in(rig, CDB(0x1b, 0, 0, 0, 1, 0), 0));
	assert_good(rig_out(rig, CDB(0x15, 0x10, 0, 0, 16, 0), control, 16));
	memset(block, 0x5f, sizeof(block));
	assert_good(rig_out(rig, CDB(0x2a, [8] = 1, [9] = 0), block, sizeof(block)));
	const struct rig_result *r = rig_in(rig, CDB(0x28, [8] = 1, [9] = 0), 512);
	assert_good(r);
	assert_memory_equal(r->in, block, 512);
}

static void make_noise(const struct spt_backend_ops *backend, const char *const *options,
	int rounds)
{
	struct rig rig;

	assert_int_equal(rig_open(&rig, backend, options, NULL), 0);
	for (int i = 0; i < rounds; i++) {
		seed = (uint32_t)i * 2654435761u + 1;
		send_noise(&rig);
		if (i % 500 == 499)
			expect_works(&rig);
	}
	rig_close(&rig);
}

static void test_mem(void **state)
{
	static const char *const options[] = { "size=1M", NULL };

	make_noise(&spt_backend_mem, options, 40000);
}

static void test_mem_large_blocks(void **state)
{
	static const char *const options[] = { "size=4M", "block-size=4K", "thin=no", NULL };

	make_noise(&spt_backend_mem, options, 10000);
}

static void test_file(void **state)
{
	char path[64], option[80];
	const char *const options[] = { option, "size=1M", "block-size=1K", NULL };

	snprintf(path, sizeof(path), "noise-%d.img", (int)getpid());
	snprintf(option, sizeof(option), "path=%s", path);
	make_noise(&spt_backend_file, options, 4000);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem),
		cmocka_unit_test(test_mem_large_blocks),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
