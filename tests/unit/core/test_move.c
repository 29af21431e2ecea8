/* SPDX-License-Identifier: MIT */
/* Sessions that go from one loop to another: what goes along, what keeps them, and what comes by meanwhile. */
#include "persist.h"

#include <errno.h>

#include "base/util.h"

#define BUS_DEVICE_RESET 0x2903
#define POWER_ON	 0x2900

/* Session @i is to go to @to; what spt_move_leave() says. */
static int begin(struct rig *rig, unsigned i, unsigned to, struct spt_move **ret)
{
	assert_int_equal(spt_move_begin(rig_context(rig, i), rig->sessions[i], ret), 0);
	assert_int_equal(spt_move_prepare(*ret, rig->contexts[to]), 0);
	return spt_move_leave(*ret);
}

static void arrive(struct rig *rig, unsigned i, unsigned to, struct spt_move *move)
{
	rig->sessions[i] = spt_move_arrive(move);
	rig->loop_of[i] = to;
}

static void go(struct rig *rig, unsigned i, unsigned to)
{
	struct spt_move *move;

	assert_int_equal(begin(rig, i, to, &move), 0);
	arrive(rig, i, to, move);
}

/* The unit attentions of its beginning wait for it on the other loop; and nobody hears of the move. */
static void attentions_go_along(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 1, 1);
	rig_start_raw(&rig, 0, 0);
	go(&rig, 0, 1);
	assert_int_equal(attention(&rig, 0), POWER_ON);
	assert_int_equal(attention(&rig, 0), 0);
	go(&rig, 0, 0);
	assert_int_equal(attention(&rig, 0), 0);
	assert_int_equal(attention(&rig, 1), 0);
	rig_close(&rig);
}

/* What has the old cookie finds nothing, also when another session has come to where it was. */
static void old_cookie_finds_nothing(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf = { .done = 0 };

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	tmf.tmf.session = rig.sessions[0];
	tmf.tmf.done = tmf_job_done;
	go(&rig, 0, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(spt_task_enter(rig.contexts[0], &job.task), -ENOENT);
		assert_int_equal(spt_tmf(rig.contexts[0], &tmf.tmf), -ENOENT);
		rig_start(&rig, 1 + (unsigned)i, 0);
	}
	assert_int_equal(attention(&rig, 0), 0);
	rig_close(&rig);
}

/* SPC-5 5.14, SPC-2 5.5.1: registrations and reservations are the nexus's, wherever it lives. */
static void reservations_stay(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, EA, 1), GOOD);
	go(&rig, 0, 1);
	assert_int_equal(command(&rig, 1, 0x2a), CONFLICT);
	assert_int_equal(command(&rig, 0, 0x2a), GOOD);
	assert_int_equal(OUT(&rig, 0, CLEAR, 0, 1), GOOD);
	assert_int_equal(command(&rig, 0, 0x16), GOOD);
	go(&rig, 0, 0);
	assert_int_equal(command(&rig, 1, 0x28), CONFLICT);
	assert_int_equal(command(&rig, 0, 0x17), GOOD);
	assert_int_equal(command(&rig, 1, 0x28), GOOD);
	rig_close(&rig);
}

/* A preemption takes the tasks of who is preempted where he is now. */
static void preempted_where_it_is(void **state)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
	assert_int_equal(OUT(&rig, 1, REGISTER, 0, 0, 2), GOOD);
	go(&rig, 0, 1);
	job_init(&job, &rig, 0, 1);
	rig.fake->inline_good = false;
	job_run(&rig, &job);
	rig.fake->cancels = true;
	assert_int_equal(OUT(&rig, 1, PREEMPT_AND_ABORT, 0, 2, 1), GOOD);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	rig_close(&rig);
}

/* The part of a function is on its way to the loop that it leaves: what comes after is none of the function's. */
static void passes_a_function(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	go(&rig, 1, 0);
	job_init(&job, &rig, 1, 1);
	job_run(&rig, &job);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
	assert_int_equal(job.done, 0);
	fake_complete(rig_channel(&rig, 1));
	assert_int_equal(job.outcome, SPT_COMPLETED);
	assert_int_equal(attention(&rig, 1), BUS_DEVICE_RESET);
	rig_close(&rig);
}

/* Between the loops it is told of a reset, and so is a function that begins meanwhile of it. */
static void reset_on_the_way(void **state)
{
	struct rig rig;
	struct spt_move *move;
	struct tmf_job tmf;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	assert_int_equal(begin(&rig, 1, 1, &move), 0);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	arrive(&rig, 1, 1, move);
	job_init(&job, &rig, 1, 1);
	assert_int_equal(job_enter(&rig, &job), 0);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED); /* the part has come to its new loop after it */
	assert_int_equal(attention(&rig, 1), BUS_DEVICE_RESET);
	rig_close(&rig);
}

