/* SPDX-License-Identifier: MIT */
/*
 * The end of the daemon with real loops and sockets: sessions that are idle, that have a command at a
 * device which answers, and at one which never does. All of it ends, in bounded time.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_backend.h"
#include "target/server.h"
#include "target/target.h"
#include "target/worker.h"
#include "wire/login_request.h"
#include "wire/scsi_command.h"

#define CLIENTS 6

static const char CONF[] = "[daemon]\nworkers = 3\n"
			   "[portal-main]\nlisten = 127.0.0.1:0\n"
			   "[device-disk]\nbackend = mem\nsize = 1M\n"
			   "[target-t]\nname = iqn.2026-11.org.example:t\nportal = main\nlun.0 = disk\n"
			   "initiators = *\n";

static struct server server;
static atomic_uint ready_clients;
static bool drained;

static void get(int fd, void *p, size_t n)
{
	for (uint8_t *at = p; n;) {
		ssize_t r = recv(fd, at, n, 0);
		if (r <= 0)
			return;
		at += r;
		n -= (size_t)r;
	}
}

static void get_pdu(int fd, uint8_t *bhs)
{
	uint8_t data[8192];

	memset(bhs, 0, BHS_BYTES);
	get(fd, bhs, BHS_BYTES);
	get(fd, data, ROUND_UP(bhs_data_bytes(bhs), 4u));
}

static void log_in(int fd, unsigned number)
{
	char text[256];
	uint8_t pdu[BHS_BYTES + 256] = { 0 }, answer[BHS_BYTES];
	int n = snprintf(text, sizeof(text), "InitiatorName=iqn.2026-11.org.example:i%u%c"
		"TargetName=iqn.2026-11.org.example:t", number, 0) + 1;
	struct pdu_login_request q = {
		.transit = true, .csg = STAGE_OPERATIONAL, .nsg = STAGE_FULL_FEATURE, .isid = { 0x80 },
		.data_bytes = (uint32_t)n, .itt = 1, .cmd_sn = sn(1),
	};

	for (int i = 0; i < 4; i++) {
		pdu_login_request_encode(&q, pdu);
		memcpy(pdu + BHS_BYTES, text, q.data_bytes);
		size_t bytes = BHS_BYTES + ROUND_UP(q.data_bytes, 4u);
		assert_int_equal(send(fd, pdu, bytes, MSG_NOSIGNAL), bytes);
		get_pdu(fd, answer);
		if (answer[1] & 0x80)
			return;
		q.data_bytes = 0;
		memset(pdu, 0, sizeof(pdu));
	}
}

static void test_unit_ready(int fd, uint32_t cmd_sn)
{
	static const uint8_t cdb[16];
	uint8_t bhs[BHS_BYTES], ahs[AHS_MAX_BYTES];
	struct pdu_scsi_command c = {
		.final = true, .attribute = 1, .itt = cmd_sn, .cmd_sn = sn(cmd_sn), .cdb = cdb,
	};

	pdu_scsi_command_encode(&c, bhs, ahs);
	assert_int_equal(send(fd, bhs, sizeof(bhs), MSG_NOSIGNAL), sizeof(bhs));
}

/* Logs in, leaves a command at the device or not, and waits for the end. */
static void *client(void *arg)
{
	unsigned number = *(unsigned *)arg;
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server.listening.slots[0].listener->port),
	};
	uint8_t bhs[BHS_BYTES];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
		log_in(fd, number);
		test_unit_ready(fd, 1);
		get_pdu(fd, bhs); /* the unit attention */
		if (number % 2) {
			test_unit_ready(fd, 2);
			const struct timespec pause = { .tv_nsec = 100000000 };
			nanosleep(&pause, NULL);
		}
		ready_clients++;
		get_pdu(fd, bhs);
	}
	close(fd);
	return NULL;
}

static void on_drained(void *arg)
{
	drained = true;
	loop_stop(server.workers[0].loop);
}

static void begin(struct spt_timer *timer)
{
	struct spt_host *host = loop_host(server.workers[0].loop);

	if (ready_clients < CLIENTS)
		spt_host_timer_set(host, timer, 20000);
	else
		server_drain(&server, 200000, on_drained, NULL);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run(const struct spt_backend_ops *ops)
{
	struct config_errors *errors = calloc(1, sizeof(*errors));
	struct config *config = NULL;
	struct spt_error error;
	pthread_t threads[CLIENTS];
	unsigned numbers[CLIENTS];
	struct spt_timer timer = { .fn = begin };

	log_set_level(LOG_LEVEL_ERROR);
	assert_non_null(errors);
	int r = config_parse("test", CONF, sizeof(CONF) - 1, errors, &config);
	config_errors_print(errors, stderr);
	assert_int_equal(r, 0);
	if (ops)
		config->devices[0].backend = ops;
	assert_int_equal(server_init(&server, config, NULL, 0, &error), 0);
	assert_int_equal(server_start(&server), 0);
	ready_clients = 0;
	drained = false;
	for (unsigned i = 0; i < CLIENTS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, client, &numbers[i]), 0);
	}
	double start = seconds();
	spt_host_timer_set(loop_host(server.workers[0].loop), &timer, 20000);
	loop_run(server.workers[0].loop);
	double took = seconds() - start;
	spt_host_timer_clear(loop_host(server.workers[0].loop), &timer);
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	assert_true(drained);
	server_deinit(&server);
	free(errors);
	return took;
}

static void devices_that_answer(void **state)
{
	assert_true(run(NULL) < 30);
}

/* Fenced, after the time for the draining and some grace. */
static void device_that_never_answers(void **state)
{
	assert_in_range((int)(run(&FAKE_SHARED) * 10), 30, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_that_answer),
		cmocka_unit_test(device_that_never_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
