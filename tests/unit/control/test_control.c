/* SPDX-License-Identifier: MIT */
/*
 * The control socket for real: a daemon that answers at once, later or after everybody has gone,
 * a socket that was left behind, and requests that nobody should send.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/util.h"
#include "control/control.h"

static struct fixture {
	struct event_base *base;
	struct control *control;
	char dir[64], path[100];
	bool later; /* keep the question instead of answering it */
	struct control_query *query;
	unsigned asked;
	uint64_t ended;
} f;

static void answer(struct control_query *query)
{
	int r = 0;

	if (query->what & CONTROL_SESSIONS) {
		struct snapshot_session *s = snapshot_add_session(&query->snapshot);

		s->id = 42;
		snapshot_text(s->initiator, sizeof(s->initiator), "iqn.1994-05.com.redhat:b1");
	}
	if (query->what == CONTROL_END_SESSION) {
		f.ended = query->session_id;
		r = query->session_id == 42 ? 0 : -ENOENT;
	}
	if (query->what == CONTROL_UNFENCE && strcmp(query->request.device, "disk"))
		r = spt_error_set(&query->error, -EALREADY, "%s: it is not fenced",
			query->request.device);
	control_answer(query, r);
}

static void on_ask(void *arg, struct control_query *query)
{
	assert_ptr_equal(arg, &f);
	f.asked++;
	if (f.later)
		f.query = query;
	else
		answer(query);
}

static const struct control_ops OPS = { on_ask };

static int start(struct spt_error *error)
{
	const struct control_params params = { f.base, f.path, &OPS, &f };

	return control_new(&params, error, &f.control);
}

static int setup(void **state)
{
	struct spt_error error;

	memset(&f, 0, sizeof(f));
	strcpy(f.dir, "/tmp/sptgt-control-XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/control.sock", f.dir);
	f.base = event_base_new();
	return start(&error);
}

static int teardown(void **state)
{
	control_free(f.control);
	event_base_free(f.base);
	unlink(f.path);
	return rmdir(f.dir);
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, f.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void turn(void)
{
	for (unsigned i = 0; i < 10; i++)
		event_base_loop(f.base, EVLOOP_NONBLOCK);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn();
}

/* Everything that came until now. */
static const char *hear(int fd)
{
	static char text[65536];
	size_t have = 0;
	ssize_t n;

	turn();
	while ((n = recv(fd, text + have, sizeof(text) - 1 - have, 0)) > 0) {
		have += (size_t)n;
		turn();
	}
	text[have] = 0;
	return text;
}

static const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	const char *text = hear(fd);
	close(fd);
	turn();
	return text;
}

static void assert_has(const char *text, const char *words)
{
	bool there = strstr(text, words) != NULL;

	if (!there)
		print_error("\"%s\" is not in: %s\n", words, text ? text : "");
	assert_true(there);
}

