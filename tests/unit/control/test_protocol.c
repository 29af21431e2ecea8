/* SPDX-License-Identifier: MIT */
/* Snapshots as JSON and back, as metrics, and as the tables of sptgtctl; routes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "cli/views.h"
#include "control/control.h"
#include "control/json.h"
#include "control/metrics.h"
#include "control/routes.h"

static void fill_session(struct snapshot *s, uint64_t id, const char *initiator)
{
	struct snapshot_session *r = snapshot_add_session(s);

	assert_non_null(r);
	r->id = id;
	snapshot_text(r->initiator, sizeof(r->initiator), initiator);
	snapshot_text(r->isid, sizeof(r->isid), "00023d000001");
	r->tsih = 65535;
	snapshot_text(r->target, sizeof(r->target), "iqn.2026-11.org.example:t");
	snapshot_text(r->portal, sizeof(r->portal), "main");
	snapshot_text(r->peer, sizeof(r->peer), "[::1]:40000");
	snapshot_text(r->local, sizeof(r->local), "[::1]:3260");
	r->portal_group_tag = 1;
	r->login_time = 1790000000;
	r->connections = 1;
	r->commands = 12345678901;
	r->bytes_in = 1536;
	r->bytes_out = INT64_MAX;
	r->tasks = 7;
	r->loop = 3;
	r->data_digest = true;
}

static void fill(struct snapshot *s)
{
	struct snapshot_target *t = snapshot_add_target(s);
	struct snapshot_lun *l = snapshot_add_lun(s);

	snapshot_text(t->name, sizeof(t->name), "iqn.2026-11.org.example:t");
	snapshot_text(t->alias, sizeof(t->alias), "Gr\xc3\xbc\xc3\x9f");
	snapshot_text(t->portals, sizeof(t->portals), "main,second");
	t->luns = 1;
	t->sessions = 2;
	t->max_sessions = 64;
	snapshot_text(l->target, sizeof(l->target), "iqn.2026-11.org.example:t");
	l->lun = 16383;
	snapshot_text(l->device, sizeof(l->device), "scratch");
	snapshot_text(l->backend, sizeof(l->backend), "mem");
	l->block_bytes = 512;
	l->blocks = 2 << 20;
	l->fenced = true;
	snapshot_text(l->layers, sizeof(l->layers), "fault");
	struct snapshot_layer *layer = snapshot_add_layer(s);
	snapshot_text(layer->device, sizeof(layer->device), "scratch");
	snapshot_text(layer->layer, sizeof(layer->layer), "fault");
	snapshot_text(layer->text, sizeof(layer->text), "op=READ(10) hang");
	layer->on = true;
	layer->rule = 2;
	layer->seen = 30;
	layer->hits = 3;
	layer->held = 1;
	fill_session(s, 1, "iqn.1994-05.com.redhat:b1");
	fill_session(s, 2, "iqn.1994-05.com.redhat:\"\\\x1b");
	assert_int_equal(snapshot_count(s, "connections_closed_total", "Connections closed", false,
		"reason", "logout", 5), 0);
	assert_int_equal(snapshot_count(s, "connections_closed_total", "Connections closed", false,
		"reason", "timeout", 1), 0);
	assert_int_equal(snapshot_count(s, "connections", "Connections now", true, NULL, NULL, 2), 0);
}

/* What was written is read back to the byte, for every kind of row. */
static void test_round_trip(void **state)
{
	struct snapshot s = { .n_targets = 0 }, back = { .n_targets = 0 };

	fill(&s);
	for (int kind = 0; kind < ROWS_KINDS; kind++) {
		char *text = json_write_rows(&s, (enum rows_kind)kind);
		size_t n, m;

		assert_non_null(text);
		assert_int_equal(json_read_rows(text, strlen(text), (enum rows_kind)kind, &back), 0);
		const void *a = rows_of(&s, (enum rows_kind)kind, &n);
		const void *b = rows_of(&back, (enum rows_kind)kind, &m);
		assert_int_equal(n, m);
		assert_memory_equal(a, b, n * rows_info((enum rows_kind)kind)->row_bytes);
		free(text);
	}
	snapshot_deinit(&s);
	snapshot_deinit(&back);
}

/* Every field of a row is in its table: the fields cover the structure but for padding. */
static void test_fields_complete(void **state)
{
	for (int kind = 0; kind < ROWS_KINDS; kind++) {
		const struct rows_info *info = rows_info((enum rows_kind)kind);
		size_t end = 0;

		for (size_t i = 0; i < info->n_fields; i++) {
			assert_true(info->fields[i].offset >= end);
			assert_true(info->fields[i].offset - end < 8);
			end = info->fields[i].offset + info->fields[i].bytes;
		}
		assert_true(info->row_bytes - end < 8);
	}
}

/* A peer's name that is no UTF-8 does not spoil the answer. */
static void test_not_utf8(void **state)
{
	struct snapshot s = { .n_targets = 0 };

	fill_session(&s, 1, "iqn.\xff\xfe");
	char *text = json_write_rows(&s, ROWS_SESSIONS);
	assert_non_null(text);
	assert_non_null(strstr(text, "iqn.\\\\xff\\\\xfe"));
	free(text);
	snapshot_deinit(&s);
}

