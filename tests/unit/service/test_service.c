/* SPDX-License-Identifier: MIT */
/* Signals as events, the log's destination, limits and credentials. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fake_host.h"
#include "log/log.h"
#include "service/logging.h"
#include "service/privileges.h"
#include "service/signals.h"

struct counts {
	struct signals signals;
	int terminated, reloaded;
	bool stop_at_once;
};

static void on_terminate(void *arg)
{
	struct counts *counts = arg;

	counts->terminated++;
	if (counts->stop_at_once)
		signals_stop(&counts->signals);
}

static void on_reload(void *arg)
{
	((struct counts *)arg)->reloaded++;
}

static const struct signals_ops OPS = { on_terminate, on_reload };

static void test_signals(void **state)
{
	struct fake_host fake;
	struct counts counts = { .terminated = 0 };

	fake_host_init(&fake);
	signals_block();
	assert_int_equal(signals_start(&counts.signals, &fake.host, &OPS, &counts), 0);
	kill(getpid(), SIGHUP);
	fake_host_settle(&fake);
	assert_int_equal(counts.reloaded, 1);
	assert_int_equal(counts.terminated, 0);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	fake_host_settle(&fake);
	assert_int_equal(counts.terminated, 2);
	/* Nobody dies of a peer that is gone. */
	raise(SIGPIPE);

	counts.stop_at_once = true;
	kill(getpid(), SIGTERM);
	fake_host_settle(&fake);
	assert_int_equal(counts.terminated, 3);
	assert_int_equal(counts.signals.watch.fd, -1);
	signals_stop(&counts.signals);
	fake_host_deinit(&fake);
}

/* What is on standard error after a message at @level went to @destination. */
static void stderr_of(enum logging_destination destination, bool journal, char *text, size_t bytes)
{
	int pipes[2], old = dup(STDERR_FILENO);
	struct stat st;
	char stream[64];

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", stream, 1);
	logging_start(destination);
	log_warning("text");
	dup2(old, STDERR_FILENO);
	close(old);
	close(pipes[1]);
	ssize_t n = read(pipes[0], text, bytes - 1);
	text[n < 0 ? 0 : n] = 0;
	close(pipes[0]);
	unsetenv("JOURNAL_STREAM");
	log_set_sink(log_sink_stderr);
}

static void test_destination(void **state)
{
	enum logging_destination d;
	char text[100];

	assert_int_equal(logging_parse("journal", &d), 0);
	assert_int_equal(d, LOGGING_JOURNAL);
	assert_int_equal(logging_parse("paper", &d), -EINVAL);
	stderr_of(LOGGING_STDERR, false, text, sizeof(text));
	assert_string_equal(text, "warning: text\n");
	/* An inherited JOURNAL_STREAM that is not our standard error means nothing. */
	stderr_of(LOGGING_AUTO, false, text, sizeof(text));
	assert_string_equal(text, "warning: text\n");
	if (access("/run/systemd/journal/socket", W_OK)) {
		/* The journal reads our standard error but its socket is not there. */
		stderr_of(LOGGING_AUTO, true, text, sizeof(text));
		assert_string_equal(text, "<4>text\n");
		assert_int_equal(logging_start(LOGGING_JOURNAL), -ENOENT);
	}
}

static void test_files(void **state)
{
	struct rlimit before, after;

	getrlimit(RLIMIT_NOFILE, &before);
	struct rlimit low = { .rlim_cur = 64, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(privileges_raise_files(128), 128);
	getrlimit(RLIMIT_NOFILE, &after);
	assert_int_equal(after.rlim_cur, 128);
	/* Never lowered, and no further than the hard limit. */
	assert_int_equal(privileges_raise_files(10), 128);
	assert_int_equal(privileges_raise_files(UINT64_MAX - 1), before.rlim_max > INT64_MAX ?
		INT64_MAX : (int64_t)before.rlim_max);
	setrlimit(RLIMIT_NOFILE, &before);
}

static void test_drop_refused(void **state)
{
	struct spt_error error;

	assert_int_equal(privileges_drop(NULL, NULL, &error), 0);
	assert_int_equal(privileges_drop("no-such-user-here", NULL, &error), -ENOENT);
	assert_string_equal(error.text, "there is no user 'no-such-user-here'");
	assert_int_equal(privileges_drop(NULL, "no-such-group-here", &error), -ENOENT);
}

/* In a child: becomes nobody and looks what is left. */
static int child(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct before[2], after[2];
	const uint32_t kept = (1u << CAP_SYS_RAWIO) | (1u << CAP_SYS_ADMIN) |
			      (1u << CAP_SYS_PTRACE);

	if (syscall(SYS_capget, &header, before) < 0 || privileges_drop("nobody", NULL, NULL) < 0)
		return 1;
	if (!getuid() || !geteuid() || !getgid() || setuid(0) == 0)
		return 2;
	if (syscall(SYS_capget, &header, after) < 0)
		return 3;
	if (after[0].permitted != (before[0].permitted & kept) || after[1].permitted)
		return 4;
	return after[0].effective == after[0].permitted ? 0 : 5;
}

static void test_drop(void **state)
{
	int status;

	if (geteuid())
		skip();
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_destination),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_drop_refused),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
