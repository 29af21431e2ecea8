/* SPDX-License-Identifier: MIT */
/*
 * The real schema, with the tables of the backends that are built in: every row is sound, the
 * committed sample is what the rows say, and every example is a configuration without a fault.
 * usage: test_config_conf SAMPLE EXAMPLE...
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	for (const char *p = o->name; *p; p++)
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

static void test_examples(void **state)
{
	assert_true(n_examples >= 5);
	for (int i = 0; i < n_examples; i++) {
		struct config_errors errors;
		struct config *config = NULL;

		if (!spt_backend_find("iscsi") && strstr(examples[i], "upstream"))
			continue;
		int r = config_load(examples[i], &errors, &config);
		if (r < 0 || errors.n)
			fail_msg("%s:%u: %s", examples[i], errors.list[0].line, errors.list[0].text);
		assert_true(config->n_targets > 0);
		config_free(config);
	}
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

			for (size_t i = 0; i < info->n_keys; i++)
				assert_non_null(strstr(text, info->keys[i].option.name));
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
