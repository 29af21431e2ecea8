/* SPDX-License-Identifier: MIT */
/* A trace's file: bounded, begun anew when it is full, and a failure stops it and nothing else. */
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

#include "layer/trace.h"

#define LINE "0123456789"

static char dir[32], path[64], old[70];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sptgt-trace-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(old, sizeof(old), "%s.1", path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(old);
	rmdir(dir);
	return 0;
}

static void head(FILE *to)
{
	fputs("head;", to);
}

static void open_file(struct trace_file *f, uint64_t most)
{
	struct spt_error error;

	*f = (struct trace_file){ .path = strdup(path), .most_bytes = most, .begin = head };
	assert_int_equal(trace_file_open(f, &error), 0);
}

static void write_line(struct trace_file *f)
{
	FILE *to = trace_file_get(f);

	assert_non_null(to);
	fputs(LINE, to);
	trace_file_put(f);
}

static void assert_content(const char *name, const char *expected)
{
	char text[200];
	FILE *from = fopen(name, "r");

	assert_non_null(from);
	text[fread(text, 1, sizeof(text) - 1, from)] = 0;
	fclose(from);
	assert_string_equal(text, expected);
}

static void test_rotation(void **state)
{
	struct trace_file f;
	struct stat st;

	(void)state;
	open_file(&f, 25); /* the head and two lines */
	write_line(&f);
	write_line(&f);
	assert_int_equal(access(old, F_OK), -1);
	write_line(&f);
	fflush(f.to);
	assert_content(old, "head;" LINE LINE);
	assert_content(path, "head;" LINE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	write_line(&f);
	write_line(&f);
	trace_file_close(&f);
	assert_content(old, "head;" LINE LINE); /* one of before is kept */
	assert_content(path, "head;" LINE);
}

static void test_new_file_fails(void **state)
{
	struct trace_file f;

	(void)state;
	open_file(&f, 5);
	write_line(&f);
	assert_int_equal(mkdir(old, 0700), 0); /* rename() cannot replace it */
	assert_null(trace_file_get(&f));
	assert_true(f.failed);
	assert_null(trace_file_get(&f));
	trace_file_put(&f);
	trace_file_close(&f);
	rmdir(old);
}

static void test_no_link_is_followed(void **state)
{
	struct trace_file f = { .path = strdup(path), .most_bytes = 100 };
	struct spt_error error;

	(void)state;
	assert_int_equal(symlink(old, path), 0);
	assert_true(trace_file_open(&f, &error) < 0);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(access(old, F_OK), -1);
	trace_file_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_file_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_link_is_followed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
