/* SPDX-License-Identifier: MIT */
/* Opening a disk: options that contradict each other, and the identity that comes of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "disk/backend.h"
#include "disk/identity.h"
#include "rig.h"

static struct rig rig;

static void test_bad_options(void **state)
{
	static const struct {
		const struct spt_backend_ops *backend;
		const char *options[4];
		int result;
		const char *told;
	} rows[] = {
		{ &spt_backend_mem, { "size=1000" }, -ERANGE, "size" },
		{ &spt_backend_mem, { "size=5000" }, -EINVAL, "not whole blocks" },
		{ &spt_backend_mem, { "size=1M", "block-size=768" }, -EINVAL, "power of two" },
		{ &spt_backend_mem, { "size=1M", "block-size=8K" }, -ERANGE, "block-size" },
		{ &spt_backend_mem, { "size=1M", "block-size=4K", "physical-block-size=512" },
			-EINVAL,
			"physical-block-size" },
		{ &spt_backend_mem, { "size=1M", "physical-block-size=3K" }, -EINVAL,
			"physical-block-size" },
		{ &spt_backend_mem, { "size=1M", "vendor=TOO LONG A NAME" }, -ERANGE, "vendor" },
		{ &spt_backend_mem, { "size=1M", "product=a\tb" }, -EINVAL, "product" },
		{ &spt_backend_mem, { "size=1M", "serial=\xc3\xa4" }, -EINVAL, "serial" },
		{ &spt_backend_mem, { "size=1M", "naa=1234567812345678" }, -EINVAL, "naa" },
		{ &spt_backend_mem, { "size=1M", "naa=500000000000000g" }, -EINVAL, "hexadecimal" },
		{ &spt_backend_mem, { "size=1M", "naa=60000000000000000" }, -EINVAL, "naa" },
		{ &spt_backend_file, { "path=/nonexistent/disk.img" }, -ENOENT,
			"/nonexistent/disk.img" },
		{ &spt_backend_file, { "path=/dev/zero" }, -EINVAL, "neither" },
		{ &spt_backend_file, { "path=/dev/null", "io=magic" }, -EINVAL, "uring" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_error e = { "" };
		const char *options[ARRAY_SIZE(rows[i].options) + 1] = { NULL };
		memcpy(options, rows[i].options, sizeof(rows[i].options));
		assert_int_equal(rig_open(&rig, rows[i].backend, options, &e), rows[i].result);
		if (!strstr(e.text, rows[i].told))
			fail_msg("'%s' does not tell of '%s'", e.text, rows[i].told);
	}
}

static struct disk_identity identity(uint64_t machine, const char *name)
{
	struct spt_option_value v[DISK_FILE_OPTIONS] = { 0 };
	const struct spt_open open = { .name = name, .identity = machine, .values = v };
	struct disk_identity id;

	v[OPTION_VENDOR].text = "SPTGT";
	v[OPTION_PRODUCT].text = "VIRTUAL DISK";
	v[OPTION_REVISION].text = "0001";
	assert_int_equal(disk_identity_make(&open, NULL, &id), 0);
	return id;
}

/* The same machine and name: the same identity; another of either: another. */
static void test_default_identity(void **state)
{
	struct disk_identity a = identity(1, "scratch"), b = identity(1, "scratch");
	struct disk_identity c = identity(1, "scratch2"), d = identity(2, "scratch");

	assert_string_equal(a.serial, b.serial);
	assert_memory_equal(a.naa, b.naa, 8);
	assert_string_not_equal(a.serial, c.serial);
	assert_string_not_equal(a.serial, d.serial);
	assert_memory_not_equal(a.naa, c.naa, 8);
	assert_memory_not_equal(a.naa, d.naa, 8);
	assert_int_equal(a.naa[0] >> 4, 3); /* locally assigned */
	assert_int_equal(strlen(a.serial), 16);
}

