/* SPDX-License-Identifier: MIT */
/* Finding a device and who uses it, in a made-up /sys and /proc. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "fake_sysfs.h"
#include "passthrough/sg_openers.h"
#include "passthrough/sg_sysfs.h"

#define HOST  "/sys/devices/pci0/host2"
#define DISK  HOST "/target2:0:0/2:0:0:0"
#define TAPE  HOST "/target2:0:1/2:0:1:5"
#define LOOSE HOST "/target2:0:2/2:0:2:0" /* sg has not taken this one */

static int set_up(void **state)
{
	assert_non_null(mkdtemp(root));
	put(DISK "/scsi_generic/sg3/dev", "21:3\n");
	link_to(DISK "/scsi_generic/sg3/device", DISK);
	put(DISK "/block/sdb/dev", "8:16\n");
	link_to(DISK "/block/sdb/device", DISK);
	put(DISK "/block/sdb/removable", "0\n");
	put(DISK "/block/sdb/queue/max_hw_sectors_kb", "4096\n");
	put(DISK "/block/sdb/holders", NULL);
	put(DISK "/block/sdb/sdb1/dev", "8:17\n");
	put(DISK "/block/sdb/sdb1/partition", "1\n");
	put(DISK "/block/sdb/sdb1/holders", NULL);
	put(DISK "/queue_depth", "32\n");
	put(TAPE "/scsi_generic/sg4/dev", "21:4\n");
	link_to(TAPE "/scsi_generic/sg4/device", TAPE);
	put(TAPE "/scsi_tape/nst0/dev", "9:128\n");
	link_to(TAPE "/scsi_tape/nst0/device", TAPE);
	put(LOOSE "/block/sdc/dev", "8:32\n");
	link_to(LOOSE "/block/sdc/device", LOOSE);
	put("/sys/devices/virtual/mem/null/dev", "1:3\n");
	link_to("/sys/dev/char/21:3", DISK "/scsi_generic/sg3");
	link_to("/sys/dev/char/21:4", TAPE "/scsi_generic/sg4");
	link_to("/sys/dev/char/9:128", TAPE "/scsi_tape/nst0");
	link_to("/sys/dev/char/1:3", "/sys/devices/virtual/mem/null");
	link_to("/sys/dev/block/8:16", DISK "/block/sdb");
	link_to("/sys/dev/block/8:17", DISK "/block/sdb/sdb1");
	link_to("/sys/dev/block/8:32", LOOSE "/block/sdc");
	put("/sys/class/scsi_host/host2/can_queue", "100\n");
	link_to("/sys/bus/scsi/devices/2:0:0:0", DISK);
	link_to("/sys/bus/scsi/devices/2:0:1:5", TAPE);
	link_to("/sys/bus/scsi/devices/2:0:2:0", LOOSE);
	link_to("/sys/bus/scsi/devices/22:0:0:0", LOOSE);
	link_to("/sys/bus/scsi/devices/target2:0:0", HOST "/target2:0:0");
	put("/proc/self/mountinfo", "");
	return 0;
}

