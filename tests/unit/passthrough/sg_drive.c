/* SPDX-License-Identifier: MIT */
/*
 * Drives a real device (the kernel's scsi_debug) through the sg backend and the library's public
 * interface. Not a unit test by itself: it wants a device and a story, and runs in a VM.
 *
 *   sg_drive inquiry PATH        INQUIRY data, on stdout as hexadecimal
 *   sg_drive io PATH             writes, reads, compares; odd lengths; 64 commands at once
 *   sg_drive medium-error PATH   scsi_debug opts=2: sense, data and residual of a failing READ
 *   sg_drive delay PATH MS       sets this delay: abort, reset, fence, nothing hangs
 *   sg_drive unplug PATH         takes the device away under 32 commands (add_host)
 *   sg_drive refused PATH        what the backend refuses before the device sees it
 *   sg_drive busy PATH           opening has to fail, and says why
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/be.h"
#include "check.h"
#include "rig.h"

#define QUEUE 64

static struct rig rig;
static struct run runs[QUEUE];
static uint8_t buffer[1 << 20];

static void open_rig(const char *path, const char *option)
{
	char text[256];
	const char *options[] = { text, option, NULL };
	struct spt_error error = { "" };

	snprintf(text, sizeof(text), "path=%s", path);
	int r = rig_open(&rig, "sg", options, &error);
	if (r < 0)
		printf("%s\n", error.text);
	CHECK(r == 0);
}

static uint32_t block_bytes(void)
{
	struct spt_properties p;

	spt_device_properties(rig.device, &p);
	CHECK(p.block_bytes >= 512);
	CHECK(p.blocks > 0);
	CHECK_EQ(p.device_type, 0);
	return p.block_bytes;
}

static void cdb_rw(uint8_t *cdb, bool write, uint32_t lba, uint16_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = write ? 0x2a : 0x28;
	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, blocks);
}

/* The library tells each nexus of a power on first. */
static void clear_attention(void)
{
	static const uint8_t test_unit_ready[6] = { 0 };
	int status;

	for (int i = 0; i < 8; i++) {
		status = run_now(&rig, &runs[0], test_unit_ready, 6, 0, NULL, 0);
		run_end(&runs[0]);
		if (status == SPT_GOOD)
			return;
	}
	CHECK(!"unit attentions without end");
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = (uint8_t)(seed >> 16);
	}
}

static void story_inquiry(const char *path)
{
	static const uint8_t cdb[6] = { 0x12, 0, 0, 0, 96 };

	open_rig(path, NULL);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 6, 255, NULL, 0), SPT_GOOD);
	for (uint32_t i = 0; i < runs[0].task.in.bytes; i++)
		printf("%02x", runs[0].task.in.data[i]);
	printf("\n");
	CHECK_EQ(runs[0].task.in_would_bytes, runs[0].task.in.bytes);
	run_end(&runs[0]);
	CHECK(rig_close(&rig));
}

static void write_and_read_back(uint32_t lba, uint16_t blocks)
{
	uint32_t bytes = blocks * block_bytes();
	uint8_t cdb[16];

	fill(buffer, bytes, lba + 1);
	cdb_rw(cdb, true, lba, blocks);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, 0, buffer, bytes), SPT_GOOD);
	CHECK_EQ(runs[0].task.out_would_bytes, bytes);
	run_end(&runs[0]);
	cdb_rw(cdb, false, lba, blocks);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 16, bytes, NULL, 0), SPT_GOOD);
	CHECK_EQ(runs[0].task.in.bytes, bytes);
	CHECK_EQ(runs[0].task.in_would_bytes, bytes);
	CHECK(!memcmp(runs[0].task.in.data, buffer, bytes));
	run_end(&runs[0]);
}

/* SAM-5 5.4.2: the initiator's idea of the length and the CDB's do not agree. */
static void odd_lengths(void)
{
	uint32_t block = block_bytes();
	uint8_t cdb[16];

	cdb_rw(cdb, false, 0, 2);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, 4 * block, NULL, 0), SPT_GOOD);
	CHECK_EQ(runs[0].task.in.bytes, 2 * block); /* underflow */
	CHECK_EQ(runs[0].task.in_would_bytes, 2 * block);
	run_end(&runs[0]);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, block, NULL, 0), SPT_GOOD);
	CHECK_EQ(runs[0].task.in.bytes, block); /* overflow */
	CHECK_EQ(runs[0].task.in_would_bytes, 2 * block);
	run_end(&runs[0]);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, 0, NULL, 0), SPT_GOOD);
	CHECK_EQ(runs[0].task.in.bytes, 0); /* nothing but overflow */
	CHECK_EQ(runs[0].task.in_would_bytes, 2 * block);
	run_end(&runs[0]);
}

