/* SPDX-License-Identifier: MIT */
/*
 * Backend bsg with a kernel of our own: an ioctl() that returns when the test lets it. Data, sense and
 * residuals of both directions; the queue; and what becomes of a command whose ioctl() does not return.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/backends.h"
#include "passthrough/bsg_pool.h"
#include "passthrough/sg_channel.h"
#include "rig.h"

#define DEPTH 2u

/* The kernel: what it was given last, what it will say, and whether it says it. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	unsigned entered, left;
	unsigned stuck; /* how many of those that come do not return yet */
	struct sg_io_v4 last;
	uint8_t cdb[BSG_CDB_MAX], out[4096];
	uint8_t in[4096];
	bool brings_nothing; /* and says nothing of it */
	struct sg_io_v4 answer;
	uint8_t sense[18];
	int result;
} kernel = { .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };

static void *address(uint64_t p)
{
	return (void *)(uintptr_t)p;
}

static int kernel_io(int fd, struct sg_io_v4 *io)
{
	(void)fd;
	pthread_mutex_lock(&kernel.lock);
	kernel.last = *io;
	memcpy(kernel.cdb, address(io->request), io->request_len);
	if (io->dout_xfer_len)
		memcpy(kernel.out, address(io->dout_xferp), MIN(io->dout_xfer_len, 4096u));
	kernel.entered++;
	pthread_cond_broadcast(&kernel.change);
	while (kernel.stuck)
		pthread_cond_wait(&kernel.change, &kernel.lock);
	/* However late it is: the memory that it was given must still be there. */
	if (io->din_xfer_len && !kernel.brings_nothing)
		memcpy(address(io->din_xferp), kernel.in, MIN(io->din_xfer_len, 4096u));
	memcpy(address(io->response), kernel.sense, kernel.answer.response_len);
	io->device_status = kernel.answer.device_status;
	io->transport_status = kernel.answer.transport_status;
	io->response_len = kernel.answer.response_len;
	io->din_resid = kernel.answer.din_resid;
	io->dout_resid = kernel.answer.dout_resid;
	int result = kernel.result;
	kernel.left++;
	pthread_cond_broadcast(&kernel.change);
	pthread_mutex_unlock(&kernel.lock);
	return result;
}

static void kernel_sticks(bool stuck)
{
	pthread_mutex_lock(&kernel.lock);
	kernel.stuck = stuck;
	pthread_cond_broadcast(&kernel.change);
	pthread_mutex_unlock(&kernel.lock);
}

static void wait_entered(unsigned n)
{
	pthread_mutex_lock(&kernel.lock);
	while (kernel.entered < n)
		pthread_cond_wait(&kernel.change, &kernel.lock);
	pthread_mutex_unlock(&kernel.lock);
}

static void wait_left(unsigned n)
{
	pthread_mutex_lock(&kernel.lock);
	while (kernel.left < n)
		pthread_cond_wait(&kernel.change, &kernel.lock);
	pthread_mutex_unlock(&kernel.lock);
}

/* A device without hardware: an attachment as sg_attach() would make it. */
static struct sg_device *device;
static struct sg_attachment *attachment;
static struct sg_channel *channel;
static int hangs_up; /* closing it hangs up the channel's descriptor */
static bool bidirectional;

static int fake_open(const struct spt_open *open, struct spt_error *error, void **ret)
{
	struct sg_device *d = calloc(1, sizeof(*d));
	struct sg_attachment *a = calloc(1, sizeof(*a));
	const char *path;

	assert_int_equal(sg_settings_read(open->values, &d->settings, &path, error), 0);
	d->handle = open->device;
	d->bsg = true;
	d->path = strdup(path);
	learned_init(&d->learned);
	pthread_mutex_init(&d->lock, NULL);
	atomic_init(&a->refs, 1);
	a->control.fd = a->bsg = -1;
	a->depth = DEPTH;
	a->gate = sg_gate_get(-1, DEPTH);
	a->limits = (struct pass_limits){ 32, 1 << 20, bidirectional, false };
	for (unsigned op = 0; op < 256; op++)
		a->timeout_ms[op] = op * 1000;
	a->pool = bsg_pool_new(a, DEPTH, kernel_io);
	d->attachment = attachment = a;
	d->limits = a->limits;
	d->depth = DEPTH;
	*ret = device = d;
	return 0;
}

/* As the channel does it, but for the sg node. */
static int fake_channel_open(void *state, const struct spt_channel_params *params, void **ret)
{
	struct sg_device *d = state;
	int ends[2];

	d->attachment = NULL;
	d->not_before_ms = UINT64_MAX; /* it will not be found */
	assert_int_equal(sg_channel_open(d, params, ret), 0);
	struct sg_channel *c = channel = *ret;
	sg_return_stop(&c->way_back);
	d->attachment = attachment;
	c->attachment = sg_attachment_ref(attachment);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	c->bsg.new_fd = ends[0];
	hangs_up = ends[1];
	BSG_WAY.use(c);
	return 0;
}

static struct spt_backend_ops ops;
static struct rig rig;
static struct run runs[8];

