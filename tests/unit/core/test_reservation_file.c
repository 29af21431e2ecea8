/* SPDX-License-Identifier: MIT */
/* Reservations through power loss (APTPL, SPC-5 5.14.5), raw ones, and two threads at one device. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/util.h"
#include "persist.h"
#include "scsi/transport_id.h"

static char directory[64];

static int make_directory(void **state)
{
	strcpy(directory, "/tmp/spt-reservation-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/pr/one", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/pr", directory);
	rmdir(path);
	return rmdir(directory);
}

static bool file_exists(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/pr/one", directory);
	return stat(path, &st) == 0;
}

/* Device "one" of the rig, opened with a place for its file. */
static void open_kept(struct rig *rig)
{
	rig_open(rig, &(struct rig_params){ .state_dir = directory });
	rig_start(rig, 0, 0);
	rig_start(rig, 1, 1);
}

/* SPC-5 5.14.5, 6.16.4: without a place for it APTPL is neither offered nor taken, and the log says why. */
static void no_place(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/not-there", directory);
	for (unsigned i = 0; i < 2; i++) {
		struct rig rig;
		struct job job;

		fake_event[0] = 0;
		rig_open(&rig, &(struct rig_params){ .state_dir = i ? "/dev/null" : path });
		rig_start(&rig, 0, 0);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 0x02, 0), GOOD);
		assert_int_equal(job.in[2], 0x1c); /* CRH, SIP_C, ATP_C, no PTPL_C */
		assert_string_equal(fake_event, "");
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1, 0x01), 0x2600);
		assert_non_null(strstr(fake_event, i ? "/dev/null: Not a directory" :
			"not-there: No such file or directory"));
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
		rig_close(&rig);
	}
}

static void kept_through_power_loss(void **state)
{
	static const uint8_t types[] = { WE, EA, WERO, EARO, WEAR, EAAR };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		struct rig rig;
		struct job job;

		open_kept(&rig);
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1, 0x01), GOOD);
		assert_true(file_exists());
		assert_int_equal(OUT(&rig, 0, RESERVE, types[t], 1), GOOD);
		rig_close(&rig);
		open_kept(&rig);
		assert_int_equal(command(&rig, 0, 0x2a), GOOD);
		assert_int_equal(command(&rig, 1, 0x2a), CONFLICT);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 1, 0), GOOD);
		assert_int_equal(be32_get(job.in), 0); /* PRGENERATION starts again */
		assert_int_equal(job.in[21], types[t]);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 2, 0), GOOD);
		assert_int_equal(job.in[2] & 0x01, 0x01);
		assert_int_equal(job.in[3] & 0x01, 0x01);
		/* The last REGISTER says whether it is kept. */
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 1, 1, 0x00), GOOD);
		assert_false(file_exists());
		rig_close(&rig);
		open_kept(&rig);
		assert_int_equal(command(&rig, 1, 0x2a), GOOD);
		rig_close(&rig);
	}
}

/* A list of @bytes for REGISTER with SPEC_I_PT, or for REGISTER AND MOVE, with port @isid of device b. */
static uint32_t list_with_b(uint8_t *list, bool move, uint8_t isid)
{
	struct writer w = wr_init(list, 128);

	wr_be64(&w, move ? 7 : 0);
	wr_be64(&w, move ? 8 : 7);
	if (move)
		wr_be32(&w, 0x00030001); /* UNREG, APTPL; port 1 */
	else
		wr_be64(&w, 0x0000000009000000); /* SPEC_I_PT, APTPL */
	uint8_t *length = wr_reserve(&w, 4);
	size_t start = wr_len(&w);
	transport_id_put(&w, "iqn.2026-11.org.example:b", (uint8_t[]){ 0x80, 0, 0, 0, 0, isid });
	be32_put(length, (uint32_t)(wr_len(&w) - start));
	return (uint32_t)wr_len(&w);
}

