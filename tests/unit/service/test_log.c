/* SPDX-License-Identifier: MIT */
/* The log: one harmless line a message, whoever writes it and however slow its sink is. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/limit.h"
#include "log/log.h"

struct escape_case {
	const char *raw, *escaped;
};

static const struct escape_case ESCAPES[] = {
	{ "", "" },
	{ "iqn.2026-11.org.example:a", "iqn.2026-11.org.example:a" },
	{ "a\nb", "a\\x0ab" },
	{ "a\r\x1b[2Jb", "a\\x0d\\x1b[2Jb" },
	{ "\x7f", "\\x7f" },
	{ "back\\slash", "back\\x5cslash" },
	{ "%n%s", "%n%s" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xe6\x97\xa5", "\xe6\x97\xa5" },
	{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	/* RFC 3629 3: continuation alone, cut, overlong, surrogate, beyond 10FFFFh. */
	{ "\x80", "\\x80" },
	{ "\xc3", "\\xc3" },
	{ "\xc3(", "\\xc3(" },
	{ "\xc0\xaf", "\\xc0\\xaf" },
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "\xff", "\\xff" },
	/* C1 controls, line separator, right-to-left override, zero width space. */
	{ "\xc2\x9b", "\\xc2\\x9b" },
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
	{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" },
};

static void test_escape(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ESCAPES); i++) {
		char text[64];

		assert_int_equal(log_escape(ESCAPES[i].raw, text, sizeof(text)),
			strlen(ESCAPES[i].escaped));
		assert_string_equal(text, ESCAPES[i].escaped);
	}
}

/* For every size of the output: terminated, never overrun, never half an escape. */
static void test_escape_cut(void **state)
{
	static const char RAW[] = "ab\xc3\xbc\n";

	for (size_t room = 1; room < 12; room++) {
		char text[16];
		static const size_t LENGTHS[] = { 0, 0, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8 };

		memset(text, 'X', sizeof(text));
		assert_int_equal(log_escape(RAW, text, room), LENGTHS[room]);
		assert_int_equal(text[LENGTHS[room]], 0);
		assert_int_equal(text[room], 'X');
	}
}

static struct {
	pthread_mutex_t gate; /* held: the sink is stuck */
	unsigned calls, waiting; /* waiting: of the calls, those that another one followed */
	bool more; /* of the last one */
	char text[LOG_MESSAGE_MAX + 8];
	enum log_level level;
	char field[64];
	size_t n_fields;
} seen = { .gate = PTHREAD_MUTEX_INITIALIZER };

static void sink(const struct log_message *message, bool more)
{
	pthread_mutex_lock(&seen.gate);
	seen.calls++;
	seen.waiting += more;
	seen.more = more;
	snprintf(seen.text, sizeof(seen.text), "%s", message->text);
	seen.level = message->level;
	seen.n_fields = message->n_fields;
	snprintf(seen.field, sizeof(seen.field), "%s",
		message->n_fields ? message->fields[0].value : "");
	pthread_mutex_unlock(&seen.gate);
}

static int setup(void **state)
{
	seen.calls = seen.waiting = 0;
	log_set_sink(sink);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static void test_levels(void **state)
{
	enum log_level level;

	log_debug("not wanted");
	assert_int_equal(seen.calls, 0);
	log_info("wanted %d", 1);
	assert_int_equal(seen.calls, 1);
	assert_string_equal(seen.text, "wanted 1");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not wanted");
	assert_int_equal(seen.calls, 1);
	assert_int_equal(log_level_parse("notice", &level), 0);
	assert_int_equal(level, LOG_LEVEL_NOTICE);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	assert_string_equal(log_level_name(LOG_LEVEL_ERROR), "err");
}

static void test_peer_text(void **state)
{
	log_info("login of %s refused", "iqn.x\nready\x1b[2J");
	assert_string_equal(seen.text, "login of iqn.x\\x0aready\\x1b[2J refused");
}

static void test_long_message(void **state)
{
	char raw[3 * LOG_MESSAGE_MAX];

	memset(raw, 'a', sizeof(raw));
	raw[sizeof(raw) - 1] = 0;
	log_info("%s", raw);
	assert_int_equal(strlen(seen.text), LOG_MESSAGE_MAX - 1 + 3);
	assert_string_equal(seen.text + LOG_MESSAGE_MAX - 1, "...");
	memset(raw, '\n', LOG_MESSAGE_MAX - 1);
	raw[LOG_MESSAGE_MAX - 1] = 0;
	log_info("%s", raw);
	assert_true(strlen(seen.text) < sizeof(seen.text));
	assert_string_equal(seen.text + strlen(seen.text) - 3, "...");
}

/* The writer keeps copies: what was pointed at may go away at once. */
static void test_writer_copies(void **state)
{
	char value[] = "value";
	struct log_field fields[] = { { "SPTGT_NONE", NULL }, { "SPTGT_X", value } };

	assert_int_equal(log_writer_start(), 0);
	pthread_mutex_lock(&seen.gate);
	log_fields(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields), "with fields");
	memset(value, 'X', 5);
	pthread_mutex_unlock(&seen.gate);
	log_writer_stop();
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.level, LOG_LEVEL_NOTICE);
	assert_int_equal(seen.n_fields, 1);
	assert_string_equal(seen.field, "value");
}

