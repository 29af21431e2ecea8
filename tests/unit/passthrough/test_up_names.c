/* SPDX-License-Identifier: MIT */
/*
 * An upstream target that is known by a name, which leads elsewhere after a while: it is looked up again
 * when a session is lost, and never on the loop. The system's resolver is caught here (linker option --wrap).
 */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"
#include "tgtd.h"

#define NAME "moving.example"

static struct tgtd one;
static struct rig rig;
static struct run run;
static const char *leads_to; /* NULL: nowhere */
static unsigned asked;

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	if (strcmp(node, NAME) != 0 || (hints->ai_flags & AI_NUMERICHOST))
		return __real_getaddrinfo(node, service, hints, ret);
	asked++;
	return leads_to ? __real_getaddrinfo(leads_to, service, hints, ret) : EAI_AGAIN;
}

static void open_rig(void)
{
	char url[128];
	const char *options[] = { url, "nop-interval=1s", "nop-timeout=1s", "hold-time=500ms", "retry-max=300ms",
		"connect-timeout=3s", NULL };
	struct spt_error error = { "" };

	leads_to = "127.0.0.1";
	asked = 0;
	snprintf(url, sizeof(url), "url=iscsi://" NAME ":%d/" TGTD_TARGET "/1", one.port);
	if (rig_open(&rig, "iscsi", options, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(asked, 1);
}

static int status_now(void)
{
	static const uint8_t test[6] = { 0 };
	int status = run_now(&rig, &run, test, 6, 0, NULL, 0);

	run_end(&run);
	return status;
}

static void until_status(int status, unsigned seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	int got, never = 0;

	while ((got = status_now()) != status) {
		fake_host_until(&rig.fake, &never, 20000);
		if (time(NULL) > end)
			fail_msg("status 0x%02x instead of 0x%02x; %s", got, status, rig.event);
	}
}

/* Until an answer is not new any more. */
static void grow_old(void)
{
	int never = 0;

	fake_host_until(&rig.fake, &never, 1200000);
}

static void lose(void)
{
	grow_old();
	tgtd_kill(&one);
	assert_true(tgtd_restart(&one));
}

static bool described(const char *says)
{
	char text[200];

	spt_device_describe(rig.device, text, sizeof(text));
	return strstr(text, says) != NULL;
}

static void test_moves(void **state)
{
	open_rig();
	until_status(SPT_GOOD, 10);
	leads_to = "127.0.0.9"; /* nobody is there */
	lose();
	until_status(SPT_BUSY, 10);
	grow_old();
	assert_true(asked >= 2);
	assert_int_equal(status_now(), SPT_BUSY);
	assert_true(described("not connected"));
	leads_to = "127.0.0.1";
	until_status(SPT_GOOD, 20);
	assert_true(described("127.0.0.1"));
	/* A resolver that knows nothing at the moment: what was known before. */
	leads_to = NULL;
	unsigned before = asked;
	lose();
	until_status(SPT_GOOD, 20);
	assert_true(asked > before);
	assert_true(rig_close(&rig));
}

static struct spt_work *kept;

static void keep_work(struct spt_host *host, struct spt_work *work)
{
	assert_null(kept);
	kept = work;
}

/* A resolver that takes its time: what is known is tried meanwhile, and a device can be closed. */
static void test_slow(void **state)
{
	open_rig();
	until_status(SPT_GOOD, 10);
	struct spt_host_ops ops = *rig.fake.host.ops;
	ops.offload = keep_work;
	rig.fake.host.ops = &ops;
	lose();
	until_status(SPT_GOOD, 20);
	assert_int_equal(asked, 1);
	assert_non_null(kept);
	struct spt_work *work = TAKE(kept);
	leads_to = "127.0.0.9";
	work->work(work);
	work->done(work);
	assert_int_equal(asked, 2);
	assert_non_null(strstr(rig.event, "127.0.0.9"));
	lose();
	until_status(SPT_BUSY, 10);
	assert_non_null(kept);
	assert_true(rig_close(&rig));
	work = TAKE(kept);
	work->work(work);
	work->done(work);
}

static int tear_down(void **state)
{
	tgtd_stop(&one);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_slow),
	};

	if (!tgtd_installed()) {
		printf("no tgtd here\n");
		return 77; /* skipped */
	}
	if (!tgtd_start(&one)) {
		printf("tgtd is here and does not start\n");
		tear_down(NULL);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