static void open_rig(const char *option)
{
	const char *options[] = { "path=1:2:3:4", option, NULL };
	static const uint8_t test_unit_ready[6] = { 0 };
	struct spt_error error;

	ops = spt_backend_bsg;
	ops.open = fake_open;
	ops.channel_open = fake_channel_open;
	memset(&kernel.answer, 0, sizeof(kernel.answer));
	kernel.entered = kernel.left = 0;
	kernel.result = 0;
	assert_int_equal(rig_open_ops(&rig, &ops, options, &error), 0);
	/* power on, of the nexus */
	assert_int_equal(run_now(&rig, &runs[0], test_unit_ready, 6, 0, NULL, 0),
		SPT_CHECK_CONDITION);
	run_end(&runs[0]);
}

static void close_rig(void)
{
	assert_true(rig_close(&rig));
	if (hangs_up >= 0)
		close(hangs_up);
	hangs_up = -1;
}

static const uint8_t READ_32[32] = { 0x7f, [7] = 24, [9] = 9, [31] = 1 };
static const uint8_t INQUIRY[6] = { 0x12, 0, 0, 0, 36 };
static const uint8_t WRITE_BUFFER[10] = { 0x3b };
static const uint8_t BOTH[10] = { 0x53 };

static void test_data(void **state)
{
	uint8_t data[100];

	open_rig(NULL);
	memset(kernel.in, 0x5a, sizeof(kernel.in));
	kernel.answer.din_resid = 12;
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in.bytes, 500);
	assert_int_equal(runs[0].task.in.data[499], 0x5a);
	assert_int_equal(kernel.last.request_len, 32);
	assert_memory_equal(kernel.cdb, READ_32, 32);
	assert_int_equal(kernel.last.timeout, 0x7f * 1000);
	assert_int_equal(kernel.last.flags, 0x10); /* at the tail */
	assert_int_equal(kernel.last.dout_xfer_len, 0);
	run_end(&runs[0]);

	memset(data, 0xa5, sizeof(data));
	assert_int_equal(run_now(&rig, &runs[0], WRITE_BUFFER, 10, 0, data, 100), SPT_GOOD);
	assert_memory_equal(kernel.out, data, 100);
	assert_int_equal(kernel.last.din_xfer_len, 0);
	assert_int_equal(runs[0].task.out_would_bytes, 100);
	run_end(&runs[0]);

	/* data and sense together */
	kernel.answer.din_resid = 0;
	kernel.answer.device_status = SPT_CHECK_CONDITION;
	kernel.answer.response_len = 18;
	memcpy(kernel.sense, (uint8_t[18]){ 0x70, 0, 3, [7] = 10, [12] = 0x11 }, 18);
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x31100);
	assert_int_equal(runs[0].task.in.bytes, 512);
	run_end(&runs[0]);

	/* SAM-5 5.4.2: no residual is told, and nothing came: nothing of the command before */
	kernel.brings_nothing = true;
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	kernel.brings_nothing = false;
	assert_int_equal(runs[0].task.in.bytes, 512);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(runs[0].task.in.data[i], 0);
	run_end(&runs[0]);

	/* never GOOD: the adapter failed; the kernel did not take it */
	memset(&kernel.answer, 0, sizeof(kernel.answer));
	kernel.answer.transport_status = 3;
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0xb2e02);
	run_end(&runs[0]);
	kernel.answer.transport_status = 0;
	kernel.result = -EINVAL;
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x52400);
	run_end(&runs[0]);
	close_rig();
}

static void test_bidirectional(void **state)
{
	uint8_t data[64];

	open_rig(NULL);
	assert_int_equal(run_now(&rig, &runs[0], BOTH, 10, 32, data, 64), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x52000); /* this kernel cannot */
	assert_int_equal(kernel.entered, 0);
	run_end(&runs[0]);
	close_rig();

	bidirectional = true;
	open_rig(NULL);
	memset(data, 0x11, sizeof(data));
	memset(kernel.in, 0x22, sizeof(kernel.in));
	kernel.answer.dout_resid = 4;
	kernel.answer.din_resid = 2;
	assert_int_equal(run_now(&rig, &runs[0], BOTH, 10, 32, data, 64), SPT_GOOD);
	assert_memory_equal(kernel.out, data, 64);
	assert_int_equal(runs[0].task.in.bytes, 30);
	assert_int_equal(runs[0].task.in.data[29], 0x22);
	assert_int_equal(runs[0].task.out_would_bytes, 60);
	run_end(&runs[0]);
	close_rig();
	bidirectional = false;
}

/* Two at the device, two waiting, and the fifth is told. */
static void test_queue(void **state)
{
	open_rig("queue-limit=2");
	kernel_sticks(true);
	for (unsigned i = 0; i < 4; i++)
		run_start(&rig, &runs[i], READ_32, 32, 512, NULL, 0);
	wait_entered(2);
	assert_int_equal(run_now(&rig, &runs[4], READ_32, 32, 512, NULL, 0), SPT_TASK_SET_FULL);
	run_end(&runs[4]);
	/* One that waits is aborted at once. */
	assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK, &runs[3], 1000000), SPT_TMF_COMPLETE);
	assert_int_equal(runs[3].done, 1);
	assert_int_equal(runs[0].done + runs[1].done + runs[2].done, 0);
	kernel_sticks(false);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(run_wait(&rig, &runs[i], 10000000));
		assert_int_equal(runs[i].task.status, SPT_GOOD);
	}
	for (unsigned i = 0; i < 4; i++)
		run_end(&runs[i]);
	assert_int_equal(kernel.entered, 3);
	close_rig();
}