/* Registrations of nexuses that are not there are in the file, too; and a reservation that was moved to one. */
static void others_are_kept(void **state)
{
	static const struct rig_nexus nexuses[] = { { 'a', 0, 1 }, { 'b', 5, 1 } };
	struct rig rig;
	struct job job;
	uint8_t list[128];
	uint32_t bytes = list_with_b(list, false, 5);

	rig_open(&rig, &(struct rig_params){ .state_dir = directory });
	rig_start(&rig, 0, 0);
	assert_int_equal(OUT(&rig, 0, REGISTER, .bytes = bytes, .list = list), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, EA, 7), GOOD);
	rig_close(&rig);
	rig_open(&rig, &(struct rig_params){ .state_dir = directory });
	rig.nexuses = nexuses;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	assert_int_equal(plain(&rig, 1, &job, 0x5e, 0, 0), GOOD);
	assert_int_equal(be32_get(job.in + 4), 16);
	assert_int_equal(command(&rig, 1, 0x28), CONFLICT);
	bytes = list_with_b(list, true, 5);
	assert_int_equal(OUT(&rig, 0, MOVE, .bytes = bytes, .list = list), GOOD);
	rig_close(&rig);
	rig_open(&rig, &(struct rig_params){ .state_dir = directory });
	rig.nexuses = nexuses;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	assert_int_equal(command(&rig, 0, 0x28), CONFLICT);
	assert_int_equal(command(&rig, 1, 0x28), GOOD);
	assert_int_equal(OUT(&rig, 1, CLEAR, 0, 8), GOOD);
	rig_close(&rig);
}

/* Byte for byte as the first version wrote it: still read, and so for as long as there are such files. */
static void first_version(void **state)
{
	static const char text[] = "sptgt persistent reservations 1\n"
		"6 2\n"
		"0000000000000abc 800000000000 1 1 iqn.2026-11.org.example:a iqn.2026-11.org.example:t\n"
		"0000000000000def 800000000001 1 1 iqn.2026-11.org.example:a iqn.2026-11.org.example:t\n"
		"0000000000000123 00023d000001 2 2 iqn.2026-11.org.%C3%A4 iqn.2026-11.org.example:t\n"
		"end\n";
	char path[128];
	struct rig rig;
	struct job job;

	snprintf(path, sizeof(path), "%s/pr/one", directory);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	open_kept(&rig);
	assert_int_equal(plain(&rig, 0, &job, 0x5e, 0, 0), GOOD);
	assert_int_equal(be32_get(job.in + 4), 24);
	assert_int_equal(be64_get(job.in + 8), 0xabc);
	assert_int_equal(be64_get(job.in + 24), 0x123);
	assert_int_equal(plain(&rig, 0, &job, 0x5e, 1, 0), GOOD);
	assert_int_equal(be64_get(job.in + 8), 0xdef);
	assert_int_equal(OUT(&rig, 1, CLEAR, 0, 0xdef), GOOD);
	rig_close(&rig);
}

static void damaged_files(void **state)
{
	static const char *const rows[] = {
		"", "something\n", "sptgt persistent reservations 1\n",
		"sptgt persistent reservations 1\n0 0\n", /* cut */
		"sptgt persistent reservations 1\n1 1\nend\n",
		"sptgt persistent reservations 1\n2 0\nend\n",
		"sptgt persistent reservations 1\n0 0\n0000000000000001 8000 1 1 a b\nend\n",
		"sptgt persistent reservations 1\n0 0\n0000000000000000 800000000000 1 1 a b\nend\n",
		"sptgt persistent reservations 1\n0 0\n0000000000000001 800000000000 1 1 %4 b\nend\n",
		"sptgt persistent reservations 1\n3 0\n0000000000000001 800000000000 1 1 a b\nend\n",
		"sptgt persistent reservations 1\n7 1\n0000000000000001 800000000000 1 1 a b\nend\n",
		"sptgt persistent reservations 1\n3 2\n0000000000000001 800000000000 1 1 a b\nend\n",
		"sptgt persistent reservations 1\n0 0\nend\nmore\n",
	};
	char path[128];

	snprintf(path, sizeof(path), "%s/pr", directory);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/pr/one", directory);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_device_params params = {
			.name = "one", .identity = 1, .backend = &FAKE_SHARED, .state_dir = directory };
		struct spt_device *device;
		struct spt_error error;
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(rows[i], f);
		fclose(f);
		assert_int_equal(spt_device_open(&params, &error, &device), -EBADMSG);
		assert_non_null(strstr(error.text, "pr/one"));
	}
	unlink(path);
}

