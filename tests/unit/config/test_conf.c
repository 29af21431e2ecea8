/* SPDX-License-Identifier: MIT */
/*
 * The real schema, with the tables of the backends that are built in: every row is sound, the
 * committed sample is what the rows say, and every example is a configuration without a fault.
 * usage: test_config_conf SAMPLE EXAMPLE...
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/help.h"
#include "config/schema.h"

static const char *sample_path;
static char **examples;
static int n_examples;

static void check_row(const struct spt_option *o)
{
	struct spt_option_value v;
	struct spt_error error = { .text = "" };

	print_message("%s\n", o->name);
	const char *detail = strstr(o->name, ".N.");
	for (const char *p = detail ? detail + 3 : o->name; *p; p++)
		assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-');
	assert_true(o->max == 0 || o->min <= o->max);
	assert_non_null(o->help);
	/* A sentence without its final stop. */
	assert_true(strlen(o->help) > 3);
	assert_true(o->help[strlen(o->help) - 1] != '.');
	assert_false(o->required && o->fallback);
	assert_int_equal(o->type == SPT_OPTION_CHOICE, o->choices != NULL);
	if (o->fallback && strcmp(o->fallback, "auto") && spt_option_parse(o, o->fallback, &v, &error) < 0)
		fail_msg("default of %s: %s", o->name, error.text);
}

static void test_rows(void **state)
{
	for (int s = 0; s < SCHEMA_SECTIONS; s++) {
		const struct schema_section_info *info = schema_section((enum schema_section)s);

		for (size_t i = 0; i < info->n_keys; i++) {
			check_row(&info->keys[i].option);
			assert_ptr_equal(schema_find((enum schema_section)s, info->keys[i].option.name),
				&info->keys[i]);
		}
	}
}

/* The daemon's keys of a device and the backend's share one section: no name may be in both. */
static void test_backend_rows(void **state)
{
	for (const struct spt_backend_ops *const *b = spt_backends(); *b; b++) {
		size_t n;
		const struct spt_option *options = spt_backend_options(*b, &n);

		for (size_t i = 0; i < n; i++) {
			check_row(&options[i]);
			assert_null(schema_find(SCHEMA_DEVICE, options[i].name));
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(options[k].name, options[i].name);
		}
	}
}

static void test_sample_in_step(void **state)
{
	char *made = NULL, *kept = NULL;
	size_t bytes, room = 0;
	FILE *to = open_memstream(&made, &bytes);
	FILE *from = fopen(sample_path, "r");

	/* A build without a backend has less to tell. */
	if (!spt_backend_find("iscsi"))
		skip();
	assert_non_null(from);
	config_help_sample(to);
	fclose(to);
	assert_true(getdelim(&kept, &room, 0, from) > 0);
	fclose(from);
	if (strcmp(made, kept))
		fail_msg("%s is not what the schema says: run \"ninja sample\"", sample_path);
	free(made);
	free(kept);
}

/* The sample is a configuration that exports nothing. */
static void test_sample_loads(void **state)
{
	struct config_errors errors;
	struct config *config = NULL;

	assert_int_equal(config_load(sample_path, &errors, &config), 0);
	assert_int_equal(config->n_portals, 1);
	assert_int_equal(config->n_targets, 0);
	config_free(config);
}

/* Secrets files that an example names, in a directory of ours: a line each, and no secret twice. */
#define SECRETS_PLACE "/etc/sptgt/"

static void make_secrets(const char *directory, const char *name, int n)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	dprintf(fd, "user-%d first-secret-%d mutual target-%d second-secret-%d\n", n, n, n, n);
	close(fd);
}

/* The text of an example that finds its secrets; they are made. */
static char *read_example(const char *path, const char *directory)
{
	char *text = NULL, *out = NULL;
	size_t room = 0, bytes = 0;
	FILE *from = fopen(path, "r"), *to = open_memstream(&out, &bytes);
	int n = 0;

	assert_non_null(from);
	assert_true(getdelim(&text, &room, 0, from) > 0);
	fclose(from);
	const char *p = text;
	for (const char *at; (at = strstr(p, SECRETS_PLACE)); p = at) {
		char name[64];
		fprintf(to, "%.*s%s/", (int)(at - p), p, directory);
		at += strlen(SECRETS_PLACE);
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " \t\n;"), at);
		make_secrets(directory, name, n++);
	}
	fputs(p, to);
	fclose(to);
	free(text);
	return out;
}

static void remove_secrets(const char *directory)
{
	DIR *dir = opendir(directory);
	char path[512];

	for (const struct dirent *e; (e = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", directory, e->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(directory);
}

/* An example that the build does not know is neither checked nor installed. */
static void test_examples_are_all(void **state)
{
	char path[512];
	int n = 0;

	snprintf(path, sizeof(path), "%s", examples[0]);
	DIR *dir = opendir(dirname(path));
	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir));)
		n += strstr(e->d_name, ".conf") != NULL;
	closedir(dir);
	assert_int_equal(n, n_examples);
}

static void test_examples(void **state)
{
	char directory[] = "/tmp/spt-examples-XXXXXX";

	assert_true(n_examples >= 5);
	assert_non_null(mkdtemp(directory));
	for (int i = 0; i < n_examples; i++) {
		struct config_errors errors;
		struct config *config = NULL;

		if (!spt_backend_find("iscsi") && strstr(examples[i], "upstream"))
			continue;
		char *text = read_example(examples[i], directory);
		int r = config_parse(examples[i], text, strlen(text), &errors, &config);
		if (r < 0 || errors.n)
			fail_msg("%s:%u: %s", examples[i], errors.list[0].line, errors.list[0].text);
		assert_true(config->n_targets > 0);
		config_free(config);
		free(text);
	}
	remove_secrets(directory);
}

/* Each form tells of every key. */
static void test_help_complete(void **state)
{
	void (*const forms[])(FILE *) = { config_help_print, config_help_sample };

	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		char *text = NULL;
		size_t bytes;
		FILE *to = open_memstream(&text, &bytes);

		forms[f](to);
		fclose(to);
		for (int s = 0; s < SCHEMA_SECTIONS; s++) {
			const struct schema_section_info *info = schema_section((enum schema_section)s);

			for (size_t i = 0; i < info->n_keys; i++) {
				/* The sample shows a detail of LUN 0: "lun.0.serial". */
				char name[64];
				snprintf(name, sizeof(name), "%s", info->keys[i].option.name);
				char *n = f ? strstr(name, ".N.") : NULL;
				if (n)
					n[1] = '0';
				assert_non_null(strstr(text, name));
			}
		}
		free(text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_backend_rows),
		cmocka_unit_test(test_sample_in_step),
		cmocka_unit_test(test_sample_loads),
		cmocka_unit_test(test_examples_are_all),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_help_complete),
	};

	if (argc < 3) {
		fprintf(stderr, "usage: %s SAMPLE EXAMPLE...\n", argv[0]);
		return 2;
	}
	sample_path = argv[1];
	examples = argv + 2;
	n_examples = argc - 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
