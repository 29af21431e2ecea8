/* SPDX-License-Identifier: MIT */
/*
 * stuck URL SCENE [SECONDS]: an initiator that has a command at a slow device and does something
 * about it. It prints what came back and after how many milliseconds; its status is 0 when the
 * scene went as SAM-5 and RFC 7143 have it.
 *
 * - abort: one READ(10), ABORT TASK for it: answered, and the READ either ended before or never ends
 * - lureset: four READ(10), LOGICAL UNIT RESET: likewise for each of them
 * - targetreset, clear: the same with TARGET WARM RESET and with CLEAR TASK SET
 * - hang: one READ(10), then wait to be killed
 * - use: log in, TEST UNIT READY until no unit attention is left, one READ(10), log out
 * - login: log in and out
 * - notready: TEST UNIT READY must find the unit NOT READY, at once
 * - unfence: abort and notready; then the shell command $UNFENCE brings the unit back, and this same
 *   session is told so and uses it
 * - outage: READ(10) one after the other; the shell command $CUT takes what is behind the unit away,
 *   they are answered NOT READY in the end, with $BUSY that before, $MEND brings it back, and they are
 *   GOOD
 * - full: four READ(10) at once, of which the last must meet TASK SET FULL, and the others are GOOD
 *
 * SECONDS bounds the whole scene (default 30).
 */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READS_MAX     4
#define BLOCK_BYTES   512
#define BLOCKS	      8
#define HEAD_START_MS 300 /* so that the command is at the device when the function is asked for   \
			   */
#define AFTERMATH_MS 1000 /* how long a response that must not come is waited for */

struct read {
	struct scene *scene;
	unsigned number;
	struct scsi_task *task;
	int64_t ended_ms; /* -1: not ended */
	int status;
};

