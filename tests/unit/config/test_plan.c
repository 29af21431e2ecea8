/* SPDX-License-Identifier: MIT */
/* What a reload changes, and what each change costs: a row for each way a configuration may become another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "config/config.h"
#include "config/plan.h"

#define DAEMON "[daemon]\nlog-level = info\n"
#define PORTAL "[portal-main]\nlisten = 127.0.0.1\n"
#define DISK   "[device-d]\nbackend = mem\nsize = 1M\n"
#define TARGET "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = d\ninitiators = *\n"
#define ALL    DAEMON PORTAL DISK TARGET

static const struct row {
	const char *before, *after;
	const char *texts[4];
} ROWS[] = {
	{ ALL, ALL, { NULL } },
	{ ALL, "# words\n" TARGET "\n" DISK PORTAL DAEMON, { NULL } },
	/* A value that is as good as none. */
	{ ALL, DAEMON "workers = auto\n" PORTAL "tag = 1\n" DISK "abort-wait = 8s\n" TARGET "queue-depth = 128\n", { NULL } },
	{ ALL, ALL "[target-u]\nname = iqn.2026-11.org.example:u\nportal = main\nlun.0 = d\ninitiators = *\n",
		{ "[target-u] is new" } },
	{ ALL "[device-e]\nbackend = mem\nsize = 1M\n", ALL, { "[device-e] is gone" } },
	{ ALL, DAEMON PORTAL "[device-x]\nbackend = mem\nsize = 1M\n"
		"[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = x\ninitiators = *\n",
		{ "[device-x] is new", "[target-t] lun.0 is changed: at once", "[device-d] is gone" } },
	{ ALL, ALL "lun.1 = d\n", { "[target-t] lun.1 is changed: at once" } },
	{ ALL "lun.1 = d\n", ALL, { "[target-t] lun.1 is changed: at once" } },
	{ ALL, ALL "alias = A\nmax-recv-data-segment-length = 16K\n",
		{ "[target-t] alias is changed: for new logins",
			"[target-t] max-recv-data-segment-length is changed: for new logins; sessions are asked to negotiate" } },
	{ ALL, "[daemon]\nlog-level = debug\nworkers = 3\n" PORTAL DISK TARGET,
		{ "[daemon] log-level is changed: at once", "[daemon] workers is changed: only after a restart" } },
	{ ALL, PORTAL DISK TARGET, { NULL } }, /* info is the default */
	{ DAEMON "drain-timeout = 3s\n" PORTAL DISK TARGET, PORTAL DISK TARGET, { "[daemon] drain-timeout is changed: at once" } },
	{ ALL, DAEMON PORTAL "[device-d]\nbackend = mem\nsize = 2M\nserial = X\n" TARGET,
		{ "[device-d] size is changed: what it belongs to is opened again",
			"[device-d] serial is changed: what it belongs to is opened again" } },
	/* A default of the backend's own table. */
	{ ALL, DAEMON PORTAL DISK "kind = thin\nblock-size = 512\n" TARGET, { NULL } },
	{ DAEMON PORTAL DISK "kind = thick\n" TARGET, ALL, { "[device-d] kind is changed: what it belongs to is opened again" } },
};

static struct config *load(const char *text)
{
	struct config_errors errors;
	struct config *config = NULL;

	if (config_parse("t", text, strlen(text), &errors, &config) < 0)
		fail_msg("line %u: %s\n%s", errors.list[0].line, errors.list[0].text, text);
	return config;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		struct config *before = load(ROWS[i].before), *after = load(ROWS[i].after);
		struct plan plan;
		size_t n = 0;

		assert_int_equal(plan_make(before, after, &plan), 0);
		for (; n < plan.n; n++) {
			char text[320];
			plan_text(&plan.list[n], text, sizeof(text));
			if (n >= ARRAY_SIZE(ROWS[i].texts) || !ROWS[i].texts[n] || strcmp(text, ROWS[i].texts[n]))
				fail_msg("row %zu, change %zu: %s", i, n, text);
		}
		if (ROWS[i].texts[n])
			fail_msg("row %zu: not told: %s", i, ROWS[i].texts[n]);
		plan_deinit(&plan);
		config_free(before);
		config_free(after);
	}
}

/* What is shared at a reload is what would be opened alike; its name, and how its key is written, do not matter. */
static void test_devices(void **state)
{
	static const struct {
		const char *more;
		bool equal;
	} DEVICES[] = {
		{ "", true }, { "kind = thin\n", true }, { "cache = on\n", true }, { "abort-wait = 8000ms\n", true },
		{ "kind = thick\n", false }, { "latency = 1ms\n", false }, { "serial = A\n", false },
		{ "block-size = 1024\n", false }, { "abort-wait = 1s\n", false }, { "reset = no\n", false },
		{ "reset-wait = 1s\n", false }, { "reservations = raw\n", false }, { "exclusive = yes\n", false },
	};
	struct config *before = load(ALL);

	for (size_t i = 0; i < ARRAY_SIZE(DEVICES); i++) {
		char text[1024];
		snprintf(text, sizeof(text), "%s%s%s", DAEMON PORTAL DISK, DEVICES[i].more, TARGET);
		struct config *after = load(text);
		if (plan_device_equal(&before->devices[0], &after->devices[0]) != DEVICES[i].equal)
			fail_msg("device %zu: %s", i, DEVICES[i].more);
		config_free(after);
	}
	config_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