struct listener {
	struct rig *rig;
	int told;
	uint64_t lun;
};

static void on_attention(void *arg, uint64_t lun, const uint8_t *sense, size_t bytes)
{
	struct listener *l = arg;
	struct spt_sense s;

	assert_int_equal(spt_sense_decode(sense, bytes, &s), 0);
	assert_int_equal(s.asc, 0x2a01);
	l->told++;
	l->lun = lun;
}

/* What is established on the way is announced on the new loop, once; one that is on its way already is waited for. */
static void announced_after_it_came(void **state)
{
	struct rig rig;
	struct spt_move *move;
	struct listener listener = { .rig = &rig };

	rig_open(&rig, NULL);
	const struct spt_session_params params = {
		.nexus = { .initiator_name = "iqn.a", .target_name = "iqn.t", .peer_address = "x" },
		.luns = rig.map,
		.budget_bytes = RIG_BUDGET,
		.known = true,
		.attention = on_attention,
		.arg = &listener,
	};
	assert_int_equal(spt_session_start(rig.contexts[0], &params, &rig.sessions[0]), 0);
	rig.running[0] = true;
	spt_device_attention(rig.device_2, NULL, 0x2a01);
	assert_int_equal(begin(&rig, 0, 1, &move), -EBUSY);
	rig_settle(&rig);
	assert_int_equal(listener.told, 1);
	assert_int_equal(spt_move_leave(move), 0);
	spt_device_attention(rig.device, NULL, 0x2a01);
	rig_settle(&rig);
	assert_int_equal(listener.told, 1);
	arrive(&rig, 0, 1, move);
	fake_host_settle(&rig.loops[0]);
	assert_int_equal(listener.told, 1);
	rig_settle(&rig);
	assert_int_equal(listener.told, 2);
	assert_int_equal(listener.lun, RIG_LUN);
	spt_device_attention(rig.device, NULL, 0x2a01); /* it waits already */
	rig_settle(&rig);
	assert_int_equal(listener.told, 2);
	rig_close(&rig);
}

/* With a task it does not go, in whatever state that is. */
static void stays_with_a_task(void **state)
{
	struct rig rig;
	struct spt_move *move;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	job.keep = true;
	assert_int_equal(job_enter(&rig, &job), 0);
	assert_int_equal(begin(&rig, 0, 1, &move), -EBUSY);
	spt_task_start(&job.task);
	assert_int_equal(spt_move_leave(move), -EBUSY);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(spt_move_leave(move), -EBUSY);
	spt_task_end(&job.task);
	assert_int_equal(spt_move_leave(move), 0);
	arrive(&rig, 0, 1, move);
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(job.status, GOOD);
	rig_close(&rig);
}

/* Nor with a function of its own that is under way. */
static void stays_with_a_function(void **state)
{
	static const uint8_t functions[] = { SPT_TMF_LOGICAL_UNIT_RESET, SPT_TMF_CLEAR_TASK_SET };

	for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
		struct rig rig;
		struct spt_move *move;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 1);
		tmf_run(&rig, &tmf, 0, functions[f], RIG_LUN);
		assert_int_equal(begin(&rig, 0, 1, &move), -EBUSY);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(spt_move_leave(move), 0);
		arrive(&rig, 0, 1, move);
		rig_close(&rig);
	}
}

/* It has other LUNs than the ways that were opened; or is gone. */
static void not_any_more(void **state)
{
	struct rig rig;
	struct spt_move *move;
	int stopped = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	const struct spt_lun_entry entry = { .lun = 0, .device = rig.device };
	struct spt_lun_map *map;
	assert_int_equal(spt_lun_map_new(&entry, 1, &map), 0);
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[0], &move), 0);
	assert_int_equal(spt_move_prepare(move, rig.contexts[1]), 0);
	assert_int_equal(spt_session_set_luns(rig.contexts[0], rig.sessions[0], map), 0);
	spt_lun_map_unref(map);
	assert_int_equal(spt_move_leave(move), -ESTALE);
	spt_move_cancel(move);
	go(&rig, 0, 1);
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[1], &move), 0);
	assert_int_equal(spt_move_prepare(move, rig.contexts[1]), 0);
	rig_stop(&rig, 1, &stopped);
	assert_int_equal(spt_move_leave(move), -ESTALE);
	spt_move_cancel(move);
	rig_close(&rig);
}