struct scene {
	struct iscsi_context *iscsi;
	int lun;
	int64_t deadline_ms;
	struct read reads[READS_MAX];
	unsigned reads_sent;
	int64_t function_ms; /* when the answer came; -1: not yet */
	uint32_t function_response;
	bool function_lost;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One turn of the connection, at most until `until_ms`. */
static int turn(struct scene *s, int64_t until_ms)
{
	struct pollfd p = {
		.fd = iscsi_get_fd(s->iscsi), .events = (short)iscsi_which_events(s->iscsi)};
	int64_t left = until_ms - now_ms();

	if (poll(&p, 1, left < 0 ? 0 : left > 100 ? 100 : (int)left) < 0)
		return -1;
	if (iscsi_service(s->iscsi, p.revents) < 0) {
		printf("the connection is lost: %s\n", iscsi_get_error(s->iscsi));
		return -1;
	}
	return 0;
}

static void send_again(struct read *r);

/* A new session's first command meets a unit attention (SAM-5 5.14), at once even when the device
 * is slow. */
static void read_done(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct read *r = private;
	const struct scsi_task *task = data;

	(void)iscsi;
	if (status == SCSI_STATUS_CHECK_CONDITION && task->sense.key == SCSI_SENSE_UNIT_ATTENTION) {
		send_again(r);
		return;
	}
	r->ended_ms = now_ms();
	r->status = status;
}

static void send_again(struct read *r)
{
	r->ended_ms = -1;
	r->task = iscsi_read10_task(r->scene->iscsi, r->scene->lun, r->number * BLOCKS,
		BLOCKS * BLOCK_BYTES, BLOCK_BYTES, 0, 0, 0, 0, 0, read_done, r);
	if (!r->task) {
		r->ended_ms = now_ms();
		r->status = SCSI_STATUS_ERROR;
	}
}

static int send_read(struct scene *s)
{
	struct read *r = &s->reads[s->reads_sent];

	*r = (struct read){.scene = s, .number = s->reads_sent};
	send_again(r);
	if (!r->task) {
		printf("READ(10) was not sent: %s\n", iscsi_get_error(s->iscsi));
		return -1;
	}
	s->reads_sent++;
	return 0;
}

static void function_done(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct scene *s = private;

	(void)iscsi;
	s->function_ms = now_ms();
	s->function_lost = status != SCSI_STATUS_GOOD;
	if (data)
		s->function_response = *(uint32_t *)data;
}

static const char *function_response_name(uint32_t response)
{
	switch (response) {
	case 0:
		return "function complete";
	case 1:
		return "task does not exist";
	case 2:
		return "LUN does not exist";
	case 5:
		return "function not supported";
	case 255:
		return "function rejected";
	default:
		return "a response that is not expected here";
	}
}

/*
 * RFC 7143 11.6.1: after "function complete" no response of an affected task may follow; a task
 * that had already ended may have sent its own before.
 */
static int judge_reads(const struct scene *s, int64_t asked_ms)
{
	int wrong = 0;

	for (unsigned i = 0; i < s->reads_sent; i++) {
		const struct read *r = &s->reads[i];

		if (r->ended_ms < 0)
			printf("  READ(10) %u: no response, as it must be for an aborted task\n",
				i + 1);
		else if (r->ended_ms <= s->function_ms)
			printf("  READ(10) %u: ended with status %d before the function did, after "
			       "%lld ms\n",
				i + 1, r->status, (long long)(r->ended_ms - asked_ms));
		else
			wrong += printf("  READ(10) %u: WRONG: its response came after the "
					"function's\n",
					 i + 1) > 0;
	}
	return wrong ? -1 : 0;
}

static int scene_function(struct scene *s, enum iscsi_task_mgmt_funcs function, unsigned reads)
{
	int64_t start = now_ms(), asked;
	const struct read *first = &s->reads[0];

	while (s->reads_sent < reads)
		if (send_read(s) < 0)
			return -1;
	while (now_ms() < start + HEAD_START_MS)
		if (turn(s, start + HEAD_START_MS) < 0)
			return -1;
	if (first->ended_ms >= 0) {
		printf("the READ(10) ended before the function was asked for: the device is not "
		       "slow\n");
		return -1;
	}
	asked = now_ms();
	s->function_ms = -1;
	if (iscsi_task_mgmt_async(s->iscsi, s->lun, function,
		    function == ISCSI_TM_ABORT_TASK ? first->task->itt : 0xffffffff,
		    function == ISCSI_TM_ABORT_TASK ? first->task->cmdsn : 0, function_done,
		    s) != 0) {
		printf("the function was not sent: %s\n", iscsi_get_error(s->iscsi));
		return -1;
	}
	while (s->function_ms < 0) {
		if (now_ms() > s->deadline_ms) {
			printf("no answer to the function\n");
			return -1;
		}
		if (turn(s, s->deadline_ms) < 0)
			return -1;
	}
	printf("  the function was answered after %lld ms: %s\n",
		(long long)(s->function_ms - asked), function_response_name(s->function_response));
	if (s->function_lost || (s->function_response != 0 && s->function_response != 1))
		return -1;
	for (int64_t until = now_ms() + AFTERMATH_MS; now_ms() < until;)
		if (turn(s, until) < 0)
			return -1;
	return judge_reads(s, asked);
}

static int scene_hang(struct scene *s)
{
	if (send_read(s) < 0)
		return -1;
	for (int64_t until = now_ms() + HEAD_START_MS; now_ms() < until;)
		if (turn(s, until) < 0)
			return -1;
	printf("  a READ(10) is at the device\n");
	fflush(stdout);
	while (now_ms() < s->deadline_ms)
		pause();
	return -1;
}

static int scene_use(struct scene *s)
{
	int64_t start = now_ms();
	struct scsi_task *task;
	int status = -1;

	for (unsigned i = 0; i < 8 && status != SCSI_STATUS_GOOD; i++) {
		task = iscsi_testunitready_sync(s->iscsi, s->lun);
		if (!task)
			return -1;
		status = task->status;
		scsi_free_scsi_task(task);
	}
	if (status != SCSI_STATUS_GOOD) {
		printf("TEST UNIT READY: status %d\n", status);
		return -1;
	}
	task = iscsi_read10_sync(
		s->iscsi, s->lun, 0, BLOCKS * BLOCK_BYTES, BLOCK_BYTES, 0, 0, 0, 0, 0);
	if (!task || task->status != SCSI_STATUS_GOOD) {
		printf("READ(10): %s\n", task ? "not GOOD" : iscsi_get_error(s->iscsi));
		return -1;
	}
	scsi_free_scsi_task(task);
	printf("  the logical unit is ready and was read after %lld ms\n",
		(long long)(now_ms() - start));
	return 0;
}

static int scene_not_ready(struct scene *s)
{
	int64_t start = now_ms();
	int key = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct scsi_task *task = iscsi_testunitready_sync(s->iscsi, s->lun);

		if (!task)
			return -1;
		key = task->status == SCSI_STATUS_CHECK_CONDITION ? (int)task->sense.key : 0;
		scsi_free_scsi_task(task);
		if (key != SCSI_SENSE_UNIT_ATTENTION)
			break;
	}
	printf("  TEST UNIT READY found sense key %d after %lld ms\n", key,
		(long long)(now_ms() - start));
	return key == SCSI_SENSE_NOT_READY ? 0 : -1;
}

