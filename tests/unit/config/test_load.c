/* SPDX-License-Identifier: MIT */
/* Whole configurations: what a good one becomes, and every fault of bad ones with its line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "log/log.h"

static struct config *load(const char *text)
{
	struct config_errors errors;
	struct config *config = NULL;

	if (config_parse("t", text, strlen(text), &errors, &config) < 0)
		fail_msg("line %u: %s", errors.list[0].line, errors.list[0].text);
	assert_int_equal(errors.n, 0);
	return config;
}

static const char GOOD[] =
	"; a comment\n"
	"[daemon]\n"
	"workers = 3\n"
	"control-socket = none\n"
	"log-level = debug\n"
	"drain-timeout = 500ms\n"
	"max-logins = 7\n"
	"login-timeout = 2min\n"
	"[target-B]\n"
	"name = IQN.2026-11.org.example:B ; capitals are folded\n"
	"alias = \"A; B\"\n"
	"portal = Second, first\n"
	"lun.7 = SCRATCH read-only\n"
	"lun.7.initiators = iqn.1991-05.com.microsoft:*\n"
	"lun.7.addresses = 10.1.0.0/16\n"
	"lun.7.serial = A 1\n"
	"lun.7.naa = 3000000000000001\n"
	"lun.7.vendor = ACME\n"
	"lun.7.product = Archive\n"
	"lun.7.revision = 2.0\n"
	"addresses = 10.0.0.0/8, [fd00::]/8\n"
	"addresses.4 = ::ffff:192.0.2.1\n"
	"lun.0 = tape\n"
	"initiators = iqn.1994-05.com.redhat:*, eui.02004567A425678D\n"
	"initiators.1 = iqn.1991-05.com.microsoft:host\n"
	"initial-r2t = yes\n"
	"immediate-data = off\n"
	"max-recv-data-segment-length = 8K\n"
	"max-burst-length = 16776192\n"
	"first-burst-length = 65536\n"
	"max-outstanding-r2t = 2\n"
	"header-digest = CRC32C, None\n"
	"data-digest = CRC32C\n"
	"queue-depth = 32\n"
	"max-sessions = 2\n"
	"budget = 2M\n"
	"[portal-first]\n"
	"listen = 127.0.0.1, [::1]:0,0.0.0.0:3261\n"
	"tag = 2\n"
	"[portal-second]\n"
	"listen = [::]:3262\n"
	"nop-interval = 0\n"
	"[device-tape]\n"
	"backend = sg\n"
	"path = /dev/tape/by-id/x-sg\n"
	"abort-wait = 1min\n"
	"reset = no\n"
	"[device-scratch]\n"
	"backend = mem\n"
	"size = 1G\n"
	"kind = thick\n"
	"latency = 3ms\n";

static void test_daemon(void **state)
{
	struct config *c = load(GOOD);

	assert_int_equal(c->daemon.workers, 3);
	assert_null(c->daemon.control_socket);
	assert_string_equal(c->daemon.state_dir, "/var/lib/sptgt");
	assert_null(c->daemon.user);
	assert_int_equal(c->daemon.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->daemon.drain_timeout_us, 500000);
	assert_int_equal(c->daemon.max_connections, 1024);
	assert_int_equal(c->daemon.max_logins, 7);
	assert_int_equal(c->daemon.login_timeout_us, 120000000);
	config_free(c);
}

#define PORTAL "[portal-main]\nlisten = 127.0.0.1\n"
#define DISK   "[device-d]\nbackend = mem\nsize = 1M\n"
#define TARGET "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = d\ninitiators = *\n"
#define MORE   PORTAL DISK TARGET

static void test_portals(void **state)
{
	struct config *c = load(GOOD);
	const struct config_portal *first = &c->portals[0];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&first->listen.list[0].sockaddr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&first->listen.list[1].sockaddr;

	assert_int_equal(c->n_portals, 2);
	assert_string_equal(first->name, "first");
	assert_int_equal(first->tag, 2);
	assert_int_equal(first->listen.n, 3);
	assert_string_equal(first->listen.list[0].text, "127.0.0.1:3260");
	assert_string_equal(first->listen.list[1].text, "[::1]:0");
	assert_string_equal(first->listen.list[2].text, "0.0.0.0:3261");
	assert_int_equal(first->listen.list[0].bytes, sizeof(*v4));
	assert_int_equal(v4->sin_family, AF_INET);
	assert_int_equal(v4->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(ntohs(v4->sin_port), 3260);
	assert_int_equal(v6->sin6_family, AF_INET6);
	assert_memory_equal(&v6->sin6_addr, &in6addr_loopback, 16);
	assert_int_equal(v6->sin6_port, 0);
	assert_int_equal(first->nop_interval_us, 15000000);
	assert_int_equal(c->portals[1].tag, 1);
	assert_int_equal(c->portals[1].nop_interval_us, 0);
	config_free(c);
}

static void test_devices(void **state)
{
	struct config *c = load(GOOD);
	const struct config_device *tape = &c->devices[0], *scratch = &c->devices[1];

	assert_int_equal(c->n_devices, 2);
	assert_string_equal(tape->name, "tape");
	assert_ptr_equal(tape->backend, spt_backend_find("sg"));
	assert_int_equal(tape->n_values, 1);
	assert_string_equal(tape->values[0].text, "/dev/tape/by-id/x-sg");
	assert_true(tape->values[0].given);
	assert_int_equal(tape->escalation.wait_us, 60000000);
	assert_false(tape->escalation.reset);
	assert_int_equal(tape->escalation.reset_wait_us, 5000000);

	assert_int_equal(scratch->n_values, 6);
	assert_int_equal(scratch->values[0].number, 1u << 30);
	/* A default is set, and not given. */
	assert_int_equal(scratch->values[1].number, 512);
	assert_true(scratch->values[1].set);
	assert_false(scratch->values[1].given);
	assert_int_equal(scratch->values[2].number, 1);
	assert_true(scratch->values[3].flag);
	assert_int_equal(scratch->values[4].number, 3000);
	assert_false(scratch->values[5].set);
	assert_true(scratch->escalation.reset);
	config_free(c);
}

