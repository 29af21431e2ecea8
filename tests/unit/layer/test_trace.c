/* SPDX-License-Identifier: MIT */
/*
 * The trace when its disk does not keep up, here a pipe that nobody empties: no command waits for it, what
 * is missing is counted and told, and it goes on when there is room again.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "layered.h"

#define PAYLOAD 4096u
#define ROOM	(4u << 20) /* of the ring; there are two of them */

static char dir[32], path[64];
static int emptied; /* the pipe's other end */

static int set_up(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/sptgt-trace-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/trace", dir);
	if (mkfifo(path, 0600) < 0)
		return -1;
	emptied = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return emptied < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(emptied);
	unlink(path);
	rmdir(dir);
	return 0;
}

static void write_one(struct rig *rig, uint32_t tag)
{
	struct job job;

	job_init_write(&job, rig, tag % 2, tag, PAYLOAD);
	job_run(rig, &job);
	job_data(&job);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.status, SPT_GOOD);
}

/* What is in the pipe, counted: lines of commands, and how many the lines with "#" say are missing. */
static void drain(unsigned long *lines, unsigned long *missing)
{
	static char line[1000];
	static size_t n;
	char c;

	while (read(emptied, &c, 1) == 1) {
		if (n < sizeof(line) - 1)
			line[n++] = c;
		if (c != '\n')
			continue;
		line[n] = 0;
		n = 0;
		if (line[0] == '#') {
			assert_non_null(strstr(line, " commands are missing here"));
			*missing += strtoul(line + 1, NULL, 10);
		} else {
			assert_non_null(strstr(line, "WRITE(10)"));
			++*lines;
		}
	}
}

static void lost(void **state)
{
	unsigned long lines = 0, missing = 0;
	char setting[100];
	struct rig rig;
	uint32_t n = 0;

	layered_open(&rig);
	rig.fake->inline_good = true;
	fake_event[0] = 0;
	snprintf(setting, sizeof(setting), "file=%s", path);
	layered_set(&rig, "trace", setting);
	layered_set(&rig, "trace", "data=4096");
	/* Enough for both rings, and the pipe takes 64 KiB of lines only. */
	while (layered_row(&rig, "trace").lost < 100 && n < 8 * ROOM / PAYLOAD)
		write_one(&rig, n++);
	const struct spt_layer_row row = layered_row(&rig, "trace");
	assert_int_equal(row.lost, 100);
	assert_int_equal(row.seen, n);
	assert_in_range(n, ROOM / (PAYLOAD + 500), 4 * ROOM / PAYLOAD);

	/* Somebody makes room. */
	for (int tries = 0; tries < 20000 && lines + missing < n; tries++) {
		drain(&lines, &missing);
		usleep(500);
	}
	assert_int_equal(missing, 100);
	assert_int_equal(lines, n - 100);
	write_one(&rig, n++);
	for (int tries = 0; tries < 20000 && lines + missing < n; tries++) {
		drain(&lines, &missing);
		usleep(500);
	}
	assert_int_equal(lines, n - 100);
	assert_int_equal(layered_row(&rig, "trace").lost, 100);
	layered_set(&rig, "trace", "off"); /* its thread, which tells, has ended */
	assert_string_equal(fake_event, "one: trace: commands are missing, writing does not keep up");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lost, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