/* The session's next command is told of the reset (SAM-5 5.14), and then the unit is as it was. */
static int scene_unfence(struct scene *s)
{
	const char *unfence = getenv("UNFENCE");
	struct scsi_task *task;
	int64_t start;

	if (!unfence || scene_function(s, ISCSI_TM_ABORT_TASK, 1) < 0 || scene_not_ready(s) < 0)
		return -1;
	if (system(unfence) != 0) {
		printf("%s: it failed\n", unfence);
		return -1;
	}
	start = now_ms();
	task = iscsi_testunitready_sync(s->iscsi, s->lun);
	if (!task || task->status != SCSI_STATUS_CHECK_CONDITION ||
		task->sense.key != SCSI_SENSE_UNIT_ATTENTION || task->sense.ascq != 0x2900) {
		printf("the first command was not told that the unit had been reset\n");
		return -1;
	}
	scsi_free_scsi_task(task);
	printf("  unfenced, which was told after %lld ms\n", (long long)(now_ms() - start));
	return scene_use(s);
}

/* One READ(10): the status that it ends with, the sense key of a CHECK CONDITION above that. */
static int read_once(struct scene *s)
{
	struct scsi_task *task = iscsi_read10_sync(
		s->iscsi, s->lun, 0, BLOCKS * BLOCK_BYTES, BLOCK_BYTES, 0, 0, 0, 0, 0);
	int answer = task ? task->status : -1;

	if (task && answer == SCSI_STATUS_CHECK_CONDITION)
		answer |= (int)task->sense.key << 8;
	if (task)
		scsi_free_scsi_task(task);
	return answer;
}

/* READ(10) until one is answered as wanted, and at once if that is wanted, too. What changes is told. */
static int read_until(struct scene *s, int wanted, int64_t within_ms, bool *busy)
{
	int64_t start = now_ms();
	int last = -2;

	while (now_ms() < s->deadline_ms) {
		int64_t sent = now_ms();
		int answer = read_once(s);
		int64_t took = now_ms() - sent;

		if (answer != last || took > 500)
			printf("  %5lld ms: status %02x, sense key %x, after %lld ms\n",
				(long long)(now_ms() - start), answer & 0xff, answer >> 8 & 0xf,
				(long long)took);
		last = answer;
		if (answer < 0)
			break;
		*busy |= answer == SCSI_STATUS_BUSY;
		if (answer == wanted && took <= within_ms)
			return 0;
		usleep(100000);
	}
	printf("no READ(10) was answered with %04x within %lld ms\n", wanted, (long long)within_ms);
	return -1;
}

static int shell(const char *name)
{
	const char *command = getenv(name);

	if (command && system(command) == 0)
		return 0;
	printf("%s: it failed\n", name);
	return -1;
}

static int scene_outage(struct scene *s)
{
	bool busy = false;

	if (scene_use(s) < 0 || shell("CUT") < 0)
		return -1;
	printf("  cut\n");
	if (read_until(s, SCSI_STATUS_CHECK_CONDITION | SCSI_SENSE_NOT_READY << 8, 500, &busy) < 0)
		return -1;
	if (!busy && getenv("BUSY")) {
		printf("never BUSY\n");
		return -1;
	}
	if (shell("MEND") < 0)
		return -1;
	printf("  mended\n");
	return read_until(s, SCSI_STATUS_GOOD, INT64_MAX, &busy);
}