static void test_resolve(void **state)
{
	static const struct {
		bool block;
		unsigned major, minor;
		int want;
		const char *sg, *block_name;
		const char *text; /* of the error */
	} rows[] = {
		{ false, 21, 3, 0, "sg3", "sdb", NULL },
		{ true, 8, 16, 0, "sg3", "sdb", NULL },
		{ false, 21, 4, 0, "sg4", "", NULL },
		{ false, 9, 128, 0, "sg4", "", NULL },
		{ true, 8, 17, -EINVAL, NULL, NULL, "is a partition" },
		{ true, 8, 32, -ENODEV, NULL, NULL, "no SCSI generic node" },
		{ false, 1, 3, -ENODEV, NULL, NULL, "is not a SCSI device" },
		{ false, 21, 99, -ENODEV, NULL, NULL, "knows no such device" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_address id = { .sg = "untouched" };
		struct spt_error error = { "" };
		int r = sg_resolve_number(root, "/dev/x", rows[i].block,
			makedev(rows[i].major, rows[i].minor), &id, &error);
		assert_int_equal(r, rows[i].want);
		if (r < 0) {
			assert_non_null(strstr(error.text, rows[i].text));
			assert_non_null(strstr(error.text, "/dev/x"));
			assert_string_equal(id.sg, "untouched");
			continue;
		}
		assert_string_equal(id.sg, rows[i].sg);
		assert_string_equal(id.block, rows[i].block_name);
		assert_int_equal(id.host, 2);
	}
}

static void test_paths_that_are_no_devices(void **state)
{
	struct sg_address id;
	struct spt_error error;

	assert_int_equal(sg_resolve(root, "/dev/none", &id, &error), -ENOENT);
	put("/dev/file", "x");
	assert_int_equal(sg_resolve(root, "/dev/file", &id, &error), -ENOTBLK);
	assert_int_equal(sg_resolve("", "/dev/null", &id, &error), -ENODEV);
}

static struct sg_address disk(void)
{
	struct sg_address id;

	assert_int_equal(sg_resolve_number(root, "x", true, makedev(8, 16), &id, NULL), 0);
	return id;
}

static void test_limits(void **state)
{
	struct sg_address id = disk();
	struct sg_limits limits;

	sg_read_limits(root, &id, &limits);
	assert_int_equal(limits.max_hw_sectors_kb, 4096);
	assert_int_equal(limits.queue_depth, 32);
	assert_int_equal(limits.can_queue, 100);
	assert_int_equal(limits.host_units, 3); /* neither host 22 nor the targets */
	assert_int_equal(limits.scatter_element_bytes, 32768);
	assert_false(limits.removable);
	assert_int_equal(sg_resolve_number(root, "x", false, makedev(21, 4), &id, NULL), 0);
	sg_read_limits(root, &id, &limits);
	assert_int_equal(limits.max_hw_sectors_kb, 0);
}

static void test_mounts(void **state)
{
	static const struct {
		const char *line;
		int want;
		const char *text;
	} rows[] = {
		{ "", 0, NULL },
		{ "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", 0, NULL },
		{ "22 1 8:16 / /data rw,noatime shared:1 - xfs /dev/sdb rw\n", -EBUSY,
			"/dev/sdb is mounted on /data" },
		{ "22 1 8:17 / /boot rw - vfat /dev/sdb1 rw\n", -EBUSY,
			"/dev/sdb1 is mounted on /boot" },
		{ "garbage\n22 1\n\n", 0, NULL },
		{ "22 1 0:99 / /b rw - btrfs /dev/absent rw\n", 0, NULL },
	};
	struct sg_address id = disk();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_error error = { "" };
		put("/proc/self/mountinfo", rows[i].line);
		assert_int_equal(sg_check_unused(root, &id, &error), rows[i].want);
		if (rows[i].text)
			assert_string_equal(error.text, rows[i].text);
	}
	put("/proc/self/mountinfo", "");
}

static void test_holders(void **state)
{
	struct sg_address id = disk();
	struct spt_error error = { "" };

	put(DISK "/block/sdb/sdb1/holders/dm-0", "");
	assert_int_equal(sg_check_unused(root, &id, &error), -EBUSY);
	assert_string_equal(error.text, "/dev/sdb1 is held by dm-0");
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s" DISK "/block/sdb/sdb1/holders/dm-0", root);
	assert_int_equal(unlink(path), 0);
	put(DISK "/block/sdb/holders/md127", "");
	assert_int_equal(sg_check_unused(root, &id, &error), -EBUSY);
	assert_string_equal(error.text, "/dev/sdb is held by md127");
	snprintf(path, sizeof(path), "%s" DISK "/block/sdb/holders/md127", root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sg_check_unused(root, &id, &error), 0);
	/* no block node: a tape is not asked about */
	assert_int_equal(sg_resolve_number(root, "x", false, makedev(21, 4), &id, NULL), 0);
	assert_int_equal(sg_check_unused(root, &id, &error), 0);
}

