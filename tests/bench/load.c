/* SPDX-License-Identifier: MIT */
/*
 * The load generator: logs in its sessions, lets the workers run, and takes the time. The main
 * thread does no I/O while the workers run: it sleeps, samples what has been spent at both ends of
 * the measured interval, and moves the phase. Exit status 0 only when every command was GOOD, moved
 * all its bytes and, with --verify, gave back what had been written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "options.h"
#include "result.h"
#include "run.h"
#include "session.h"
#include "worker.h"

#define SLICE_US 50000

struct load {
	struct run run;
	unsigned sessions;
	unsigned workers;
	unsigned started;
	struct session **session;
	struct worker **worker;
	struct capacity capacity;
	struct result result;
};

static int say(const char *what, int error)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(-error));
	return error;
}

static int log_in(struct load *l)
{
	const struct options *opt = l->run.opt;
	uint64_t start = now_ns();
	int r;

	l->session = calloc(opt->sessions, sizeof(l->session[0]));
	if (!l->session)
		return say("sessions", -ENOMEM);
	for (unsigned i = 0; i < opt->sessions; i++) {
		r = session_new(opt, i, &l->capacity, &l->session[i]);
		if (r < 0)
			return r;
		l->sessions++;
	}
	l->result.login_ns = now_ns() - start;
	return 0;
}

static int plan(struct load *l)
{
	const struct options *opt = l->run.opt;
	uint32_t block = l->capacity.block_bytes;
	uint64_t bytes = l->capacity.blocks * block;
	struct run *run = &l->run;

	if (!bytes)
		return say("the logical unit is empty", -ENOSPC);
	if (opt->span_bytes)
		bytes = MIN(bytes, opt->span_bytes);
	if (opt->block_bytes % block)
		return say("--block is not a multiple of the logical block", -EINVAL);
	run->blocks_per_unit = (uint32_t)(opt->block_bytes / block);
	run->units = bytes / opt->block_bytes;
	run->slots = opt->sessions * opt->queue_depth;
	if (run->units < run->slots)
		return say("fewer blocks in the span than commands under way", -EINVAL);
	if (!opt->verify)
		return 0;
	run->generation = calloc(run->units, sizeof(run->generation[0]));
	return run->generation ? 0 : say("generations", -ENOMEM);
}

static int make_workers(struct load *l)
{
	unsigned threads = (unsigned)l->run.opt->threads;
	int r;

	l->worker = calloc(threads, sizeof(l->worker[0]));
	if (!l->worker)
		return say("workers", -ENOMEM);
	for (unsigned i = 0; i < threads; i++) {
		r = worker_new(&l->run, l->session, i, threads, &l->worker[i]);
		if (r < 0)
			return say("worker", r);
		l->workers++;
	}
	return 0;
}

/* In slices, so that a failed run ends at once. */
static void sleep_for(const struct run *run, uint64_t us)
{
	uint64_t end = now_ns() + us * 1000, now;

	while (!atomic_load(&run->failed) && (now = now_ns()) < end) {
		uint64_t slice = MIN((end - now) / 1000 + 1, (uint64_t)SLICE_US);

		nanosleep(&(struct timespec){ .tv_nsec = (long)slice * 1000 }, NULL);
	}
}

static int time_run(struct load *l)
{
	const struct options *opt = l->run.opt;
	struct usage from = { 0 }, to = { 0 };
	int r;

	pthread_barrier_wait(&l->run.filled);
	sleep_for(&l->run, opt->warmup_us);
	r = usage_sample((pid_t)opt->server_pid, &from);
	atomic_store(&l->run.phase, PHASE_MEASURE);
	sleep_for(&l->run, opt->duration_us);
	atomic_store(&l->run.phase, PHASE_STOP);
	if (!r)
		r = usage_sample((pid_t)opt->server_pid, &to);
	l->result.spent = usage_between(&from, &to);
	return r < 0 ? say("CPU time", r) : 0;
}

/* Workers that could not be started would be missed at the barrier: then the process ends here. */
static int run_workers(struct load *l)
{
	int r;

	pthread_barrier_init(&l->run.filled, NULL, l->workers + 1);
	for (unsigned i = 0; i < l->workers; i++) {
		r = worker_start(l->worker[i]);
		if (r < 0) {
			say("thread", r);
			exit(EXIT_FAILURE);
		}
	}
	r = time_run(l);
	for (unsigned i = 0; i < l->workers; i++) {
		worker_join(l->worker[i]);
		histogram_merge(&l->result.read, worker_reads(l->worker[i]));
		histogram_merge(&l->result.write, worker_writes(l->worker[i]));
		l->result.verified += worker_verified(l->worker[i]);
	}
	pthread_barrier_destroy(&l->run.filled);
	return r;
}

static const char *work_name(const struct options *opt)
{
	static const char *const NAMES[2][3] = {
		{ "randread", "randwrite", "randrw" },
		{ "seqread", "seqwrite", "seqrw" },
	};
	unsigned mix = opt->read_percent == 100 ? 0 : opt->read_percent == 0 ? 1 : 2;

	return NAMES[opt->sequential][mix];
}

static int report(struct load *l)
{
	const struct options *opt = l->run.opt;
	struct result *res = &l->result;
	int r;

	if (atomic_load(&l->run.failed))
		return -EIO;
	if (!opt->duration_us && !opt->verify)
		return 0;
	res->work = work_name(opt);
	res->block_bytes = opt->block_bytes;
	res->queue_depth = (unsigned)opt->queue_depth;
	res->sessions = (unsigned)opt->sessions;
	res->threads = (unsigned)opt->threads;
	res->digests = digests_name(opt->digests);
	res->has_server = opt->server_pid != 0;
	r = result_print(res, opt->json_path);
	return r < 0 ? say(opt->json_path, r) : 0;
}

static void load_free(struct load *l)
{
	for (unsigned i = 0; i < l->workers; i++)
		worker_free(l->worker[i]);
	for (unsigned i = 0; i < l->sessions; i++)
		session_free(l->session[i]);
	free(l->worker);
	free(l->session);
	free(l->run.generation);
	free(l);
}

static int run_load(const struct options *opt)
{
	struct load *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return say("run", -ENOMEM);
	l->run.opt = opt;
	r = log_in(l);
	if (!r)
		r = plan(l);
	if (!r)
		r = make_workers(l);
	if (!r)
		r = run_workers(l);
	if (!r)
		r = report(l);
	load_free(l);
	return r;
}

int main(int argc, char **argv)
{
	struct options opt;

	if (options_parse(argc, argv, &opt) < 0)
		return 2;
	if (opt.help) {
		options_help();
		return EXIT_SUCCESS;
	}
	return run_load(&opt) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