static void test_mode(void **state)
{
	struct stat st;

	assert_int_equal(stat(f.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_get(void **state)
{
	const char *text = ask("GET /v1/sessions HTTP/1.0\r\n\r\n");

	assert_has(text, "HTTP/1.0 200 OK\r\n");
	assert_has(text, "Content-Type: application/json\r\n");
	assert_has(text, "\"id\": 42");
	text = ask("GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(text, "200 OK");
	assert_has(text, "sptgt_session_commands_total{id=\"42\"");
	text = ask("GET /v1/version HTTP/1.0\r\n\r\n");
	assert_has(text, "{\"version\": \"" SPTGT_VERSION "\"}");
	assert_int_equal(f.asked, 2);
}

static void test_end_session(void **state)
{
	assert_has(ask("DELETE /v1/sessions/42 HTTP/1.0\r\n\r\n"), "200 OK");
	assert_int_equal(f.ended, 42);
	const char *text = ask("DELETE /v1/sessions/43 HTTP/1.0\r\n\r\n");
	assert_has(text, " 404 ");
	assert_has(text, "there is no such session");
}

/* A request has its body; a refusal has the daemon's words. */
static void test_post(void **state)
{
	assert_has(ask("POST /v1/unfence HTTP/1.0\r\nContent-Length: 18\r\n\r\n{\"device\": \"disk\"}"),
		"200 OK");
	const char *text =
		ask("POST /v1/unfence HTTP/1.0\r\nContent-Length: 19\r\n\r\n{\"device\": \"other\"}");
	assert_has(text, " 409 ");
	assert_has(text, "other: it is not fenced");
	assert_int_equal(f.asked, 2);
	text = ask("POST /v1/unfence HTTP/1.0\r\nContent-Length: 4\r\n\r\n{\"de");
	assert_has(text, " 400 ");
	assert_has(text, "no JSON object");
	assert_has(ask("POST /v1/reset HTTP/1.0\r\n\r\n"), " 400 ");
	assert_int_equal(f.asked, 2);
}

static void test_refused(void **state)
{
	assert_has(ask("GET /nothing HTTP/1.0\r\n\r\n"), " 404 ");
	assert_has(ask("POST /v1/targets HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), " 405 ");
	assert_has(ask("GET /v1/sessions/42 HTTP/1.0\r\n\r\n"), " 405 ");
	assert_has(ask("nonsense\r\n\r\n"), " 400 ");
	assert_int_equal(f.asked, 0);
}

static void test_too_large(void **state)
{
	char head[80], *text = test_malloc(100001);
	int fd = dial();

	memset(text, 'a', 100000);
	text[100000] = 0;
	snprintf(head, sizeof(head), "PUT /v1/targets HTTP/1.0\r\nContent-Length: 100000\r\n\r\n");
	say(fd, head);
	assert_has(hear(fd), " 413 ");
	close(fd);
	/* Headers without end: the connection goes, memory is bounded. */
	fd = dial();
	say(fd, "GET / HTTP/1.0\r\nX: ");
	(void)!send(fd, text, 100000, MSG_NOSIGNAL);
	turn();
	hear(fd);
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET, 1);
	close(fd);
	test_free(text);
	assert_int_equal(f.asked, 0);
}

/* The answer comes from another loop, turns later. */
static void test_later(void **state)
{
	int fd = dial();

	f.later = true;
	say(fd, "GET /v1/sessions HTTP/1.0\r\n\r\n");
	assert_string_equal(hear(fd), "");
	assert_non_null(f.query);
	answer(f.query);
	assert_has(hear(fd), "\"id\": 42");
	close(fd);
}

static void test_client_gone(void **state)
{
	int fd = dial();

	f.later = true;
	say(fd, "GET /v1/sessions HTTP/1.0\r\n\r\n");
	assert_non_null(f.query);
	close(fd);
	turn();
	answer(f.query);
	turn();
	/* And the next client is served. */
	f.later = false;
	assert_has(ask("GET /v1/sessions HTTP/1.0\r\n\r\n"), "200 OK");
}

static void test_control_gone(void **state)
{
	int fd = dial();

	f.later = true;
	say(fd, "GET /v1/sessions HTTP/1.0\r\n\r\n");
	assert_non_null(f.query);
	control_free(TAKE(f.control));
	assert_int_equal(access(f.path, F_OK), -1);
	answer(f.query);
	turn();
	assert_string_equal(hear(fd), "");
	close(fd);
}

/* So many questions at once and no more; the others keep their places. */
static void test_many(void **state)
{
	struct control_query *queries[100] = { NULL };
	int fds[100];
	unsigned busy = 0;

	f.later = true;
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		f.query = NULL;
		fds[i] = dial();
		say(fds[i], "GET /v1/sessions HTTP/1.0\r\n\r\n");
		queries[i] = f.query;
		if (!f.query) {
			assert_has(hear(fds[i]), " 503 ");
			busy++;
		}
	}
	assert_int_equal(busy, 100 - 64);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		if (queries[i]) {
			answer(queries[i]);
			assert_has(hear(fds[i]), "\"id\": 42");
		}
		close(fds[i]);
	}
}

static void test_in_use(void **state)
{
	struct spt_error error;
	struct control *first = f.control;

	assert_int_equal(start(&error), -EADDRINUSE);
	assert_has(error.text, "another daemon answers");
	assert_ptr_equal(f.control, first);
	/* It is still there. */
	assert_has(ask("GET /v1/version HTTP/1.0\r\n\r\n"), "200 OK");
}

static void test_left_behind(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct spt_error error;
	struct stat st;

	control_free(TAKE(f.control));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, f.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(start(&error), 0);
	assert_has(ask("GET /v1/version HTTP/1.0\r\n\r\n"), "200 OK");
}

/* What somebody put there is not ours to remove. */
static void test_no_socket(void **state)
{
	struct spt_error error;

	control_free(TAKE(f.control));
	int fd = open(f.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(start(&error), -EEXIST);
	assert_int_equal(access(f.path, F_OK), 0);
}

static void test_replaced(void **state)
{
	unlink(f.path);
	int fd = open(f.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	control_free(TAKE(f.control));
	assert_int_equal(access(f.path, F_OK), 0);
}

/* /run is empty after a boot: the directory is made, one level of it. */
static void test_directory(void **state)
{
	struct spt_error error;
	char directory[120], path[sizeof(directory) + 8];

	snprintf(directory, sizeof(directory), "%s/sptgt", f.dir);
	snprintf(path, sizeof(path), "%s/c.sock", directory);
	const struct control_params params = { f.base, path, &OPS, &f };
	control_free(TAKE(f.control));
	assert_int_equal(control_new(&params, &error, &f.control), 0);
	control_free(TAKE(f.control));
	assert_int_equal(rmdir(directory), 0);
}

static void test_bad_path(void **state)
{
	struct spt_error error;
	char path[200];

	control_free(TAKE(f.control));
	memset(path, 'a', sizeof(path));
	path[108] = 0;
	struct control_params params = { f.base, path, &OPS, &f };
	assert_int_equal(control_new(&params, &error, &f.control), -ENAMETOOLONG);
	params.path = "";
	assert_int_equal(control_new(&params, &error, &f.control), -ENAMETOOLONG);
	params.path = "/nonexistent/dir/control.sock";
	assert_int_equal(control_new(&params, &error, &f.control), -ENOENT);
	assert_has(error.text, "/nonexistent/dir/control.sock");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mode), T(test_get), T(test_end_session), T(test_post), T(test_refused), T(test_too_large),
		T(test_later), T(test_client_gone), T(test_control_gone), T(test_many),
		T(test_in_use), T(test_left_behind), T(test_no_socket), T(test_replaced),
		T(test_directory), T(test_bad_path),
	};

	/* As the daemon does: libevent writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
