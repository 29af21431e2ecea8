/* SPDX-License-Identifier: MIT */
/* Who may see and use which target, by which portal, and at which address (RFC 7143 C, 13.8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "target/discovery.h"
#include "target/generation.h"
#include "target/target.h"
#include "target/worker.h"

#define A "iqn.2026-11.org.example:a"
#define B "iqn.2026-11.org.example:b"
#define C "iqn.2026-11.org.example:c"
#define ME "iqn.2026-11.org.example:me"

static char *everybody[] = { "*" }, *me[] = { "iqn.2026-11.org.example:m?" }, *others[] = { "iqn.x:*" };
static size_t both[] = { 0, 1 }, second[] = { 1 };

static struct config_target configs[] = {
	{ .name = A, .initiators = everybody, .n_initiators = 1, .portals = both, .n_portals = 2 },
	{ .name = B, .initiators = me, .n_initiators = 1, .portals = second, .n_portals = 1 },
	{ .name = C, .initiators = others, .n_initiators = 1, .portals = both, .n_portals = 2 },
	{ .name = "iqn.2026-11.org.example:nobody", .portals = both, .n_portals = 2 },
};
static struct config_portal portals[] = { { .name = "main" }, { .name = "other" } };
static struct config config = { .portals = portals, .n_portals = 2 };
static struct target targets[4];
static struct portal_address addresses[] = {
	{ .portal_index = 0, .tag = 1, .wildcard = true, .port = 3260, .text = "[::]:3260" },
	{ .portal_index = 1, .tag = 2, .port = 3261, .text = "192.0.2.7:3261" },
};
static struct generation generation = {
	.config = &config, .targets = targets, .n_targets = 4, .addresses = addresses, .n_addresses = 2,
};
static struct worker worker = { .generation = &generation };
static struct session_env env = { .arg = &worker };

static const char *ask(uint8_t type, const char *value, const char *initiator)
{
	static char text[1024], shown[1024];
	static struct conn conn;
	struct key_writer w = key_writer_init(text, sizeof(text));

	memset(&conn, 0, sizeof(conn));
	conn.env = &env;
	conn.params.session_type = type;
	snprintf(conn.local, sizeof(conn.local), "[2001:db8::1]:3260");
	snprintf(conn.params.initiator_name, sizeof(conn.params.initiator_name), "%s", initiator);
	if (type == SESSION_NORMAL)
		snprintf(conn.params.target_name, sizeof(conn.params.target_name), A);
	discovery_send_targets(&conn, value, &w);
	assert_int_equal(w.err, 0);
	size_t n = key_writer_len(&w);
	memcpy(shown, text, n);
	shown[n] = 0;
	for (size_t i = 0; i < n; i++) {
		if (!shown[i])
			shown[i] = '\n';
	}
	return shown;
}

#define A_TEXT "TargetName=" A "\nTargetAddress=[2001:db8::1]:3260,1\nTargetAddress=192.0.2.7:3261,2\n"
#define B_TEXT "TargetName=" B "\nTargetAddress=192.0.2.7:3261,2\n"

static void send_targets(void **state)
{
	assert_string_equal(ask(SESSION_DISCOVERY, "All", ME), A_TEXT B_TEXT);
	assert_string_equal(ask(SESSION_DISCOVERY, "All", "iqn.2026-11.org.example:you"), A_TEXT);
	assert_string_equal(ask(SESSION_DISCOVERY, B, ME), B_TEXT);
	/* What he may not use is not there for him. */
	assert_string_equal(ask(SESSION_DISCOVERY, C, ME), "");
	assert_string_equal(ask(SESSION_DISCOVERY, "", ME), "");
	assert_string_equal(ask(SESSION_DISCOVERY, "iqn.no", ME), "");
	/* In a normal session: its own target, by name or by nothing. */
	assert_string_equal(ask(SESSION_NORMAL, "", ME), A_TEXT);
	assert_string_equal(ask(SESSION_NORMAL, A, ME), A_TEXT);
	assert_string_equal(ask(SESSION_NORMAL, B, ME), "");
	assert_string_equal(ask(SESSION_NORMAL, "All", ME), "");
}

/* An answer without room is an error of the writer's, not a shorter truth. */
static void no_room(void **state)
{
	char text[40];
	static struct conn conn;
	struct key_writer w = key_writer_init(text, sizeof(text));

	conn.env = &env;
	conn.params.session_type = SESSION_DISCOVERY;
	strcpy(conn.params.initiator_name, ME);
	strcpy(conn.local, "[::1]:3260");
	discovery_send_targets(&conn, "All", &w);
	assert_true(w.err < 0);
}

static void access_lists(void **state)
{
	static const struct {
		unsigned target;
		const char *initiator;
		bool allowed;
	} rows[] = {
		{ 0, ME, true }, { 0, "iqn.x:1", true }, { 1, ME, true },
		{ 1, "iqn.2026-11.org.example:mee", false }, { 1, "iqn.2026-11.org.example:m", false },
		{ 2, "iqn.x:1", true }, { 2, "iqn.x", false }, { 2, "iqn.y:1", false },
		{ 3, ME, false }, { 3, "", false },
	};
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(!target_denies(&targets[rows[i].target],
			(struct visitor){ rows[i].initiator, &nowhere }), rows[i].allowed);
	assert_true(target_has_portal(&targets[1], 1));
	assert_false(target_has_portal(&targets[1], 0));
	assert_ptr_equal(generation_find(&generation, A, "main"), &targets[0]);
	assert_ptr_equal(generation_find(&generation, B, "other"), &targets[1]);
	assert_null(generation_find(&generation, B, "main"));
	assert_null(generation_find(&generation, "iqn.no", "main"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(send_targets),
		cmocka_unit_test(no_room),
		cmocka_unit_test(access_lists),
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		targets[i].config = &configs[i];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
