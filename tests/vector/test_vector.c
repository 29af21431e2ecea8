/* SPDX-License-Identifier: MIT */
/* The builders of lib/scsi against octets written down by hand from the standards: scsi.vec. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spt/sense.h>

#include "base/util.h"
#include "scsi/inquiry.h"
#include "scsi/mode.h"
#include "scsi/vpd.h"

#define BYTES_MAX 1024

static size_t built_bytes;
static uint8_t built[BYTES_MAX];

static void finish_page(struct writer *w)
{
	assert_int_equal(vpd_end(w), 0);
	built_bytes = wr_len(w);
}

static void build_inquiry(void)
{
	const struct inquiry i = {
		.vendor = "SPTGT",
		.product = "VIRTUAL DISK",
		.revision = "0001",
		.versions = { VERSION_SAM_5, VERSION_SPC_4, VERSION_SBC_3, VERSION_ISCSI },
	};
	inquiry_build(&i, built);
	built_bytes = INQUIRY_BYTES;
}

static struct writer page(uint8_t code)
{
	struct writer w = wr_init(built, sizeof(built));
	vpd_begin(&w, 0, code);
	return w;
}

static void build_00(void)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83 };
	struct writer w = page(VPD_SUPPORTED_PAGES);
	vpd_supported_pages(&w, pages, sizeof(pages));
	finish_page(&w);
}

static void build_80(void)
{
	struct writer w = page(VPD_UNIT_SERIAL_NUMBER);
	vpd_serial_number(&w, "1234");
	finish_page(&w);
}

static void build_83(void)
{
	static const uint8_t naa[] = { 0x3f, 0xed, 0xcb, 0xa9, 0x87, 0x65, 0x43, 0x21 };
	struct writer w = page(VPD_DEVICE_IDENTIFICATION);
	vpd_naa(&w, naa, sizeof(naa));
	vpd_t10_vendor(&w, "SPTGT", "s1");
	vpd_scsi_name(&w, VPD_TARGET_PORT, "iqn.x,t,0x0002");
	vpd_relative_port(&w, 1);
	vpd_port_group(&w, 2);
	finish_page(&w);
}

static void build_b0(void)
{
	static const struct vpd_block_limits limits = {
		.write_same_nonzero = true,
		.compare_and_write_blocks = 255,
		.granularity_blocks = 8,
		.max_transfer_blocks = 0x8000,
		.optimal_transfer_blocks = 0x800,
		.max_unmap_blocks = 0x100000,
		.max_unmap_descriptors = 0x100,
		.unmap_granularity_blocks = 8,
		.unmap_alignment_valid = true,
		.unmap_alignment_blocks = 2,
		.max_write_same_blocks = 0xffff,
	};
	struct writer w = page(VPD_BLOCK_LIMITS);
	vpd_block_limits(&w, &limits);
	finish_page(&w);
}

static void build_b1(void)
{
	struct writer w = page(VPD_BLOCK_CHARACTERISTICS);
	vpd_block_characteristics(&w, 1);
	finish_page(&w);
}

static void build_b2(void)
{
	static const struct vpd_provisioning p = { true, true, true, true, true };
	struct writer w = page(VPD_LOGICAL_BLOCK_PROVISIONING);
	vpd_provisioning(&w, &p);
	finish_page(&w);
}

static void build_sense(const struct spt_sense *sense, bool descriptor)
{
	int n = spt_sense_encode(sense, descriptor, built, sizeof(built));
	assert_true(n > 0);
	built_bytes = (size_t)n;
}

static const struct spt_sense FIELD = {
	.key = SPT_KEY_ILLEGAL_REQUEST,
	.asc = 0x2400,
	.key_specific_valid = true,
	.key_specific = { 0xcb, 0x00, 0x02 },
};

static void build_sense_fixed(void)
{
	build_sense(&FIELD, false);
}

static void build_sense_descriptor(void)
{
	build_sense(&FIELD, true);
}

static void build_sense_fixed_information(void)
{
	const struct spt_sense s = { .key = SPT_KEY_MEDIUM_ERROR, .asc = 0x1100,
		.information_valid = true, .information = 0x12345678 };
	build_sense(&s, false);
}

static void build_sense_descriptor_information(void)
{
	const struct spt_sense s = { .key = SPT_KEY_MEDIUM_ERROR, .asc = 0x1100,
		.information_valid = true, .information = 0x123456789ab };
	build_sense(&s, true);
}

static void build_mode(void)
{
	static const struct mode_page pages[] = { { MODE_CACHING, 20, { 0 } } };
	static const struct mode_bit bits[] = { { MODE_CACHING, 2, 0x04, 1 } };
	static const struct mode_pages set = { pages, 1, bits, 1 };
	const struct mode_sense r = {
		.descriptor = true,
		.page = MODE_CACHING,
		.device_parameter = 0x10,
		.blocks = 0x1000,
		.block_bytes = 512,
		.current = 1,
	};
	int n = mode_sense(&set, &r, built, sizeof(built));
	assert_true(n > 0);
	built_bytes = (size_t)n;
}

static const struct {
	const char *name;
	void (*build)(void);
} VECTORS[] = {
	{ "inquiry", build_inquiry },
	{ "vpd-00", build_00 },
	{ "vpd-80", build_80 },
	{ "vpd-83", build_83 },
	{ "vpd-b0", build_b0 },
	{ "vpd-b1", build_b1 },
	{ "vpd-b2", build_b2 },
	{ "sense-fixed", build_sense_fixed },
	{ "sense-descriptor", build_sense_descriptor },
	{ "sense-fixed-information", build_sense_fixed_information },
	{ "sense-descriptor-information", build_sense_descriptor_information },
	{ "mode-sense-6-caching", build_mode },
};

/* The octets of a line, appended. */
static size_t read_octets(char *line, uint8_t *to, size_t n)
{
	for (char *word = strtok(line, " \t\n"); word && *word != '#'; word = strtok(NULL,
		" \t\n")) {
		if (*word == 'x') {
			unsigned long times = strtoul(word + 1, NULL, 10);
			assert_true(n > 0 && times > 0 && n + times <= BYTES_MAX);
			memset(to + n, to[n - 1], times - 1);
			n += times - 1;
			continue;
		}
		assert_true(isxdigit((unsigned char)word[0]) && isxdigit((unsigned char)word[1]) &&
			!word[2] && n < BYTES_MAX);
		to[n++] = (uint8_t)strtoul(word, NULL, 16);
	}
	return n;
}

