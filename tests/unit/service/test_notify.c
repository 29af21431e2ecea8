/* SPDX-License-Identifier: MIT */
/* What a service manager hears and hands over; the manager is this test. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "service/notify.h"

static int manager = -1;

/* A datagram socket with a name of the kernel's choosing, told as NOTIFY_SOCKET. */
static int setup(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t bytes = sizeof(address);
	char name[120];

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(manager, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
		getsockname(manager, (struct sockaddr *)&address, &bytes) < 0)
		return -1;
	snprintf(name, sizeof(name), "@%.*s",
		(int)(bytes - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **state)
{
	close(manager);
	return unsetenv("NOTIFY_SOCKET");
}

static const char *heard(void)
{
	static char text[512];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	return text;
}

static void test_messages(void **state)
{
	unsigned long long us;

	notify_ready();
	assert_string_equal(heard(), "READY=1");
	notify_reloading();
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	assert_true(us > 0);
	notify_stopping();
	assert_string_equal(heard(), "STOPPING=1");
	notify_extend(1500000);
	assert_string_equal(heard(), "EXTEND_TIMEOUT_USEC=1500000");
	notify_watchdog_ping();
	assert_string_equal(heard(), "WATCHDOG=1");
	/* A peer's name in the status cannot begin another assignment. */
	notify_status("session of %s", "x\nSTOPPING=1");
	assert_string_equal(heard(), "STATUS=session of x\\x0aSTOPPING=1");
}

static void test_nobody(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	assert_string_equal(heard(), "");
	assert_int_equal(notify_watchdog_us(), 0);
}

static void test_watchdog(void **state)
{
	char pid[24];

	setenv("WATCHDOG_USEC", "3000000", 1);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_us(), 3000000);
	/* Meant for another process: inherited, not ours. */
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_us(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* Runs in a child that has descriptors 3, 4 and 5 as a service manager leaves them. */
static int child(void)
{
	struct notify_socket sockets[NOTIFY_SOCKETS_MAX];
	char pid[24];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "3", 1);
	setenv("LISTEN_FDNAMES", "main:file:second", 1);
	if (notify_sockets(sockets, NOTIFY_SOCKETS_MAX) != 2)
		return 1;
	if (sockets[0].fd != 3 || strcmp(sockets[0].name, "main"))
		return 2;
	if (sockets[1].fd != 5 || strcmp(sockets[1].name, "second"))
		return 3;
	if (fcntl(4, F_GETFD) >= 0)
		return 4;
	if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(3, F_GETFL) & O_NONBLOCK))
		return 5;
	/* Asked for once: those the daemon starts must not take them again. */
	return getenv("LISTEN_FDS") ? 6 : 0;
}

static void test_sockets(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct sockaddr_in any = { .sin_family = AF_INET };
		int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET6, SOCK_STREAM, 0);

		log_set_level(LOG_LEVEL_ERROR);
		any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(first, (struct sockaddr *)&any, sizeof(any)) || listen(first, 1) ||
			listen(second, 1))
			_exit(20);
		/* Out of the way first, then to their places. */
		first = fcntl(first, F_DUPFD, 20);
		second = fcntl(second, F_DUPFD, 20);
		int file = open("/dev/null", O_RDONLY);
		file = fcntl(file, F_DUPFD, 20);
		if (dup2(first, 3) != 3 || dup2(file, 4) != 4 || dup2(second, 5) != 5)
			_exit(21);
		_exit(child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_no_sockets(void **state)
{
	struct notify_socket sockets[2];

	unsetenv("LISTEN_FDS");
	assert_int_equal(notify_sockets(sockets, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_no_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