static void test_bad_json(void **state)
{
	static const char *const TEXTS[] = {
		"", "{", "[]", "{}", "{\"sessions\": 1}", "{\"sessions\": [1]}",
		"{\"sessions\": [{\"id\": \"1\"}]}", "{\"sessions\": [{\"id\": -1}]}",
		"{\"sessions\": [{\"tsih\": 4294967296}]}", "{\"sessions\": [{\"initiator\": 1}]}",
		"{\"sessions\": [{\"data_digest\": 1}]}", "{\"targets\": []}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++) {
		struct snapshot s = { .n_targets = 0 };

		assert_int_equal(json_read_rows(TEXTS[i], strlen(TEXTS[i]), ROWS_SESSIONS, &s),
			-EBADMSG);
		snapshot_deinit(&s);
	}
}

static void test_json_tolerance(void **state)
{
	static const char TEXT[] = "{\"sessions\": [{\"id\": 4, \"new\": [1, 2]}], \"more\": null}";
	struct snapshot s = { .n_targets = 0 };

	assert_int_equal(json_read_rows(TEXT, strlen(TEXT), ROWS_SESSIONS, &s), 0);
	assert_int_equal(s.n_sessions, 1);
	assert_int_equal(s.sessions[0].id, 4);
	snapshot_deinit(&s);
}

static void test_json_error(void **state)
{
	char out[32], *text = json_write_error("no \"such\" thing");

	assert_int_equal(json_read_error(text, strlen(text), out, sizeof(out)), 0);
	assert_string_equal(out, "no \"such\" thing");
	assert_int_equal(json_read_error("{}", 2, out, sizeof(out)), -EBADMSG);
	assert_int_equal(json_read_error("", 0, out, sizeof(out)), -EBADMSG);
	free(text);
}

static void test_text_cut(void **state)
{
	char field[6];

	snapshot_text(field, sizeof(field), "abcd\xc3\xbc");
	assert_string_equal(field, "abcd");
	snapshot_text(field, sizeof(field), "abc\xc3\xbc");
	assert_string_equal(field, "abc\xc3\xbc");
	snapshot_text(field, sizeof(field), NULL);
	assert_string_equal(field, "");
}

static void test_metrics(void **state)
{
	struct snapshot s = { .n_targets = 0 };

	fill(&s);
	char *text = metrics_write(&s);
	assert_non_null(text);
	assert_non_null(strstr(text, "# HELP sptgt_build_info The version that runs.\n"
		"# TYPE sptgt_build_info gauge\nsptgt_build_info{version=\"" SPTGT_VERSION "\"} 1\n"));
	/* Head once, then every sample of the name. */
	assert_non_null(strstr(text, "# TYPE sptgt_connections_closed_total counter\n"
		"sptgt_connections_closed_total{reason=\"logout\"} 5\n"
		"sptgt_connections_closed_total{reason=\"timeout\"} 1\n"
		"# HELP sptgt_connections Connections now.\n"
		"# TYPE sptgt_connections gauge\nsptgt_connections 2\n"));
	assert_non_null(strstr(text, "sptgt_lun_fenced{target=\"iqn.2026-11.org.example:t\","
		"lun=\"16383\",device=\"scratch\"} 1\n"));
	assert_non_null(strstr(text, "sptgt_session_commands_total{id=\"1\","
		"initiator=\"iqn.1994-05.com.redhat:b1\",target=\"iqn.2026-11.org.example:t\","
		"peer=\"[::1]:40000\"} 12345678901\n"));
	/* Quotes and backslashes of a label value are escaped. */
	assert_non_null(strstr(text, "initiator=\"iqn.1994-05.com.redhat:\\\"\\\\"));
	free(text);
	snapshot_deinit(&s);
}

static void print(const struct table *table, const struct snapshot *s, char **text)
{
	size_t bytes;
	FILE *to = open_memstream(text, &bytes);

	assert_int_equal(table_print(table, s, to), 0);
	fclose(to);
}