static void test_target(void **state)
{
	struct config *c = load(GOOD);
	const struct config_target *t = &c->targets[0];

	assert_int_equal(c->n_targets, 1);
	assert_string_equal(t->label, "b");
	assert_string_equal(t->name, "iqn.2026-11.org.example:b");
	assert_string_equal(t->alias, "A; B");
	assert_int_equal(t->n_portals, 2);
	assert_int_equal(t->portals[0], 1);
	assert_int_equal(t->portals[1], 0);
	assert_int_equal(t->n_luns, 2);
	assert_int_equal(t->luns[0].lun, 0);
	assert_int_equal(t->luns[0].device, 0);
	assert_false(t->luns[0].read_only);
	assert_int_equal(t->luns[1].lun, 7);
	assert_int_equal(t->luns[1].device, 1);
	assert_true(t->luns[1].read_only);
	assert_int_equal(t->luns[0].n_initiators, 0);
	assert_int_equal(t->luns[1].n_initiators, 1);
	assert_string_equal(t->luns[1].initiators[0], "iqn.1991-05.com.microsoft:*");
	assert_int_equal(t->luns[0].addresses.n, 0);
	assert_int_equal(t->luns[1].addresses.n, 1);
	assert_int_equal(t->luns[1].addresses.list[0].bits, 16);
	assert_int_equal(t->addresses.n, 3);
	assert_false(t->addresses.list[1].v4);
	assert_true(t->addresses.list[2].v4);
	assert_int_equal(t->luns[0].identity.serial[0], 0);
	assert_string_equal(t->luns[1].identity.serial, "A 1");
	assert_string_equal(t->luns[1].identity.vendor, "ACME");
	assert_string_equal(t->luns[1].identity.product, "Archive");
	assert_string_equal(t->luns[1].identity.revision, "2.0");
	assert_int_equal(t->luns[1].identity.naa_bytes, 8);
	assert_int_equal(t->n_initiators, 3);
	assert_string_equal(t->initiators[0], "iqn.1994-05.com.redhat:*");
	assert_string_equal(t->initiators[1], "eui.02004567a425678d");
	assert_string_equal(t->initiators[2], "iqn.1991-05.com.microsoft:host");
	config_free(c);
}