/* SPC-5 7.7.6; RFC 7143 4.4.2 (the name of the target port): every designator of the page, by type and association. */
static void test_designators(void **state)
{
	static const char *const options[] = { "size=1M", "serial=S1",
		"naa=600140512345678900000000000000ab", "vendor=ACME", NULL };
	static const struct {
		uint8_t protocol_code, flags_type, bytes;
		const char *payload;
	} rows[] = {
		{ 0x01, 0x03, 16, "\x60\x01\x40\x51\x23\x45\x67\x89\0\0\0\0\0\0\0\xab" },
		{ 0x02, 0x01, 10, "ACME    S1" },
		{ 0x51, 0x94, 4, "\0\0\0\3" },
		{ 0x51, 0x95, 4, "\0\0\0\7" },
		{ 0x53, 0x98, 40, "iqn.2026-11.org.example:disk,t,0x0007\0\0\0" },
		{ 0x53, 0xa8, 32, "iqn.2026-11.org.example:disk\0\0\0" },
	};
	assert_int_equal(rig_open(&rig, &spt_backend_mem, options, NULL), 0);
	const struct rig_result *r = rig_in(&rig, CDB(0x12, 1, 0x83, 1, 0, 0), 256);
	assert_good(r);
	assert_int_equal(be16_get(r->in + 2), r->in_bytes - 4);
	const uint8_t *p = r->in + 4;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(p[0], rows[i].protocol_code);
		assert_int_equal(p[1], rows[i].flags_type);
		assert_int_equal(p[3], rows[i].bytes);
		assert_memory_equal(p + 4, rows[i].payload, rows[i].bytes);
		p += 4 + p[3];
	}
	assert_ptr_equal(p, r->in + r->in_bytes);
	rig_close(&rig);
}

static void test_geometry(void **state)
{
	static const char *const options[] = { "size=1M", "block-size=1K", "physical-block-size=4K",
		"rotation-rate=7200", NULL };

	assert_int_equal(rig_open(&rig, &spt_backend_mem, options, NULL), 0);
	const struct rig_result *r = rig_in(&rig, CDB(0x9e, 0x10, [13] = 32, [15] = 0), 32);
	assert_int_equal(be64_get(r->in), 1023);
	assert_int_equal(be32_get(r->in + 8), 1024);
	assert_int_equal(r->in[13], 2);
	r = rig_in(&rig, CDB(0x12, 1, 0xb1, 0, 64, 0), 64);
	assert_int_equal(be16_get(r->in + 4), 7200);
	r = rig_in(&rig, CDB(0x12, 1, 0xb0, 0, 64, 0), 64);
	assert_int_equal(be16_get(r->in + 6), 4);
	assert_int_equal(be32_get(r->in + 28), 4);
	r = rig_in(&rig, CDB(0x1a, 0, 8, 0, 64, 0), 64);
	assert_int_equal(be32_get(r->in + 4), 1024);
	assert_int_equal(be24_get(r->in + 9), 1024);
	struct spt_properties p;
	spt_device_properties(rig.device, &p);
	assert_int_equal(p.block_bytes, 1024);
	assert_int_equal(p.blocks, 1024);
	rig_close(&rig);
}

/* A logical unit reset brings the mode parameters back. */
static void test_reset(void **state)
{
	static const char *const options[] = { "size=1M", NULL };
	static const uint8_t control[16] = { 0, 0, 0, 0, 0x0a, 0x0a, 0x24, 0x10, 0x08 };
	uint8_t block[512] = { 0 };

	assert_int_equal(rig_open(&rig, &spt_backend_mem, options, NULL), 0);
	assert_good(rig_out(&rig, CDB(0x15, 0x10, 0, 0, 16, 0), control, 16));
	assert_good(rig_in(&rig, CDB(0x1b, 0, 0, 0, 0, 0), 0));
	rig_reset(&rig);
	assert_good(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), block, 512));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_default_identity),
		cmocka_unit_test(test_designators),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