static int scene_full(struct scene *s)
{
	int64_t start = now_ms();
	unsigned ended = 0, good = 0;

	if (scene_use(s) < 0 || shell("SLOW") < 0)
		return -1;
	while (s->reads_sent < READS_MAX)
		if (send_read(s) < 0)
			return -1;
	while (ended < READS_MAX && now_ms() < s->deadline_ms) {
		if (turn(s, s->deadline_ms) < 0)
			return -1;
		ended = 0;
		for (unsigned i = 0; i < READS_MAX; i++)
			ended += s->reads[i].ended_ms >= 0;
	}
	for (unsigned i = 0; i < READS_MAX; i++) {
		printf("  READ(10) %u: status %02x after %lld ms\n", i + 1,
			(unsigned)s->reads[i].status, (long long)(s->reads[i].ended_ms - start));
		good += s->reads[i].ended_ms >= 0 && s->reads[i].status == SCSI_STATUS_GOOD;
	}
	return good == READS_MAX - 1 &&
			s->reads[READS_MAX - 1].status == SCSI_STATUS_TASK_SET_FULL &&
			s->reads[READS_MAX - 1].ended_ms < s->reads[0].ended_ms ?
		0 : -1;
}

static int run(struct scene *s, const char *name)
{
	if (!strcmp(name, "abort"))
		return scene_function(s, ISCSI_TM_ABORT_TASK, 1);
	if (!strcmp(name, "lureset"))
		return scene_function(s, ISCSI_TM_LUN_RESET, READS_MAX);
	if (!strcmp(name, "targetreset"))
		return scene_function(s, ISCSI_TM_TARGET_WARM_RESET, READS_MAX);
	if (!strcmp(name, "clear"))
		return scene_function(s, ISCSI_TM_CLEAR_TASK_SET, READS_MAX);
	if (!strcmp(name, "hang"))
		return scene_hang(s);
	if (!strcmp(name, "use"))
		return scene_use(s);
	if (!strcmp(name, "notready"))
		return scene_not_ready(s);
	if (!strcmp(name, "unfence"))
		return scene_unfence(s);
	if (!strcmp(name, "full"))
		return scene_full(s);
	if (!strcmp(name, "outage"))
		return scene_outage(s);
	return strcmp(name, "login") ? -1 : 0;
}

static int log_in(struct scene *s, const struct iscsi_url *url)
{
	int64_t start = now_ms();

	iscsi_set_targetname(s->iscsi, url->target);
	iscsi_set_session_type(s->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(s->iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	iscsi_set_noautoreconnect(s->iscsi, 1);
	if (iscsi_connect_sync(s->iscsi, url->portal) != 0 || iscsi_login_sync(s->iscsi) != 0) {
		printf("no login: %s\n", iscsi_get_error(s->iscsi));
		return -1;
	}
	s->lun = url->lun;
	printf("  logged in after %lld ms\n", (long long)(now_ms() - start));
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = getenv("INITIATOR");
	struct scene scene = {.function_ms = -1};
	struct iscsi_url *url;
	int result;

	if (argc < 3) {
		fprintf(stderr, "usage: stuck URL SCENE [SECONDS]\n");
		return 2;
	}
	scene.deadline_ms = now_ms() + 1000 * (argc > 3 ? atoi(argv[3]) : 30);
	alarm((unsigned)(argc > 3 ? atoi(argv[3]) : 30) + 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	scene.iscsi = iscsi_create_context(name ? name : "iqn.2026-11.org.sptgt:stuck");
	url = scene.iscsi ? iscsi_parse_full_url(scene.iscsi, argv[1]) : NULL;
	if (!url) {
		fprintf(stderr, "stuck: not an iSCSI URL: %s\n", argv[1]);
		return 2;
	}
	result = log_in(&scene, url);
	if (result == 0)
		result = run(&scene, argv[2]);
	if (result == 0) {
		iscsi_scsi_cancel_all_tasks(scene.iscsi);
		if (iscsi_logout_sync(scene.iscsi) != 0) {
			printf("no logout: %s\n", iscsi_get_error(scene.iscsi));
			result = -1;
		}
	}
	iscsi_destroy_url(url);
	iscsi_destroy_context(scene.iscsi);
	return result == 0 ? 0 : 1;
}