/* The vector called @name from the file; fails the test when it is not there. */
static size_t read_vector(const char *path, const char *name, uint8_t *to)
{
	char line[512], header[64];
	bool in = false;
	size_t n = 0;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	snprintf(header, sizeof(header), "[%s]\n", name);
	while (fgets(line, sizeof(line), f)) {
		if (*line == '[')
			in = !strcmp(line, header);
		else if (in)
			n = read_octets(line, to, n);
	}
	fclose(f);
	if (!n)
		fail_msg("no vector %s in %s", name, path);
	return n;
}

static void test_vectors(void **state)
{
	const char *path = getenv("SPTGT_VECTORS");

	assert_non_null(path);
	for (size_t i = 0; i < ARRAY_SIZE(VECTORS); i++) {
		uint8_t expected[BYTES_MAX];
		size_t n = read_vector(path, VECTORS[i].name, expected);
		memset(built, 0xee, sizeof(built));
		VECTORS[i].build();
		for (size_t at = 0; at < n && at < built_bytes; at++) {
			if (built[at] != expected[at])
				fail_msg("%s: octet %zu is %02x, not %02x", VECTORS[i].name, at,
					built[at], expected[at]);
		}
		if (built_bytes != n)
			fail_msg("%s: %zu octets, not %zu", VECTORS[i].name, built_bytes, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