/* No way, a fenced one, or one that keeps something for it. */
static void ways_that_keep_it(void **state)
{
	const struct rig_params per_nexus = { .ops = &FAKE_PER_NEXUS };
	const struct rig_params stays = { .ops = &FAKE_STAYS };
	struct rig rig;
	struct spt_move *move;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig.fake->open_error = -EMFILE;
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[0], &move), 0);
	assert_int_equal(spt_move_prepare(move, rig.contexts[1]), -EMFILE);
	spt_move_cancel(move);
	rig.fake->open_error = 0;
	assert_int_equal(attention(&rig, 0), 0);
	struct job job;
	rig_start(&rig, 1, 1);
	rig.fake->inline_good = false;
	job_init(&job, &rig, 1, 1);
	job_run(&rig, &job);
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[0], &move), 0);
	spt_context_fence(rig.contexts[1]);
	assert_int_equal(spt_move_prepare(move, rig.contexts[1]), -EIO);
	spt_move_cancel(move);
	assert_int_equal(spt_move_begin(rig.contexts[1], rig.sessions[1], &move), -EOPNOTSUPP);
	rig_close(&rig);
	rig_open(&rig, &per_nexus);
	rig_start(&rig, 0, 0);
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[0], &move), -EOPNOTSUPP);
	rig_close(&rig);
	rig_open(&rig, &stays);
	rig_start(&rig, 0, 0);
	assert_int_equal(spt_move_begin(rig.contexts[0], rig.sessions[0], &move), -EOPNOTSUPP);
	rig_close(&rig);
}

/* A context that is freed while a move concerns it waits for that; so does one whose channel takes time to close. */
static void contexts_wait(void **state)
{
	struct rig rig;
	struct spt_move *move;
	int freed = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig.fake->close_waits = true;
	struct fake_channel *old = rig_channel(&rig, 0);
	assert_int_equal(begin(&rig, 0, 1, &move), 0);
	spt_context_free(rig.contexts[0], raise_flag, &freed);
	rig_settle(&rig);
	assert_int_equal(freed, 0);
	arrive(&rig, 0, 1, move);
	rig_settle(&rig);
	assert_int_equal(freed, 0);
	fake_close(old);
	rig_settle(&rig);
	assert_int_equal(freed, 1);
	rig.fake->close_waits = false;
	assert_int_equal(spt_context_new(&rig.loops[0].host, &rig.contexts[0]), 0);
	/* The other end, of one that is cancelled. */
	assert_int_equal(spt_move_begin(rig.contexts[1], rig.sessions[0], &move), 0);
	assert_int_equal(spt_move_prepare(move, rig.contexts[0]), 0);
	spt_context_free(rig.contexts[0], raise_flag, &freed);
	rig_settle(&rig);
	assert_int_equal(freed, 1);
	spt_move_cancel(move);
	rig_settle(&rig);
	assert_int_equal(freed, 2);
	assert_int_equal(spt_context_new(&rig.loops[0].host, &rig.contexts[0]), 0);
	rig_close(&rig);
}

/* Two threads pass a session to and fro, which has tasks wherever it is, while their own sessions reset the device. */
#define HOPS 200u

struct field;

struct side {
	struct field *field;
	struct spt_context *context;
	struct fake_host host;
	pthread_t id;
	spt_session_cookie own;
	struct tmf_job tmf;
	bool waits; /* for tmf */
	struct spt_post post; /* a step of the move, which is the other side's in the meantime */
};

struct field {
	struct rig *rig;
	struct side sides[2];
	struct spt_move *move;
	spt_session_cookie ball;
	unsigned hops; /* of who has the ball */
	atomic_bool over;
	atomic_uint left;
};

static struct side *other(struct side *s)
{
	return &s->field->sides[s == &s->field->sides[0]];
}

static void send(struct side *s, void (*fn)(struct spt_post *post))
{
	s->post = (struct spt_post){ .fn = fn, .arg = s };
	spt_host_post(&s->host.host, &s->post);
}

static void run_tasks(struct side *s)
{
	struct job jobs[3];

	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init(&jobs[i], s->field->rig, 0, i);
		jobs[i].task.aux.session = s->field->ball;
		assert_int_equal(spt_task_enter(s->context, &jobs[i].task), 0);
		spt_task_start(&jobs[i].task);
		assert_int_equal(jobs[i].done, 1);
	}
}

static void came(struct spt_post *post);