/*
 * The device is stuck: the abort is answered after the escalation, the buffer is the initiator's again;
 * the kernel comes later and finds its own memory (a sanitizer looks on), and the job is free then.
 */
static void test_stuck(void **state)
{
	open_rig(NULL);
	kernel_sticks(true);
	run_start(&rig, &runs[0], READ_32, 32, 4096, NULL, 0);
	run_start(&rig, &runs[1], READ_32, 32, 4096, NULL, 0);
	run_start(&rig, &runs[2], READ_32, 32, 4096, NULL, 0);
	wait_entered(2);
	assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK_SET, &runs[0], 10000000),
		SPT_TMF_COMPLETE);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(runs[i].done, 1);
		assert_int_equal(runs[i].task.in.bytes, 0);
		run_end(&runs[i]);
	}
	assert_true(spt_device_fenced(rig.device));
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]) >> 16, SPT_KEY_NOT_READY);
	run_end(&runs[0]);
	struct sg_attachment *a = sg_attachment_ref(attachment);
	close_rig(); /* with two threads in the kernel */
	assert_int_equal(kernel.left, 0);
	kernel_sticks(false);
	wait_left(2);
	for (int i = 0; i < 1000 && atomic_load(&a->refs) > 1; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&a->refs), 1); /* the threads have ended too */
	assert_int_equal(atomic_load(&a->gate->free), DEPTH);
	sg_attachment_unref(a);
}

static void raise_woken(struct spt_post *post)
{
	*(bool *)post->arg = true;
}

/* One who is woken, and fenced before he can use it, passes the room on to the next who waits. */
static void test_fenced_when_woken(void **state)
{
	static struct sg_waiter next;
	bool woken = false;

	open_rig(NULL);
	struct sg_gate *g = attachment->gate;
	sg_waiter_init(&next, &rig.fake.host, raise_woken, &woken);
	while (sg_gate_enter(g, 0, false))
		;
	run_start(&rig, &runs[0], READ_32, 32, 512, NULL, 0);
	assert_false(sg_gate_wait(g, &next));
	sg_gate_leave(g); /* wakes the channel */
	sg_channel_fence(channel);
	fake_host_settle(&rig.fake);
	assert_int_equal(runs[0].done, 1);
	run_end(&runs[0]);
	assert_true(woken);
	sg_gate_woken(g, &next);
	for (unsigned i = 1; i < DEPTH; i++)
		sg_gate_leave(g);
	close_rig();
}

/* Whose last waiting command is aborted does not wait any longer: its loop may stand still from here on. */
static void test_aborted_waiter(void **state)
{
	open_rig(NULL);
	struct sg_gate *g = attachment->gate;
	while (sg_gate_enter(g, 0, false))
		;
	run_start(&rig, &runs[0], READ_32, 32, 512, NULL, 0);
	assert_int_equal(atomic_load(&g->waiting), 1);
	assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK, &runs[0], 1000000), SPT_TMF_COMPLETE);
	run_end(&runs[0]);
	assert_int_equal(atomic_load(&g->waiting), 0);
	for (unsigned i = 0; i < DEPTH; i++)
		sg_gate_leave(g);
	close_rig();
}

static void test_taken_away(void **state)
{
	open_rig(NULL);
	kernel_sticks(true);
	for (unsigned i = 0; i < 3; i++)
		run_start(&rig, &runs[i], READ_32, 32, 512, NULL, 0);
	wait_entered(2);
	close(hangs_up);
	hangs_up = -1;
	assert_true(run_wait(&rig, &runs[2], 5000000)); /* that waited */
	assert_int_equal(run_sense(&runs[2]), 0x20403);
	kernel.answer.transport_status = 1; /* NO_CONNECT */
	kernel_sticks(false);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(run_wait(&rig, &runs[i], 5000000));
		assert_int_equal(run_sense(&runs[i]), 0x20400);
	}
	for (unsigned i = 0; i < 3; i++)
		run_end(&runs[i]);
	assert_int_equal(rig.events, 1);
	assert_non_null(strstr(rig.event, "taken away"));
	/* INQUIRY is answered, the rest is NOT READY */
	assert_int_equal(run_now(&rig, &runs[0], INQUIRY, 6, 36, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in.data[0], 0x3f);
	run_end(&runs[0]);
	assert_int_equal(run_now(&rig, &runs[0], READ_32, 32, 512, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x20403);
	run_end(&runs[0]);
	assert_int_equal(kernel.entered, 2);
	close_rig();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_bidirectional),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_fenced_when_woken),
		cmocka_unit_test(test_aborted_waiter),
		cmocka_unit_test(test_taken_away),
	};

	alarm(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