/* Ports that are not told, and names beside numbers (RFC 7143 13.8). */
static void test_addresses(void **state)
{
	struct config *c = load("[daemon]\nisns = 192.0.2.53, [2001:db8::53]:3206, isns.example.org\n"
		"[portal-main]\nlisten = 127.0.0.1:1\nadvertise = 192.0.2.1\n" DISK TARGET
		"redirect = 192.0.2.9,[2001:db8::9]:860, Storage-1.example.org\nstate = offline\n"
		"redirect-permanent = yes\n");
	const struct config_target *t = &c->targets[0];

	assert_int_equal(c->daemon.isns.n, 3);
	assert_string_equal(c->daemon.isns.list[0], "192.0.2.53:3205");
	assert_string_equal(c->daemon.isns.list[1], "[2001:db8::53]:3206");
	assert_string_equal(c->daemon.isns.list[2], "isns.example.org:3205");
	assert_int_equal(c->daemon.isns_period_us, 600000000);
	assert_null(c->daemon.isns_entity);
	assert_int_equal(t->redirect.n, 3);
	assert_string_equal(t->redirect.list[0], "192.0.2.9:3260");
	assert_string_equal(t->redirect.list[1], "[2001:db8::9]:860");
	assert_string_equal(t->redirect.list[2], "Storage-1.example.org:3260");
	assert_true(t->redirect_permanent);
	assert_int_equal(t->state, CONFIG_STATE_OFFLINE);
	assert_string_equal(c->portals[0].advertise.list[0].text, "192.0.2.1:3260");
	config_free(c);
}

static void test_negotiation(void **state)
{
	struct config *c = load(GOOD);
	const struct config_target *t = &c->targets[0];
	const struct config_negotiation *n = &t->negotiation;

	assert_true(n->initial_r2t);
	assert_false(n->immediate_data);
	assert_int_equal(n->max_recv_data_segment_length, 8192);
	assert_int_equal(n->max_burst_length, 16776192);
	assert_int_equal(n->first_burst_length, 65536);
	assert_int_equal(n->max_outstanding_r2t, 2);
	assert_int_equal(n->time_to_wait_s, 2);
	assert_int_equal(n->time_to_retain_s, 20);
	assert_int_equal(n->header_digest.n, 2);
	assert_int_equal(n->header_digest.list[0], CONFIG_DIGEST_CRC32C);
	assert_int_equal(n->header_digest.list[1], CONFIG_DIGEST_NONE);
	assert_int_equal(n->data_digest.n, 1);
	assert_int_equal(n->task_reporting, CONFIG_REPORTING_RFC3720 |
		CONFIG_REPORTING_RESPONSE_FENCE | CONFIG_REPORTING_FAST_ABORT);
	assert_int_equal(n->protocol_level, 2);
	assert_int_equal(t->queue_depth, 32);
	assert_int_equal(t->max_sessions, 2);
	assert_int_equal(t->budget_bytes, 2 << 20);
	config_free(c);
}

/* The algorithms by their numbers in CHAP_A (RFC 7143 12.1.3), the strongest first unless told. */
static void test_authentication(void **state)
{
	struct config *c = load(GOOD);
	const struct config_auth *a = &c->targets[0].auth;

	assert_false(a->chap);
	assert_null(a->secrets);
	assert_int_equal(a->algorithms.n, 4);
	assert_memory_equal(a->algorithms.list, ((uint8_t[]){ 8, 7, 6, 5 }), 4);
	assert_int_equal(c->daemon.discovery_auth.algorithms.n, 4);
	config_free(c);
}

