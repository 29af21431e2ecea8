/* SPDX-License-Identifier: MIT */
/* Devices by name, in a made-up /sys: World Wide Names, serial numbers, addresses, links of udev. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "fake_sysfs.h"
#include "passthrough/sg_locate.h"

#define NAA_A 0x50, 0, 0xc5, 0, 0xa1, 0xb2, 0xc3, 0xd4
#define NAA_B 0x50, 0, 0xc5, 0, 0xa1, 0xb2, 0xc3, 0xd5

/* One unit by two paths, at 2:0:1:0 and 2:0:0:0, and behind iSCSI at 1:0:0:0; a drive and its changer with one serial number. */
static const struct unit {
	const char *address, *sg, *model, *serial;
	uint8_t page[20];
} UNITS[] = {
	{ "2:0:1:0", "sg4", "ACME    DISK            ", "S1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
	{ "2:0:0:0", "sg3", "ACME    DISK            ", "S1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
	{ "1:0:0:0", "sg7", "ACME    DISK            ", "S1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
	{ "3:0:0:0", "sg5", "ACME    TAPE            ", "S2", { 0, 0x83, 0, 12, 1, 2, 0, 8, NAA_B } },
	{ "3:0:0:1", "sg6", "ACME    CHANGER         ", "S2", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_B } },
};

static void put_unit(const struct unit *u)
{
	char path[128], target[64];
	uint8_t inquiry[36] = { 0 }, serial[8] = { 0, 0x80, 0, 2 };

	snprintf(target, sizeof(target), "/sys/devices/%s%s",
		u->address[0] == '1' ? "host1/session1/target1:0:0/" : "", u->address);
	snprintf(path, sizeof(path), "%s/scsi_generic/%s/dev", target, u->sg);
	put(path, "21:1");
	memcpy(inquiry + 8, u->model, 24);
	snprintf(path, sizeof(path), "%s/inquiry", target);
	put_bytes(path, inquiry, sizeof(inquiry));
	memcpy(serial + 4, u->serial, 2);
	snprintf(path, sizeof(path), "%s/vpd_pg80", target);
	put_bytes(path, serial, 6);
	snprintf(path, sizeof(path), "%s/vpd_pg83", target);
	put_bytes(path, u->page, sizeof(u->page));
	snprintf(path, sizeof(path), "/sys/bus/scsi/devices/%s", u->address);
	link_to(path, target);
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++)
		put_unit(&UNITS[i]);
	put("/sys/bus/scsi/devices/target2:0:0", "");
	put("/sys/bus/scsi/devices/host2", "");
	return 0;
}

static void test_names(void **state)
{
	static const struct {
		const char *path;
		int want;
		const char *sg, *text;
	} rows[] = {
		{ "naa.5000c500a1b2c3d4", 0, "sg3", NULL }, /* the lower of its addresses */
		{ "naa.5000C500A1B2C3D4", 0, "sg3", NULL },
		{ "wwn:0x5000c500a1b2c3d4", 0, "sg3", NULL },
		{ "wwn-0x5000c500a1b2c3d5", 0, "sg6", NULL },
		{ "wwn:5000c500a1b2c3d5", 0, "sg6", NULL },
		{ "eui.5000c500a1b2c3d5", 0, "sg5", NULL },
		{ "eui.5000c500a1b2c3d4", -ENODEV, NULL, "is called so" },
		{ "naa.5000c500a1b2c3d6", -ENODEV, NULL, "naa.5000c500a1b2c3d6" },
		{ "serial:S1", 0, "sg3", NULL },
		{ "serial:S2", -ENOTUNIQ, NULL, "several units" },
		{ "serial:S", -ENODEV, NULL, "is called so" },
		{ "2:0:1:0", 0, "sg4", NULL },
		{ "2:0:1:9", -ENODEV, NULL, "no SCSI device at 2:0:1:9" },
		{ "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", 0, "sg3", NULL },
		{ "/dev/tape/by-id/scsi-25000c500a1b2c3d5-nst", 0, "sg5", NULL },
		{ "/dev/tape/by-id/scsi-35000c500a1b2c3d5-changer", 0, "sg6", NULL },
		{ "/dev/disk/by-id/scsi-35000c500a1b2c3d9", -ENODEV, NULL, "is called so" },
		{ "/dev/disk/by-id/ata-ACME_S1", -ENOENT, NULL, "no such device" },
		{ "/dev/disk/by-path/wwn-0x5000c500a1b2c3d4", -ENOENT, NULL, "no such device" },
		{ "naa.5000c500a1b2c3d", -EINVAL, NULL, "naa.HEX" },
		{ "naa.", -EINVAL, NULL, "naa.HEX" },
		{ "naa.5000c500a1b2c3d45000c500a1b2c3d45000c500a1b2c3d45000c500a1b2c3d45000", -EINVAL,
			NULL, "naa.HEX" },
		{ "serial:", -EINVAL, NULL, "serial:TEXT" },
		{ "2:0:1", -EINVAL, NULL, "H:C:T:L" },
		{ "2:0:1:0:0", -EINVAL, NULL, "H:C:T:L" },
		{ "2::1:0", -EINVAL, NULL, "H:C:T:L" },
		{ "sg3", -EINVAL, NULL, "/dev/..." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_address address = { .sg = "untouched" };
		struct spt_error error = { "" };
		int r = sg_locate(root, rows[i].path, &address, &error);
		if (r != rows[i].want)
			fail_msg("%s: %d %s", rows[i].path, r, error.text);
		if (r == 0)
			assert_string_equal(address.sg, rows[i].sg);
		else if (!strstr(error.text, rows[i].text) || strcmp(address.sg, "untouched"))
			fail_msg("%s: %s", rows[i].path, error.text);
		assert_int_equal(sg_path_check(rows[i].path, NULL), r == -EINVAL ? r : 0);
	}
}

/* A unit that moved is found by what it is; not where it is known not to be. */
static void test_moved(void **state)
{
	struct lu_name name = { 0 };
	struct sg_address first, second;

	lu_name_inquiry(&name, (const uint8_t *)"        ACME    DISK            ", 32);
	assert_int_equal(sg_locate_name(root, &name, false, NULL, &first, NULL), -ENODEV); /* model only */
	lu_name_vpd_83(&name, UNITS[0].page, sizeof(UNITS[0].page));
	assert_int_equal(sg_locate_name(root, &name, false, NULL, &first, NULL), 0);
	assert_string_equal(first.sg, "sg3");
	assert_int_equal(sg_locate_name(root, &name, false, &first, &second, NULL), 0);
	assert_string_equal(second.sg, "sg4");
	/* What is exported is not looked for among what is imported, nor the other way. */
	assert_int_equal(sg_locate_name(root, &name, true, NULL, &second, NULL), 0);
	assert_string_equal(second.sg, "sg7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_moved),
	};
	return cmocka_run_group_tests(tests, set_up, remove_root);
}
