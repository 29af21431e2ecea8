/* SPDX-License-Identifier: MIT */
/*
 * library MEBIBYTES: a tape library of two drives, a changer and four cartridges of that size, as
 * TCMU devices that were configured with dev_config=sptgt/changer, sptgt/drive0 and sptgt/drive1.
 * Runs until it is killed; says "ready" when it serves.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changer.h"

#define VOLUMES	    4u
#define EARLY_BYTES (3u << 20) /* beyond early warning: room for a block of 2 MiB */
#define UNITS	    (1u + CHANGER_DRIVES)

static struct volume volumes[VOLUMES];
static struct tape drives[CHANGER_DRIVES];
static struct changer changer;

static void build(uint64_t capacity_bytes)
{
	for (unsigned i = 0; i < VOLUMES; i++) {
		char tag[16];
		snprintf(tag, sizeof(tag), "SPT%03uL8", i + 1);
		volume_init(&volumes[i], tag, capacity_bytes, EARLY_BYTES);
	}
	volumes[VOLUMES - 1].write_protected = true;
	for (unsigned i = 0; i < CHANGER_DRIVES; i++) {
		char serial[16];
		snprintf(serial, sizeof(serial), "DRIVE%u", i);
		tape_init(&drives[i], serial);
	}
	changer_init(&changer, drives, volumes, VOLUMES);
}

static int open_units(struct unit *units)
{
	static const char *const names[UNITS] = {"changer", "drive0", "drive1"};

	for (unsigned i = 0; i < UNITS; i++) {
		int r = unit_open(&units[i], names[i]);
		if (r < 0) {
			fprintf(stderr, "library: %s: %s\n", names[i], strerror(-r));
			return r;
		}
		units[i].run = i ? tape_run : changer_run;
		units[i].device = i ? (void *)&drives[i - 1] : &changer;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct unit units[UNITS];
	struct pollfd fds[UNITS];

	if (argc != 2 || strtoul(argv[1], NULL, 10) < 4) {
		fprintf(stderr, "usage: library MEBIBYTES\n");
		return 2;
	}
	build((uint64_t)strtoul(argv[1], NULL, 10) << 20);
	if (open_units(units) < 0)
		return 1;
	for (unsigned i = 0; i < UNITS; i++)
		fds[i] = (struct pollfd){.fd = units[i].fd, .events = POLLIN};
	printf("ready\n");
	fflush(stdout);
	while (poll(fds, UNITS, -1) > 0) {
		for (unsigned i = 0; i < UNITS; i++) {
			if (fds[i].revents)
				unit_serve(&units[i]);
		}
	}
	return 1;
}
