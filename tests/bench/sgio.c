/* SPDX-License-Identifier: MIT */
/*
 * The latency of a SCSI device itself: READ(10) of 4 KiB by SG_IO, one at a time, as a program on
 * this machine would. What a target adds to a device that it passes through is measured against it.
 *
 *     sgio NODE COMMANDS
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"

#define BLOCK	   512u
#define READ_BYTES 4096u
#define SPAN	   4096u /* blocks that are read */
#define WARM_UP	   100u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int read_at(int fd, uint32_t lba, void *data)
{
	uint8_t cdb[10] = {0x28, 0, (uint8_t)(lba >> 24), (uint8_t)(lba >> 16), (uint8_t)(lba >> 8),
		(uint8_t)lba, 0, 0, READ_BYTES / BLOCK, 0};
	uint8_t sense[64];
	sg_io_hdr_t h = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = sizeof(cdb),
		.mx_sb_len = sizeof(sense),
		.dxfer_len = READ_BYTES,
		.dxferp = data,
		.cmdp = cdb,
		.sbp = sense,
		.timeout = 10000,
	};

	if (ioctl(fd, SG_IO, &h) < 0)
		return -errno;
	return h.info & SG_INFO_CHECK || h.resid ? -EIO : 0;
}

static int measure(int fd, unsigned commands, struct histogram *h)
{
	static uint8_t data[READ_BYTES] __attribute__((aligned(4096)));
	uint32_t lba = 0;

	for (unsigned i = 0; i < commands + WARM_UP; i++) {
		lba = (lba + 8 * 97) % SPAN;
		uint64_t begun = now_ns();
		int r = read_at(fd, lba, data);
		if (r == -EIO && i < WARM_UP)
			continue; /* a unit attention */
		if (r < 0)
			return r;
		if (i >= WARM_UP)
			histogram_add(h, now_ns() - begun);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct histogram h;

	if (argc != 3 || atoi(argv[2]) <= 0) {
		fprintf(stderr, "usage: %s NODE COMMANDS\n", argv[0]);
		return EXIT_FAILURE;
	}
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	int r = fd < 0 ? -errno : measure(fd, (unsigned)atoi(argv[2]), &h);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
		return EXIT_FAILURE;
	}
	close(fd);
	printf("{\"all\": {\"ios\": %u, \"p50_us\": %.3f, \"p99_us\": %.3f}}\n", atoi(argv[2]),
		(double)histogram_quantile(&h, 5000) / 1000,
		(double)histogram_quantile(&h, 9900) / 1000);
	return EXIT_SUCCESS;
}