static void test_tables(void **state)
{
	struct snapshot s = { .n_targets = 0 };
	char *text;

	setenv("TZ", "UTC", 1);
	fill(&s);
	print(&VIEW_TARGETS, &s, &text);
	assert_string_equal(text,
		"TARGET                     SESSIONS  LUNS  PORTALS      ALIAS\n"
		"iqn.2026-11.org.example:t      2/64     1  main,second  Gr\xc3\xbc\xc3\x9f\n");
	free(text);
	print(&VIEW_LUNS, &s, &text);
	assert_string_equal(text,
		"TARGET                       LUN  DEVICE   BACKEND  TYPE  SIZE  BLOCK  LAYERS  STATE\n"
		"iqn.2026-11.org.example:t  16383  scratch  mem      disk    1G    512  fault   fenced\n");
	free(text);
	print(&VIEW_LAYERS, &s, &text);
	assert_string_equal(text,
		"DEVICE   LAYER  STATE  RULE  SEEN  HITS  HELD  LOST  SETTING\n"
		"scratch  fault  on        2    30     3     1     0  op=READ(10) hang\n");
	free(text);
	snapshot_text(s.luns[0].detail, sizeof(s.luns[0].detail), "by way of\x1b 1");
	print(&VIEW_LUNS, &s, &text);
	assert_non_null(strstr(text, "  fenced, by way of\\x1b 1\n"));
	free(text);
	print(&VIEW_SESSIONS, &s, &text);
	assert_non_null(strstr(text, "2026-09-21"));
	/* A name cannot drive the terminal. */
	assert_non_null(strstr(text, "redhat:\"\\x5c\\x1b  "));
	assert_null(strchr(text, '\x1b'));
	free(text);
	snapshot_deinit(&s);
	print(&VIEW_SESSIONS, &s, &text);
	assert_string_equal(text, "There are no sessions.\n");
	free(text);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} CASES[] = {
		{ 0, "0B" }, { 1023, "1023B" }, { 1024, "1K" }, { 1536, "1.5K" }, { 1 << 30, "1G" },
		{ 1047527424, "999M" }, { UINT64_MAX, "15.9E" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		char text[32];

		view_size(CASES[i].bytes, text, sizeof(text));
		assert_string_equal(text, CASES[i].text);
	}
}

/* A request is taken as it was written, or not at all. */
static void test_request(void **state)
{
	static const char *const BAD[] = {
		"", "[]", "{\"device\": 1}", "{\"device\": \"a\", \"device\": \"b\"}",
		"{\"divice\": \"a\"}", "{\"device\": \"a\"", "{\"device\": null}",
	};
	struct snapshot_request request = { .device = "d", .layer = "fault" }, back;
	struct spt_error error;

	memset(request.setting, 'x', sizeof(request.setting) - 1);
	request.setting[5] = '"';
	char *text = json_write_request(&request);
	assert_non_null(text);
	assert_int_equal(json_read_request(text, strlen(text), &back, &error), 0);
	assert_memory_equal(&request, &back, sizeof(back));
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
		memset(error.text, 0, sizeof(error.text));
		assert_int_equal(json_read_request(BAD[i], strlen(BAD[i]), &back, &error), -EINVAL);
		assert_true(*error.text);
	}
	/* What does not fit is not cut. */
	char name[200] = "{\"device\": \"";
	memset(name + strlen(name), 'n', 65);
	strcat(name, "\"}");
	assert_int_equal(json_read_request(name, strlen(name), &back, &error), -EINVAL);
	assert_non_null(strstr(error.text, "64 bytes"));
}

static void test_routes(void **state)
{
	static const struct {
		enum route_method method;
		const char *path;
		int status;
		unsigned what;
		uint64_t id;
	} CASES[] = {
		{ ROUTE_GET, "/v1/targets", 200, CONTROL_TARGETS, 0 },
		{ ROUTE_GET, "/v1/luns", 200, CONTROL_LUNS, 0 },
		{ ROUTE_GET, "/v1/sessions", 200, CONTROL_SESSIONS, 0 },
		{ ROUTE_GET, "/v1/version", 200, 0, 0 },
		{ ROUTE_GET, "/metrics", 200, 15, 0 },
		{ ROUTE_DELETE, "/v1/sessions/7", 200, CONTROL_END_SESSION, 7 },
		{ ROUTE_DELETE, "/v1/sessions/18446744073709551615", 200, CONTROL_END_SESSION,
			UINT64_MAX },
		{ ROUTE_GET, "/v1/layers", 200, CONTROL_LAYERS, 0 },
		{ ROUTE_POST, "/v1/layers", 200, CONTROL_CHANGE_LAYER, 0 },
		{ ROUTE_POST, "/v1/unfence", 200, CONTROL_UNFENCE, 0 },
		{ ROUTE_POST, "/v1/reset", 200, CONTROL_RESET, 0 },
		{ ROUTE_GET, "/v1/unfence", 405, 0, 0 },
		{ ROUTE_GET, "/v1/sessions/7", 405, 0, 0 },
		{ ROUTE_OTHER, "/v1/targets", 405, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions", 405, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions/", 404, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions/-1", 404, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions/0x7", 404, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions/7/8", 404, 0, 0 },
		{ ROUTE_DELETE, "/v1/sessions/18446744073709551616", 404, 0, 0 },
		{ ROUTE_GET, "/", 404, 0, 0 },
		{ ROUTE_GET, "", 404, 0, 0 },
		{ ROUTE_GET, "/v1/targetsx", 404, 0, 0 },
		{ ROUTE_GET, "/v1/../v1/targets", 404, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		const struct route *route = NULL;
		uint64_t id = 0;

		if (route_find(CASES[i].method, CASES[i].path, &route, &id) != CASES[i].status)
			fail_msg("case %zu: %s", i, CASES[i].path);
		assert_int_equal(route != NULL, CASES[i].status == 200);
		if (route) {
			assert_int_equal(route->what, CASES[i].what);
			assert_int_equal(id, CASES[i].id);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_fields_complete),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_json_tolerance),
		cmocka_unit_test(test_json_error),
		cmocka_unit_test(test_text_cut),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