static void try_to_leave(struct spt_post *post)
{
	struct side *s = post->arg;

	if (spt_move_leave(s->field->move) == 0)
		send(other(s), came);
	else
		send(s, try_to_leave); /* it has an announcement on its way */
}

static void prepare(struct spt_post *post)
{
	struct side *s = post->arg;

	assert_int_equal(spt_move_prepare(s->field->move, s->context), 0);
	send(other(s), try_to_leave);
}

static void play(struct side *s)
{
	struct field *f = s->field;

	run_tasks(s);
	if (f->hops++ == HOPS) {
		int stopped = 0;
		assert_int_equal(spt_session_stop(s->context, f->ball, raise_flag, &stopped), 0);
		while (!stopped)
			fake_host_turn(&s->host);
		f->over = true;
		return;
	}
	assert_int_equal(spt_move_begin(s->context, f->ball, &f->move), 0);
	send(other(s), prepare);
}

static void came(struct spt_post *post)
{
	struct side *s = post->arg;

	s->field->ball = spt_move_arrive(s->field->move);
	play(s);
}

static void reset(struct side *s, unsigned round)
{
	static const uint8_t functions[] = { SPT_TMF_LOGICAL_UNIT_RESET, SPT_TMF_CLEAR_TASK_SET,
		SPT_TMF_TARGET_WARM_RESET };

	if (s->waits && !s->tmf.done)
		return;
	memset(&s->tmf, 0, sizeof(s->tmf));
	s->waits = true;
	s->tmf.tmf.session = s->own;
	s->tmf.tmf.function = functions[round % ARRAY_SIZE(functions)];
	s->tmf.tmf.done = tmf_job_done;
	assert_int_equal(spt_tmf(s->context, &s->tmf.tmf), 0);
}

static void ignored(void *arg, uint64_t lun, const uint8_t *sense, size_t bytes)
{
}

static void start_session(struct side *s, const char *name, spt_session_cookie *ret)
{
	const struct spt_session_params params = {
		.nexus = { .initiator_name = name, .target_name = "iqn.t", .peer_address = "x" },
		.luns = s->field->rig->map,
		.budget_bytes = RIG_BUDGET,
		.attention = ignored,
	};

	assert_int_equal(spt_session_start(s->context, &params, ret), 0);
}

static void *side_main(void *arg)
{
	struct side *s = arg;
	struct field *f = s->field;
	int stopped = 0, freed = 0;

	start_session(s, s == &f->sides[0] ? "iqn.a" : "iqn.b", &s->own);
	if (s == &f->sides[0]) {
		start_session(s, "iqn.ball", &f->ball);
		play(s);
	}
	for (unsigned round = 0; !f->over; round++) {
		reset(s, round);
		fake_host_turn(&s->host);
	}
	while (s->waits && !s->tmf.done)
		fake_host_turn(&s->host);
	assert_int_equal(spt_session_stop(s->context, s->own, raise_flag, &stopped), 0);
	while (!stopped)
		fake_host_turn(&s->host);
	atomic_fetch_sub(&f->left, 1);
	while (atomic_load(&f->left))
		fake_host_turn(&s->host);
	spt_context_free(s->context, raise_flag, &freed);
	while (!freed)
		fake_host_turn(&s->host);
	return NULL;
}

static void two_threads(void **state)
{
	struct rig rig;
	struct field field = { .rig = &rig, .left = 2 };

	rig_open(&rig, NULL);
	rig.fake->inline_good = rig.fake_2->inline_good = true;
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &field.sides[i];
		s->field = &field;
		fake_host_init(&s->host);
		s->host.host.pool = spt_pool_new(1u << 20);
		assert_int_equal(spt_context_new(&s->host.host, &s->context), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&field.sides[i].id, NULL, side_main, &field.sides[i]), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(field.sides[i].id, NULL);
		spt_pool_free(field.sides[i].host.host.pool);
		fake_host_deinit(&field.sides[i].host);
	}
	assert_int_equal(field.hops, HOPS + 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attentions_go_along),
		cmocka_unit_test(old_cookie_finds_nothing),
		cmocka_unit_test(reservations_stay),
		cmocka_unit_test(preempted_where_it_is),
		cmocka_unit_test(passes_a_function),
		cmocka_unit_test(reset_on_the_way),
		cmocka_unit_test(announced_after_it_came),
		cmocka_unit_test(stays_with_a_task),
		cmocka_unit_test(stays_with_a_function),
		cmocka_unit_test(not_any_more),
		cmocka_unit_test(ways_that_keep_it),
		cmocka_unit_test(contexts_wait),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