static void test_demo(void **state)
{
	struct config_errors errors;
	struct config *c = NULL;

	assert_int_equal(config_demo(NULL, &errors, &c), 0);
	assert_int_equal(errors.n, 0);
	assert_string_equal(c->portals[0].listen.list[0].text, "127.0.0.1:3260");
	assert_string_equal(c->targets[0].name, "iqn.2026-11.org.sptgt:demo");
	assert_string_equal(c->targets[0].initiators[0], "*");
	assert_int_equal(c->devices[0].values[0].number, 1u << 30);
	config_free(c);
	c = NULL;
	assert_int_equal(config_demo("127.0.0.1:0, [::1]:0", &errors, &c), 0);
	assert_int_equal(c->portals[0].listen.n, 2);
	config_free(c);
	c = NULL;
	/* The command line cannot smuggle in another key. */
	assert_int_equal(config_demo("127.0.0.1\"\n[daemon]\nuser = root", &errors, &c), -EINVAL);
	assert_int_equal(config_demo("localhost", &errors, &c), -EINVAL);
	assert_null(c);
	config_free(load(config_demo_text()));
}

/* Faults: the text, and what must be told: "LINE: words", one a line, nothing else. */
struct fault_case {
	const char *text;
	const char *told[6];
};

static const struct fault_case FAULTS[] = {
	{ "[deamon]\n" MORE, { "1: there is no section [deamon] (did you mean 'daemon'?)" } },
	{ "[daemon-x]\n" MORE, { "1: there is no section [daemon-x]" } },
	{ "[portal-]\n" MORE, { "1: there is no section [portal-]" } },
	{ "[traget-x]\n" MORE, { "1: there is no section [traget-x] (did you mean 'target-x'?)" } },
	{ "[daemon]\nworker = 1\n" MORE, { "2: [daemon] has no key 'worker' (did you mean 'workers'?)" } },
	{ "[daemon]\nfrobnicate = 1\n" MORE, { "2: [daemon] has no key 'frobnicate'" } },
	{ "[daemon]\nworkers = 12abc\n" MORE, { "2: workers: '12abc' is not a number" } },
	{ "[daemon]\nworkers = 0\n" MORE, { "2: workers: 0 is out of range (1 to 64)" } },
	{ "[daemon]\nworkers = -1\n" MORE, { "2: workers: '-1' is not a number" } },
	{ "[daemon]\nworkers = 99999999999999999999\n" MORE, { "2: workers: '99999999999999999999' is too" } },
	{ "[daemon]\nlog-level = loud\n" MORE, { "2: log-level: 'loud' is not one of err," } },
	{ "[daemon]\nlogin-timeout = 15 parsecs\n" MORE, { "2: login-timeout: '15 parsecs' is not a time" } },
	{ "[daemon]\nworkers = x\nmax-logins = y\n[portal-main]\nlisten = z\n[nonsense]\n",
		{ "2: workers", "3: max-logins", "5: listen: 'z' is not an address",
			"6: there is no section" } },
	/* Portals. */
	{ "[portal-main]\ntag = 1\n" DISK TARGET, { "1: [portal-main] needs the key 'listen'" } },
	{ "[portal-main]\nlisten = localhost\n" DISK TARGET, { "2: listen: 'localhost' is not an address" } },
	{ "[portal-main]\nlisten = ::1\n" DISK TARGET, { "2: listen: '::1' is not ADDRESS:PORT; an IPv6" } },
	{ "[portal-main]\nlisten = [::1\n" DISK TARGET, { "2: listen: '[::1' is not ADDRESS:PORT" } },
	{ "[portal-main]\nlisten = [::1]x\n" DISK TARGET, { "2: listen: '[::1]x' is not ADDRESS:PORT" } },
	{ "[portal-main]\nlisten = [127.0.0.1]\n" DISK TARGET, { "2: listen: '127.0.0.1' is not an address" } },
	{ "[portal-main]\nlisten = 127.1:3260\n" DISK TARGET, { "2: listen: '127.1' is not an address" } },
	{ "[portal-main]\nlisten = 127.0.0.1/32\n" DISK TARGET, { "2: listen: '127.0.0.1/32' is not an" } },
	{ "[portal-main]\nlisten = 127.0.0.1:65536\n" DISK TARGET, { "2: listen: '65536' is not a port" } },
	{ "[portal-main]\nlisten = 127.0.0.1:\n" DISK TARGET, { "2: listen: '' is not a port" } },
	{ "[portal-main]\nlisten = 127.0.0.1,,\n" DISK TARGET, { "2: listen: '' is not an address" } },
	{ "[portal-main]\nlisten = 127.0.0.1, 127.0.0.1:3260\n" DISK TARGET,
		{ "2: 127.0.0.1:3260: portal main listens on 127.0.0.1:3260 already" } },
	{ PORTAL "[portal-b]\nlisten = 127.0.0.1\n" DISK TARGET,
		{ "4: 127.0.0.1:3260: portal main listens on 127.0.0.1:3260 already" } },
	{ "[portal-main]\nlisten = [::], 0.0.0.0\n" DISK TARGET,
		{ "2: 0.0.0.0:3260: portal main listens on [::]:3260 already" } },
	{ "[portal-main]\nlisten = 127.0.0.1, [::1], 0.0.0.0\n" DISK TARGET,
		{ "2: 0.0.0.0:3260: portal main listens on 127.0.0.1:3260 already" } },
	{ "[portal-main]\nlisten = [::1]\n[portal-b]\nlisten = [::]\n" DISK TARGET,
		{ "4: [::]:3260: portal main listens on [::1]:3260 already" } },
	/* Devices. */
	{ PORTAL "[device-d]\nsize = 1M\n" TARGET, { "3: [device-d] needs the key 'backend'" } },
	{ PORTAL "[device-d]\nbackend = men\nsize = 1M\n" TARGET,
		{ "4: there is no backend 'men' (did you mean 'mem'?); there are: mem, sg" } },
	{ PORTAL "[device-d]\nbackend = memory\nsize = 1M\n" TARGET,
		{ "4: there is no backend 'memory' (did you mean 'mem'?)" } },
	{ PORTAL "[device-d]\nbackend = mem\n" TARGET, { "3: [device-d] needs the key 'size'" } },
	{ PORTAL DISK "path = /x\n" TARGET, { "6: [device-d] has no key 'path' with backend mem" } },
	{ PORTAL DISK "seriel = 1\n" TARGET,
		{ "6: [device-d] has no key 'seriel' with backend mem (did you mean 'serial'?)" } },
	{ PORTAL DISK "abort-wiat = 1\n" TARGET, { "6: [device-d] has no key 'abort-wiat' with backend mem "
		"(did you mean 'abort-wait'?)" } },
	{ PORTAL DISK "block-size = 511\n" TARGET, { "6: block-size: 511 is out of range" } },
	{ PORTAL DISK "cache = perhaps\n" TARGET, { "6: cache: 'perhaps' is neither yes nor no" } },
	/* Targets. */
	{ PORTAL DISK "[target-t]\nportal = main\nlun.0 = d\ninitiators = *\n",
		{ "6: [target-t] needs the key 'name'" } },
	{ PORTAL DISK "[target-t]\nname = iqn.2026-11.org.example:t\nlun.0 = d\ninitiators = *\n",
		{ "6: [target-t] needs the key 'portal'" } },
	{ PORTAL DISK "[target-t]\nname = disk\nportal = main\nlun.0 = d\ninitiators = *\n",
		{ "7: name: 'disk' is not an iSCSI name" } },
	{ MORE "[target-u]\nname = IQN.2026-11.org.example:T\nportal = main\nlun.0 = d\ninitiators = *\n",
		{ "12: iqn.2026-11.org.example:t is the name of [target-t] too" } },
	{ DISK "[portal-mian]\nlisten = [::]\n" TARGET,
		{ "8: there is no [portal-main] (did you mean 'mian'?)" } },
	{ PORTAL DISK "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main, main\n"
		"lun.0 = d\ninitiators = *\n", { "8: portal: main stands twice" } },
	{ PORTAL "[device-x]\nbackend = sg\npath = /dev/sg0\n" TARGET, { "9: there is no [device-d]" } },
	{ PORTAL "[device-d]\nbackend = sg\npath = sg0\n" TARGET,
		{ "5: path: 'sg0' does not begin with a slash" } },
	{ MORE "lun.00 = d\n", { "11: LUN 0 is mapped twice" } },
	{ MORE "lun.16384 = d\n", { "11: 'lun.16384' is not lun.N with N from 0 to 16383" } },
	{ MORE "lun.0x1 = d\n", { "11: 'lun.0x1' is not lun.N" } },
	{ MORE "lun = d\n", { "11: 'lun' is not lun.N" } },
	{ MORE "lun.1.initiators = iqn.2026-11.org.example:a\n",
		{ "11: lun.1.initiators: the target has no such LUN" } },
	{ MORE "lun.0x0.initiators = iqn.2026-11.org.example:a\n",
		{ "11: lun.0x0.initiators: the target has no such LUN" } },
	{ MORE "lun.initiators = iqn.2026-11.org.example:a\n",
		{ "11: lun.initiators: the target has no such LUN" } },
	{ MORE "lun.1.serial = A\n", { "11: lun.1.serial: the target has no such LUN" } },
	{ MORE "lun.0.serials = A\n", { "11: 'lun.0.serials' is not lun.N" } },
	{ MORE "lun.0.vendor = NINE CHAR\n", { "11: lun.N.vendor: " } },
	{ MORE "lun.0.product = \xc3\xa4\n", { "11: product: only printable ASCII" } },
	{ MORE "lun.0.naa = 4000000000000001\n", { "11: naa: 16 digits that begin with 2, 3 or 5" } },
	{ MORE "addresses = 10.0.0.1/8\n",
		{ "11: addresses: '10.0.0.1/8' has bits behind its prefix; is 10.0.0.0/8 meant?" } },
	{ MORE "addresses = 10.0.0.0/8, host\n", { "11: addresses: 'host' is no address" } },
	{ MORE "addresses.1 = ::1, 10.0.0.1, ::ffff:10.0.0.1/128\n", { "11: addresses.1: ::ffff:10.0.0.1/128 stands twice" } },
	{ MORE "addresses.x = ::1\n", { "11: 'addresses.x' is not addresses.N" } },
	{ MORE "lun.0.addresses = ::1/200\n", { "11: lun.0.addresses: '::1/200': the length" } },
	{ MORE "lun.1.addresses = ::1\n", { "11: lun.1.addresses: the target has no such LUN" } },
	{ MORE "lun.0.initiators = host\n", { "11: lun.0.initiators: 'host' is neither" } },
	{ MORE "lun.1 = d readonly\n", { "11: lun.1: 'd readonly' is not the name of a device" } },
	{ MORE "luns.1 = d\n", { "11: [target-t] has no key 'luns.1'" } },
	{ MORE "initiators.x = *\n", { "11: 'initiators.x' is not initiators.N" } },
	{ MORE "initiators.1 = iqn.2026-11.org.example:a,\n", { "11: initiators.1: '' is neither" } },
	{ MORE "initiators.1 = a/b\n", { "11: initiators.1: 'a/b' is neither" } },
	{ MORE "max-burst-length = 511\n", { "11: max-burst-length: 511 bytes is out of range" } },
	{ MORE "max-burst-length = 16M\n", { "11: max-burst-length: 16777216 bytes is out of range" } },
	/* RFC 7143 13.14: FirstBurstLength MUST NOT exceed MaxBurstLength. */
	{ MORE "first-burst-length = 2M\n", { "11: first-burst-length (2097152) is larger than" } },
	{ MORE "max-burst-length = 64K\n", { "6: first-burst-length (262144) is larger than" } },
	{ MORE "header-digest = CRC64\n", { "11: header-digest: 'CRC64' is neither None nor CRC32C" } },
	{ MORE "task-reporting = RFC3720, Slow\n", { "11: task-reporting: 'Slow' is none of RFC3720" } },
	{ MORE "task-reporting = FastAbort\n", { "11: task-reporting: RFC3720 must be among them" } },
	{ MORE "protocol-level = 3\n", { "11: protocol-level: 3 is out of range (1 to 2)" } },
	{ MORE "data-digest = None,none\n", { "11: data-digest: none stands twice" } },
	/* Authentication. */
	{ MORE "auth = maybe\n", { "11: auth: 'maybe' is not one of none, chap" } },
	{ MORE "auth = chap\n", { "6: [target-t] demands CHAP and has no chap-file" } },
	{ MORE "auth = chap\nchap-file = /nonexistent/f\n", { "12: /nonexistent/f cannot be read" } },
	{ "[daemon]\ndiscovery-auth = chap\n" MORE,
		{ "1: [daemon] demands CHAP and has no discovery-chap-file" } },
	{ MORE "chap-algorithms = MD4\n", { "11: chap-algorithms: 'MD4' is none of SHA3-256" } },
	{ MORE "chap-algorithms = MD5, md5\n", { "11: chap-algorithms: md5 stands twice" } },
	/* Where a target is told to be, and where it is told. */
	{ MORE "redirect = 192.0.2.1, a b\n", { "11: redirect: 'a b' is not ADDRESS[:PORT]" } },
	{ MORE "redirect = ::1\n", { "11: redirect: '::1' is not ADDRESS[:PORT]" } },
	{ MORE "redirect = 1.2.3\n", { "11: redirect: '1.2.3' is not ADDRESS[:PORT]" } },
	{ MORE "redirect = -a.example\n", { "11: redirect: '-a.example' is not" } },
	{ MORE "redirect = a..example\n", { "11: redirect: 'a..example' is not" } },
	{ MORE "redirect = [::]\n", { "11: redirect: '[::]' is not" } },
	{ MORE "redirect = a.example:0\n", { "11: redirect: '0' is not a port (1 to 65535)" } },
	{ MORE "redirect = 192.0.2.1:3260,1\n", { "11: redirect: '1' is not" } },
	{ MORE "state = lost\n", { "11: state: 'lost' is not one of online, offline, removed" } },
	{ "[portal-main]\nlisten = 127.0.0.1\nadvertise = [::]\n" DISK TARGET,
		{ "3: advertise: [::]:3260 is no address that can be connected to" } },
	{ "[portal-main]\nlisten = 127.0.0.1\nadvertise = 192.0.2.1:0\n" DISK TARGET,
		{ "3: advertise: '0' is not a port (1 to 65535)" } },
	{ "[daemon]\nisns = ser_ver\n" MORE, { "2: isns: 'ser_ver' is not ADDRESS[:PORT]" } },
	{ "[daemon]\nisns = 0.0.0.0\n" MORE, { "2: isns: '0.0.0.0' is not ADDRESS[:PORT]" } },
	{ "[daemon]\nisns = 1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5\n" MORE,
		{ "2: isns: at most 4 servers" } },
	{ "[daemon]\nisns-entity = isns:1\n" MORE, { "2: isns-entity: 'isns:1': names that begin with isns: are" } },
	{ "[daemon]\nisns-entity = a b\n" MORE, { "2: isns-entity: 'a b' is not an Entity Identifier" } },
	{ "[daemon]\nisns-entity = ab\n" MORE, { "2: isns-entity: 'ab' is not an Entity Identifier" } },
	{ "[daemon]\nisns-period = 1s\nisns-port = 65536\n" MORE,
		{ "2: isns-period: 1000000 us is out", "3: isns-port: 65536 is out of range" } },
	/* What is missing may be misspelt: with a broken line nothing is said about it. */
	{ "[portal-main]\nlisten 127.0.0.1\n" DISK TARGET, { "2: this is neither a section" } },
};

