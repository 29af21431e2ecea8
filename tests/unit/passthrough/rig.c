/* SPDX-License-Identifier: MIT */
/* The tests' way to a real device: see rig.h. */
#include "rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32

static const char *given(const char *const *options, const char *name)
{
	size_t n = strlen(name);

	for (; *options; options++) {
		if (!strncmp(*options, name, n) && (*options)[n] == '=')
			return *options + n + 1;
	}
	return NULL;
}

static int parse_options(const struct spt_backend_ops *backend, const char *const *options,
	struct spt_option_value *values, struct spt_error *error)
{
	size_t n;
	const struct spt_option *rows = spt_backend_options(backend, &n);

	for (size_t i = 0; i < n && i < OPTIONS_MAX; i++) {
		const char *text = given(options, rows[i].name);
		values[i] = (struct spt_option_value){ 0 };
		if (!text)
			text = rows[i].fallback;
		if (!text)
			continue;
		int r = spt_option_parse(&rows[i], text, &values[i], error);
		if (r < 0)
			return r;
	}
	return 0;
}

spt_session_cookie rig_session(struct rig *rig, unsigned number)
{
	char name[64];
	struct spt_session_params params = {
		.nexus = {
			.initiator_name = name,
			.isid = { 0x80, 0, 0, 0, 0, (uint8_t)number },
			.target_name = "iqn.2026-11.org.sptgt:rig",
			.target_portal_group_tag = 1,
			.relative_port = 1,
			.peer_address = "127.0.0.1",
		},
		.luns = rig->luns,
		.budget_bytes = 256 << 20,
	};
	spt_session_cookie cookie = { 0 };

	snprintf(name, sizeof(name), "iqn.2026-11.org.sptgt:initiator.%u", number);
	if (spt_session_start(rig->context, &params, &cookie) < 0)
		abort();
	return cookie;
}

static void note_event(void *arg, const char *device, const char *text)
{
	struct rig *rig = arg;

	rig->events++;
	snprintf(rig->event, sizeof(rig->event), "%s", text);
}

int rig_open(struct rig *rig, const char *backend, const char *const *options,
	struct spt_error *error)
{
	return rig_open_ops(rig, spt_backend_find(backend), options, error);
}

int rig_open_ops(struct rig *rig, const struct spt_backend_ops *ops, const char *const *options,
	struct spt_error *error)
{
	struct spt_option_value values[OPTIONS_MAX];

	memset(rig, 0, sizeof(*rig));
	signal(SIGPIPE, SIG_IGN); /* as a host of the library does */
	int r = parse_options(ops, options, values, error);
	if (r < 0)
		return r;
	struct spt_device_params params = {
		.name = "rig",
		.identity = 42,
		.backend = ops,
		.values = values,
		.event = note_event,
		.event_arg = rig,
		.escalation = { .wait_us = 2000000, .reset_wait_us = 3000000, .reset = true },
	};
	r = spt_device_open(&params, error, &rig->device);
	if (r < 0)
		return r;
	fake_host_init(&rig->fake);
	rig->fake.real_time = true;
	rig->fake.host.pool = spt_pool_new(64 << 20);
	struct spt_lun_entry entry = { .lun = 0, .device = rig->device };
	if (spt_context_new(&rig->fake.host, &rig->context) < 0 ||
		spt_lun_map_new(&entry, 1, &rig->luns) < 0)
		abort();
	rig->session = rig_session(rig, 1);
	return 0;
}

static void set_flag(void *arg)
{
	*(int *)arg = 1;
}

bool rig_stop(struct rig *rig, spt_session_cookie session)
{
	int stopped = 0;

	if (spt_session_stop(rig->context, session, set_flag, &stopped) < 0)
		return false;
	return fake_host_until(&rig->fake, &stopped, 30000000);
}

bool rig_close(struct rig *rig)
{
	int freed = 0;

	if (!rig_stop(rig, rig->session))
		return false;
	spt_context_free(rig->context, set_flag, &freed);
	if (!fake_host_until(&rig->fake, &freed, 30000000))
		return false;
	spt_lun_map_unref(rig->luns);
	spt_device_unref(rig->device);
	spt_pool_free(rig->fake.host.pool);
	fake_host_deinit(&rig->fake);
	return true;
}

static void run_done(struct spt_task *task)
{
	((struct run *)task)->done = 1;
}

static const struct spt_task_ops RUN_OPS = { .done = run_done };

void run_start(struct rig *rig, struct run *run, const uint8_t *cdb, unsigned cdb_bytes,
	uint32_t in_bytes, const void *out, uint32_t out_bytes)
{
	struct spt_task *t = &run->task;

	memset(run, 0, sizeof(*run));
	t->ops = &RUN_OPS;
	t->aux.size = sizeof(t->aux);
	memcpy(t->aux.signature, SPT_AUXILIARY_SIGNATURE, sizeof(t->aux.signature));
	t->aux.session = rig->session;
	t->aux.task.tag = ++rig->tag;
	t->aux.task.generation = rig->tag;
	t->attribute = SPT_SIMPLE;
	memcpy(t->cdb, cdb, cdb_bytes);
	t->cdb_bytes = (uint16_t)cdb_bytes;
	t->expected_in_bytes = in_bytes;
	t->expected_out_bytes = out_bytes;
	if (spt_task_enter(rig->context, t) < 0)
		abort();
	spt_task_start(t);
	if (t->state != SPT_TASK_COLLECT)
		return;
	memcpy(t->out.data, out, t->out_wanted_bytes);
	t->aux.is_final = true;
	if (spt_task_data(t, t->out_wanted_bytes) < 0)
		abort();
}

bool run_wait(struct rig *rig, struct run *run, uint64_t limit_us)
{
	return fake_host_until(&rig->fake, &run->done, limit_us);
}

void run_end(struct run *run)
{
	spt_task_end(&run->task);
}

int run_now(struct rig *rig, struct run *run, const uint8_t *cdb, unsigned cdb_bytes,
	uint32_t in_bytes, const void *out, uint32_t out_bytes)
{
	run_start(rig, run, cdb, cdb_bytes, in_bytes, out, out_bytes);
	return run_wait(rig, run, 60000000) ? run->task.status : -1;
}

unsigned run_sense(const struct run *run)
{
	struct spt_sense s;

	if (!run->task.sense_bytes ||
		spt_sense_decode(run->task.sense, run->task.sense_bytes, &s) < 0)
		return 0;
	return (unsigned)s.key << 16 | s.asc;
}

struct tmf_wait {
	struct spt_tmf tmf; /* first */
	int done;
};

static void tmf_done(struct spt_tmf *tmf)
{
	((struct tmf_wait *)tmf)->done = 1;
}

int rig_tmf(struct rig *rig, uint8_t function, const struct run *run, uint64_t limit_us)
{
	struct tmf_wait *w = calloc(1, sizeof(*w));

	w->tmf.session = rig->session;
	w->tmf.function = function;
	if (run) {
		w->tmf.reference = run->task.aux.task;
		w->tmf.lun = run->task.aux.lun;
	}
	w->tmf.done = tmf_done;
	if (spt_tmf(rig->context, &w->tmf) < 0)
		abort();
	/* Not freed when it does not end: the library still has it. */
	if (!fake_host_until(&rig->fake, &w->done, limit_us))
		return -1;
	int response = w->tmf.response;
	free(w);
	return response;
}