/* Who holds it is told by the name that people know it by. */
static void test_names_of_holders(void **state)
{
	static const struct {
		const char *name, *uuid, *level, *want;
	} rows[] = {
		{ "vg0-data\n", "LVM-abc\n", NULL, "dm-7, the LVM volume vg0-data; deactivate it" },
		{ "mpatha\n", "mpath-3600\n", NULL, "dm-7, the multipath device mpatha; take it out" },
		{ "secret\n", "CRYPT-LUKS2-1\n", NULL, "the encrypted volume secret; close it" },
		{ "own\n", "", NULL, "the device mapper volume own; remove it" },
		{ "", "", "raid1\n", "dm-7, a RAID (raid1); stop it" },
	};
	struct sg_address id = disk();
	char path[PATH_MAX];

	put(DISK "/block/sdb/holders/dm-7", "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_error error = { "" };
		put("/sys/block/dm-7/dm/name", rows[i].name);
		put("/sys/block/dm-7/dm/uuid", rows[i].uuid);
		put("/sys/block/dm-7/md/level", rows[i].level ? rows[i].level : "");
		assert_int_equal(sg_check_unused(root, &id, &error), -EBUSY);
		assert_non_null(strstr(error.text, "/dev/sdb is held by "));
		assert_non_null(strstr(error.text, rows[i].want));
	}
	snprintf(path, sizeof(path), "%s" DISK "/block/sdb/holders/dm-7", root);
	assert_int_equal(unlink(path), 0);
}

/* Only of removable media; the disk's own interval, or with -1 that of all disks. */
static void test_polling(void **state)
{
	static const struct {
		const char *removable, *own, *all;
		uint32_t want;
	} rows[] = {
		{ "1\n", "-1\n", "2000\n", 2000 },
		{ "1\n", "-1\n", "0\n", 0 },
		{ "1\n", "500\n", "0\n", 500 },
		{ "1\n", "0\n", "2000\n", 0 },
		{ "0\n", "-1\n", "2000\n", 0 },
	};
	struct sg_address id;

	assert_int_equal(sg_resolve_number(root, "x", true, makedev(8, 16), &id, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put(DISK "/block/sdb/removable", rows[i].removable);
		put(DISK "/block/sdb/events_poll_msecs", rows[i].own);
		put("/sys/module/block/parameters/events_dfl_poll_msecs", rows[i].all);
		assert_int_equal(sg_poll_interval_ms(root, &id), rows[i].want);
	}
	assert_int_equal(sg_resolve_number(root, "x", false, makedev(21, 4), &id, NULL), 0);
	assert_int_equal(sg_poll_interval_ms(root, &id), 0);
}

/* A descriptor of process @pid, which is @command, that leads to @node of this machine. */
static void process(const char *pid, const char *command, const char *node)
{
	char path[128], full[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	put(path, command);
	snprintf(path, sizeof(path), "/proc/%s/fd/7", pid);
	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	unlink(full);
	assert_int_equal(symlink(node, full), 0);
}

static void test_openers(void **state)
{
	struct sg_address id;
	struct spt_error error = { "" };
	char ours[32];

	/* The drive's node is, in this made-up machine, what /dev/null is in ours. */
	assert_int_equal(sg_resolve_number(root, "x", false, makedev(21, 4), &id, NULL), 0);
	put(TAPE "/type", "1\n");
	put(TAPE "/scsi_tape/nst0/dev", "1:3\n");
	put("/proc/100/comm", "a kernel thread\n");
	process("101", "cat\n", "/dev/zero");
	snprintf(ours, sizeof(ours), "%d", (int)getpid());
	process(ours, "sptgtd\n", "/dev/null");
	assert_int_equal(sg_check_unopened(root, &id, 0, &error), 0);
	process("102", "bacula-sd\n", "/dev/null");
	assert_int_equal(sg_check_unopened(root, &id, 0, &error), -EBUSY);
	assert_string_equal(error.text, "/dev/nst0 is open in process 102 (bacula-sd)");
	put(TAPE "/type", "0\n"); /* disks are looked at by many */
	assert_int_equal(sg_check_unopened(root, &id, 0, &error), 0);

	put(TAPE "/scsi_tape/nst0/dev", "9:128\n");
	put(TAPE "/scsi_changer/sch0/dev", "1:3\n");
	put(TAPE "/type", "8\n");
	assert_int_equal(sg_check_unopened(root, &id, 0, &error), -EBUSY);
	assert_string_equal(error.text, "/dev/ch0 is open in process 102 (bacula-sd)");
	process("102", "bacula-sd\n", "/dev/full");
	assert_int_equal(sg_check_unopened(root, &id, 0, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_paths_that_are_no_devices),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_names_of_holders),
		cmocka_unit_test(test_polling),
		cmocka_unit_test(test_openers),
	};
	return cmocka_run_group_tests(tests, set_up, remove_root);
}