static void check_told(size_t which, const struct fault_case *f, const struct config_errors *e)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(f->told) && f->told[n])
		n++;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < e->n; k++) {
			char text[400];

			snprintf(text, sizeof(text), "%u: %s", e->list[k].line, e->list[k].text);
			found |= !strncmp(text, f->told[i], strlen(f->told[i]));
		}
		if (!found)
			fail_msg("case %zu does not tell \"%s\" but \"%u: %s\"", which, f->told[i],
				e->list[0].line, e->list[0].text);
	}
	if (e->n != n)
		fail_msg("case %zu tells %zu faults: %u: %s", which, e->n, e->list[e->n - 1].line,
			e->list[e->n - 1].text);
}

/* Each value that is none; RFC 4171 6.2.1, too. */
static void test_faults(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(FAULTS); i++) {
		struct config_errors errors;
		struct config *config = NULL;
		int r = config_parse("t", FAULTS[i].text, strlen(FAULTS[i].text), &errors, &config);

		if (r != -EINVAL)
			fail_msg("case %zu is taken: %s", i, FAULTS[i].text);
		assert_null(config);
		check_told(i, &FAULTS[i], &errors);
	}
}

static const struct fault_case WARNINGS[] = {
	{ "", { "0: there is no target" } },
	{ PORTAL DISK "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = d\n",
		{ "6: [target-t] names no initiators: nobody may log in" } },
	{ PORTAL "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\ninitiators = *\n",
		{ "3: [target-t] maps no LUN" } },
	{ PORTAL DISK "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = d\n"
		"initiators = iqn.2026-11.org.example:a*\nlun.0.initiators = iqn.2026-11.org.example:b\n",
		{ "11: lun.0.initiators: iqn.2026-11.org.example:b may not log in" } },
	{ MORE "lun.1 = d\n", { "11: device d is LUN 0 of this target too" } },
	/* Addresses that do not meet: other ports, other families, port 0 any number of times. */
	{ "[portal-main]\nlisten = 0.0.0.0, [::1], [::]:1, 0.0.0.0:2, [::]:0, 0.0.0.0:0\n" DISK TARGET,
		{ NULL } },
	{ MORE "[device-e]\nbackend = mem\nsize = 1M\n[portal-x]\nlisten = [::1]\n",
		{ "11: no target uses device e", "14: no target uses portal x" } },
};

static void test_warnings(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(WARNINGS); i++) {
		struct config_errors errors;
		struct config *config = NULL;

		assert_int_equal(config_parse("t", WARNINGS[i].text, strlen(WARNINGS[i].text),
			&errors, &config), 0);
		assert_non_null(config);
		assert_int_equal(errors.n_fatal, 0);
		check_told(i, &WARNINGS[i], &errors);
		config_free(config);
	}
}

static void test_print(void **state)
{
	struct config_errors errors;
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	config_errors_init(&errors, "a\nb.conf");
	config_error_add(&errors, 9, "nine %s", "\033[2J");
	config_warning_add(&errors, 2, "two");
	config_error_add(&errors, 0, "whole");
	config_errors_print(&errors, to);
	fclose(to);
	assert_string_equal(text, "a\\x0ab.conf: whole\n"
		"a\\x0ab.conf:2: warning: two\n"
		"a\\x0ab.conf:9: nine \\x1b[2J\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_daemon),
		cmocka_unit_test(test_portals),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_authentication),
		cmocka_unit_test(test_demo),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