static void many_at_once(void)
{
	uint32_t bytes = 8 * block_bytes();
	uint8_t cdb[16];

	for (unsigned i = 0; i < QUEUE; i++) {
		fill(buffer, bytes, i + 1000);
		cdb_rw(cdb, true, i * 8, 8);
		run_start(&rig, &runs[i], cdb, 10, 0, buffer, bytes);
	}
	for (unsigned i = 0; i < QUEUE; i++) {
		CHECK(run_wait(&rig, &runs[i], 30000000));
		CHECK_EQ(runs[i].task.status, SPT_GOOD);
		run_end(&runs[i]);
	}
	for (unsigned i = 0; i < QUEUE; i++) {
		cdb_rw(cdb, false, i * 8, 8);
		run_start(&rig, &runs[i], cdb, 10, bytes, NULL, 0);
	}
	for (unsigned i = 0; i < QUEUE; i++) {
		CHECK(run_wait(&rig, &runs[i], 30000000));
		CHECK_EQ(runs[i].task.status, SPT_GOOD);
		fill(buffer, bytes, i + 1000);
		CHECK(!memcmp(runs[i].task.in.data, buffer, bytes));
		run_end(&runs[i]);
	}
}

static void story_io(const char *path)
{
	static const char *const options[] = { NULL, "queue-depth=4", "queue-depth=256" };

	for (size_t i = 0; i < 3; i++) {
		open_rig(path, options[i]);
		clear_attention();
		write_and_read_back(0, 1);
		write_and_read_back(7, 64);
		write_and_read_back(100, (uint16_t)(sizeof(buffer) / 2 / block_bytes()));
		odd_lengths();
		many_at_once();
		CHECK(rig_close(&rig));
	}
}

static void story_medium_error(const char *path)
{
	uint8_t cdb[16];

	open_rig(path, NULL);
	clear_attention();
	uint32_t block = block_bytes();
	cdb_rw(cdb, false, 0x1234, 8);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, 8 * block, NULL, 0), SPT_CHECK_CONDITION);
	CHECK_EQ(run_sense(&runs[0]), 0x31100);
	printf("sense ");
	for (unsigned i = 0; i < runs[0].task.sense_bytes; i++)
		printf("%02x", runs[0].task.sense[i]);
	printf("\nmoved %u of %u\n", runs[0].task.in.bytes, 8 * block);
	run_end(&runs[0]);
	cdb_rw(cdb, false, 0x1000, 8);
	CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, 8 * block, NULL, 0), SPT_GOOD);
	run_end(&runs[0]);
	CHECK(rig_close(&rig));
}

static void set_parameter(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pseudo/drivers/scsi_debug/%s", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(write(fd, value, strlen(value)) > 0);
	close(fd);
}

static void story_delay(const char *path, uint64_t delay_ms)
{
	uint8_t cdb[16];
	char jiffies[16];

	open_rig(path, NULL);
	clear_attention();
	snprintf(jiffies, sizeof(jiffies), "%u", (unsigned)(delay_ms / 4)); /* HZ is 250 */
	set_parameter("delay", jiffies);
	cdb_rw(cdb, false, 0, 8);
	uint32_t bytes = 8 * block_bytes();
	run_start(&rig, &runs[0], cdb, 10, bytes, NULL, 0);
	run_start(&rig, &runs[1], cdb, 10, bytes, NULL, 0);
	/* The rig's escalation: 2 s, reset, 3 s, fence. */
	uint64_t limit_us = delay_ms < 2000 ? delay_ms * 1000 + 1500000 : 12000000;
	int response = rig_tmf(&rig, SPT_TMF_ABORT_TASK, &runs[0], limit_us);
	CHECK_EQ(response, SPT_TMF_COMPLETE);
	CHECK_EQ(runs[0].done, 1);
	run_end(&runs[0]);
	CHECK(run_wait(&rig, &runs[1], limit_us));
	printf("after the abort: the other command %s, device %s\n",
		runs[1].task.status == SPT_GOOD ? "is good" : "failed",
		spt_device_fenced(rig.device) ? "fenced" : "usable");
	run_end(&runs[1]);
	run_start(&rig, &runs[0], cdb, 10, bytes, NULL, 0);
	response = rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, 15000000);
	CHECK_EQ(response, SPT_TMF_COMPLETE);
	CHECK_EQ(runs[0].done, 1);
	run_end(&runs[0]);
	printf("after the reset: device %s\n",
		spt_device_fenced(rig.device) ? "fenced" : "usable");
	CHECK(rig_close(&rig));
}