/* A stuck sink stalls no logger; what did not fit is counted, and the count is told. */
static void test_writer_stuck(void **state)
{
	unsigned dropped;

	assert_int_equal(log_writer_start(), 0);
	pthread_mutex_lock(&seen.gate);
	for (unsigned i = 0; i < 5000; i++)
		log_info("message %u", i);
	pthread_mutex_unlock(&seen.gate);
	log_writer_stop();
	assert_int_equal(sscanf(seen.text, "%u messages were not logged", &dropped), 1);
	assert_true(dropped > 0 && dropped < 5000);
	assert_int_equal(seen.calls, 5000 - dropped + 1);
	assert_int_equal(seen.level, LOG_LEVEL_WARNING);
	/* And it goes on in place afterwards. */
	log_info("after");
	assert_string_equal(seen.text, "after");
}

/* What has gathered is written together, and the last of it waits for nothing. */
static void test_writer_batches(void **state)
{
	assert_int_equal(log_writer_start(), 0);
	pthread_mutex_lock(&seen.gate);
	for (unsigned i = 0; i < 10; i++)
		log_info("message %u", i);
	pthread_mutex_unlock(&seen.gate);
	log_writer_stop();
	assert_int_equal(seen.calls, 10);
	assert_in_range(seen.waiting, 1, 9);
	assert_false(seen.more);
	assert_string_equal(seen.text, "message 9");
}

/* Lines that wait for others are whole, in order and all there after the one that waits for none. */
static void test_stderr_lines(void **state)
{
	static char text[200][LOG_MESSAGE_MAX], got[65536], expected[65536];
	int fds[2], saved = dup(STDERR_FILENO);
	size_t bytes = 0, largest = 0;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_DIRECT), 0); /* each read gives one write */
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < ARRAY_SIZE(text); i++) {
		memset(text[i], 'a' + (int)(i % 26), i % 97);
		struct log_message m = { .level = i % 2 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, .text = text[i] };
		log_sink_stderr(&m, i + 1 < ARRAY_SIZE(text));
		bytes += (size_t)sprintf(expected + bytes, "%s%s\n", i % 2 ? "" : "error: ", text[i]);
	}
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(fds[1]);
	size_t have = 0;
	while ((n = read(fds[0], got + have, PIPE_BUF)) > 0) {
		have += (size_t)n;
		largest = (size_t)n > largest ? (size_t)n : largest;
		assert_int_equal(got[have - 1], '\n');
	}
	close(fds[0]);
	assert_int_equal(have, bytes);
	assert_memory_equal(got, expected, bytes);
	assert_true(largest > PIPE_BUF / 2);
}

static void *logger(void *arg)
{
	for (unsigned i = 0; i < 50; i++)
		log_info("thread %u", i);
	return NULL;
}

static void test_writer_threads(void **state)
{
	pthread_t threads[4];

	assert_int_equal(log_writer_start(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, logger, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	log_writer_stop();
	assert_int_equal(seen.calls, 4 * 50);
}

static void test_errno_survives(void **state)
{
	errno = EXDEV;
	log_info("text");
	assert_int_equal(errno, EXDEV);
}

/* So many lines in so long a time; the next one that may be written tells how many were not. */
static void test_limit(void **state)
{
	static const struct {
		uint64_t after_us;
		unsigned asked, written, left_out; /* the last: told by the first that is written, if any is */
	} STEPS[] = {
		{ 0, 5, 5, 0 },
		{ LOG_LIMIT_US - 1, 20, LOG_LIMIT_LINES - 5, 0 },
		{ 1, 1, 1, 9 },
		{ LOG_LIMIT_US / 2, LOG_LIMIT_LINES, LOG_LIMIT_LINES - 1, 0 },
		{ 1, 3, 0, 0 },
		{ 10 * LOG_LIMIT_US, 2, 2, 4 },
		{ UINT64_C(1) << 40, 1, 1, 0 },
	};
	struct log_limit limit = { 0 };
	uint64_t now_us = UINT64_C(1) << 33;

	for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
		unsigned written = 0, left_out = 0, told;

		now_us += STEPS[i].after_us;
		for (unsigned k = 0; k < STEPS[i].asked; k++) {
			if (!log_limit_allows(&limit, now_us, &told))
				continue;
			written++;
			left_out += told;
		}
		assert_int_equal(written, STEPS[i].written);
		assert_int_equal(left_out, STEPS[i].left_out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_cut),
		cmocka_unit_test(test_limit),
		cmocka_unit_test_setup(test_levels, setup),
		cmocka_unit_test_setup(test_peer_text, setup),
		cmocka_unit_test_setup(test_long_message, setup),
		cmocka_unit_test_setup(test_writer_copies, setup),
		cmocka_unit_test_setup(test_writer_stuck, setup),
		cmocka_unit_test_setup(test_writer_batches, setup),
		cmocka_unit_test(test_stderr_lines),
		cmocka_unit_test_setup(test_writer_threads, setup),
		cmocka_unit_test_setup(test_errno_survives, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