/* Raw: the device is asked, whatever others have done. */
static void raw(void **state)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_params){ .raw_reservations = true });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	assert_int_equal(command(&rig, 0, 0x16), GOOD);
	assert_int_equal(command(&rig, 1, 0x5e), GOOD);
	assert_int_equal(rig.fake->submits, 2);
	rig_close(&rig);
}

/* SPC-5 5.14.5: one file, and a device that takes the place of another of its name: what was answered GOOD is in the file. */
static void one_device_writes(void **state)
{
	struct spt_device_params params = {
		.name = "one", .identity = 1, .backend = &FAKE_SHARED, .state_dir = directory };
	struct rig rig, next;
	struct spt_device *heir;
	struct spt_error error;
	struct job job;

	open_kept(&rig);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1, 0x01), GOOD);
	/* One that is not used after all. */
	assert_int_equal(spt_device_open(&params, &error, &heir), 0);
	assert_int_equal(OUT(&rig, 0, RESERVE, WE, 1), SPT_BUSY);
	spt_device_unref(heir);
	assert_int_equal(OUT(&rig, 0, RESERVE, WE, 1), GOOD);
	/* On its way to the file when the other one reads it. */
	out_start(&rig, &job, 0, &(struct out){ RELEASE, WE, 1 });
	open_kept(&next);
	rig_settle(&rig);
	assert_int_equal(job.status, SPT_BUSY);
	assert_int_equal(command(&next, 1, 0x2a), CONFLICT);
	assert_int_equal(OUT(&next, 0, RELEASE, WE, 1), GOOD);
	rig_close(&rig);
	assert_int_equal(OUT(&next, 0, RESERVE, EA, 1), GOOD);
	rig_close(&next);
	open_kept(&rig);
	assert_int_equal(command(&rig, 1, 0x28), CONFLICT);
	assert_int_equal(OUT(&rig, 0, CLEAR, 0, 1), GOOD);
	rig_close(&rig);
}

/* Two loops on two threads at one device, with a file: for sanitizers. */
#define ROUNDS 50u

struct thread {
	struct rig *rig;
	unsigned i;
	atomic_uint *left;
	unsigned answered;
};

static void turn_until(struct thread *t, const struct job *job)
{
	while (!job->done)
		fake_host_turn(&t->rig->loops[t->i]);
}

static void *thread_main(void *arg)
{
	static const struct out outs[] = {
		{ REGISTER_AND_IGNORE, 0, 0, 1, 0x01 }, { RESERVE, EARO, 1 },
		{ RELEASE, EARO, 1 }, { PREEMPT_AND_ABORT, WEAR, 1, 2 }, { CLEAR, 0, 1 },
	};
	struct thread *t = arg;
	struct job job;

	for (unsigned n = 0; n < ROUNDS; n++) {
		struct out o = outs[n % ARRAY_SIZE(outs)];
		if (t->i)
			o.action_key = o.action_key == 2 ? 1 : o.action_key ? 2 : 0;
		if (t->i && o.key)
			o.key = 2;
		out_start(t->rig, &job, t->i, &o);
		turn_until(t, &job);
		job_init(&job, t->rig, t->i, 5);
		job.task.cdb[0] = n % 2 ? 0x28 : 0x5e;
		job.task.cdb[8] = 255;
		job_run(t->rig, &job);
		turn_until(t, &job);
		t->answered++;
	}
	atomic_fetch_sub(t->left, 1);
	while (atomic_load(t->left))
		fake_host_turn(&t->rig->loops[t->i]);
	return NULL;
}

static void two_threads(void **state)
{
	struct rig rig;
	atomic_uint left = 2;
	pthread_t ids[2];
	struct thread threads[2];

	open_kept(&rig);
	rig.fake->inline_good = true;
	for (unsigned i = 0; i < 2; i++) {
		threads[i] = (struct thread){ .rig = &rig, .i = i, .left = &left };
		assert_int_equal(pthread_create(&ids[i], NULL, thread_main, &threads[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(ids[i], NULL);
		assert_int_equal(threads[i].answered, ROUNDS);
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_place),
		cmocka_unit_test(kept_through_power_loss),
		cmocka_unit_test(others_are_kept),
		cmocka_unit_test(first_version),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(one_device_writes),
		cmocka_unit_test(raw),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests_name("core-reservation-file", tests, make_directory,
		remove_directory);
}