static void story_unplug(const char *path)
{
	uint8_t cdb[16];
	unsigned good = 0;

	open_rig(path, NULL);
	clear_attention();
	cdb_rw(cdb, false, 0, 8);
	uint32_t bytes = 8 * block_bytes();
	for (unsigned i = 0; i < 32; i++)
		run_start(&rig, &runs[i], cdb, 10, bytes, NULL, 0);
	set_parameter("add_host", "-1");
	for (unsigned i = 0; i < 32; i++) {
		CHECK(run_wait(&rig, &runs[i], 20000000));
		if (runs[i].task.status == SPT_GOOD) {
			CHECK_EQ(runs[i].task.in.bytes, bytes);
			good++;
		} else {
			CHECK_EQ(runs[i].task.in.bytes, 0);
			printf("status 0x%02x sense 0x%05x\n", runs[i].task.status,
				run_sense(&runs[i]));
		}
		run_end(&runs[i]);
	}
	printf("%u of 32 were done before\n", good);
	/* NOT READY, at once, as often as one asks */
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(run_now(&rig, &runs[0], cdb, 10, bytes, NULL, 0), SPT_CHECK_CONDITION);
		CHECK_EQ(run_sense(&runs[0]), 0x20403);
		run_end(&runs[0]);
	}
	CHECK_EQ(rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, 10000000), SPT_TMF_COMPLETE);
	CHECK_EQ(rig.events, 1); /* told once */
	CHECK(strstr(rig.event, "taken away"));
	printf("%s\n", rig.event);
	CHECK(rig_close(&rig));
}

static void story_refused(const char *path)
{
	static const struct {
		uint8_t cdb[40];
		unsigned cdb_bytes, in_bytes, out_bytes, sense;
	} rows[] = {
		{ { 0x7f, [7] = 32 }, 40, 512, 0, 0x52000 },       /* 40 bytes of CDB */
		{ { 0x7f, [7] = 24, [9] = 9 }, 16, 512, 0, 0x52400 }, /* cut off */
		{ { 0x83 }, 16, 0, 16, 0x52000 },                  /* EXTENDED COPY */
		{ { 0x18 }, 6, 0, 16, 0x52000 },  /* COPY */
		{ { 0x3a }, 10, 0, 16, 0x52000 }, /* COPY AND VERIFY */
		{ { 0x84 }, 16, 512, 0, 0x52000 },                 /* RECEIVE COPY RESULTS */
		{ { 0x53 }, 10, 512, 512, 0x52000 },               /* bidirectional */
		{ { 0x28 }, 10, 64 << 20, 0, 0x52400 },            /* more than the adapter moves */
	};
	struct spt_properties p;

	open_rig(path, NULL);
	clear_attention();
	spt_device_properties(rig.device, &p);
	CHECK_EQ(p.max_cdb_bytes, 32);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].in_bytes == 64u << 20 && p.max_transfer_bytes >= rows[i].in_bytes)
			continue;
		CHECK_EQ(run_now(&rig, &runs[0], rows[i].cdb, rows[i].cdb_bytes, rows[i].in_bytes,
				 buffer, rows[i].out_bytes),
			SPT_CHECK_CONDITION);
		CHECK_EQ(run_sense(&runs[0]), rows[i].sense);
		run_end(&runs[0]);
	}
	/* READ (32): the longest that goes */
	uint8_t read32[32] = { 0x7f, [7] = 24, [9] = 9, [31] = 1 };
	int status = run_now(&rig, &runs[0], read32, 32, block_bytes(), NULL, 0);
	printf("READ(32): status 0x%02x sense 0x%05x\n", status, run_sense(&runs[0]));
	run_end(&runs[0]);
	CHECK(rig_close(&rig));
}

static void story_busy(const char *path)
{
	char text[256];
	const char *options[] = { text, NULL };
	struct spt_error error = { "" };

	snprintf(text, sizeof(text), "path=%s", path);
	int r = rig_open(&rig, "sg", options, &error);
	CHECK(r < 0);
	CHECK(error.text[0]);
	printf("%d %s\n", -r, error.text);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *path);
	} stories[] = {
		{ "inquiry", story_inquiry },
		{ "io", story_io },
		{ "medium-error", story_medium_error },
		{ "unplug", story_unplug },
		{ "refused", story_refused },
		{ "busy", story_busy },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "delay")) {
		story_delay(argv[2], strtoull(argv[3], NULL, 10));
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(stories) / sizeof(stories[0]); i++) {
		if (!strcmp(argv[1], stories[i].name)) {
			stories[i].run(argv[2]);
			return 0;
		}
	}
	fprintf(stderr, "usage: sg_drive STORY PATH [MS]; stories: inquiry io medium-error delay "
			"unplug refused busy\n");
	return 2;
}
