/* SPDX-License-Identifier: MIT */
/* The disk tests' rig: see rig.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <spt/backend.h>
#include <spt/buffer.h>

#include "base/util.h"
#include "rig.h"

#define OPTIONS_MAX 32

static int done_flag;

static void task_done(struct spt_task *task)
{
	done_flag = 1;
}

static const struct spt_task_ops TASK_OPS = { .done = task_done };

static const char *given(const char *const *options, const char *name)
{
	size_t length = strlen(name);

	for (; *options; options++) {
		if (!strncmp(*options, name, length) && (*options)[length] == '=')
			return *options + length + 1;
	}
	return NULL;
}

static int open_device(struct rig *rig, const struct spt_backend_ops *backend,
	const char *const *options, struct spt_error *error)
{
	struct spt_option_value values[OPTIONS_MAX] = { 0 };

	assert_true(backend->n_options <= OPTIONS_MAX);
	for (size_t i = 0; i < backend->n_options; i++) {
		const char *text = given(options, backend->options[i].name);
		if (!text)
			text = backend->options[i].fallback;
		if (!text)
			continue;
		int r = spt_option_parse(&backend->options[i], text, &values[i], error);
		if (r < 0)
			return r;
	}
	const struct spt_device_params params = {
		.name = "scratch",
		.identity = 0x1234,
		.backend = backend,
		.values = values,
	};
	return spt_device_open(&params, error, &rig->device);
}

static void start_session(struct rig *rig, unsigned i)
{
	const struct spt_session_params params = {
		.nexus = {
			.initiator_name = i ? "iqn.2026-11.org.example:b"
					    : "iqn.2026-11.org.example:a",
			.isid = { 0x80, 0, 0, 0, 0, (uint8_t)i },
			.target_name = "iqn.2026-11.org.example:disk",
			.target_portal_group_tag = 7,
			.relative_port = 3,
			.peer_address = "127.0.0.1",
		},
		.luns = rig->map,
		.budget_bytes = 64u << 20,
	};
	assert_int_equal(spt_session_start(rig->context, &params, &rig->session[i]), 0);
}

/* Takes the unit attentions of the beginning. */
static void settle(struct rig *rig, uint8_t nexus)
{
	struct rig_command tur = { CDB(0, 0, 0, 0, 0, 0), .nexus = nexus };

	for (int i = 0; i < 8; i++) {
		if (rig_send(rig, &tur)->status == SPT_GOOD)
			return;
	}
	fail_msg("TEST UNIT READY never became good");
}

int rig_open(struct rig *rig, const struct spt_backend_ops *backend, const char *const *options,
	struct spt_error *error)
{
	memset(rig, 0, sizeof(*rig));
	int r = open_device(rig, backend, options, error);
	if (r < 0)
		return r;
	fake_host_init(&rig->fake);
	rig->fake.real_time = true;
	rig->fake.host.pool = spt_pool_new(8u << 20);
	assert_non_null(rig->fake.host.pool);
	assert_int_equal(spt_context_new(&rig->fake.host, &rig->context), 0);
	const struct spt_lun_entry entry = { .lun = 0, .device = rig->device };
	assert_int_equal(spt_lun_map_new(&entry, 1, &rig->map), 0);
	for (unsigned i = 0; i < RIG_NEXUSES; i++) {
		start_session(rig, i);
		settle(rig, (uint8_t)i);
	}
	return 0;
}

static void raise_flag(void *arg)
{
	*(int *)arg = 1;
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < RIG_NEXUSES; i++) {
		int stopped = 0;
		assert_int_equal(spt_session_stop(rig->context, rig->session[i], raise_flag,
			&stopped), 0);
		assert_true(stopped || fake_host_until(&rig->fake, &stopped, 5000000));
	}
	int freed = 0;
	spt_context_free(rig->context, raise_flag, &freed);
	assert_true(freed || fake_host_until(&rig->fake, &freed, 5000000));
	spt_lun_map_unref(rig->map);
	spt_device_unref(rig->device);
	assert_int_equal(spt_pool_used(rig->fake.host.pool), 0);
	spt_pool_free(rig->fake.host.pool);
	fake_host_deinit(&rig->fake);
}

static void keep_result(const struct spt_task *task, struct rig_result *ret)
{
	ret->status = task->status;
	ret->in_would = task->in_would_bytes;
	ret->out_would = task->out_would_bytes;
	ret->in_bytes = task->in.bytes;
	assert_true(task->in.bytes <= sizeof(ret->in));
	if (task->in.bytes)
		memcpy(ret->in, task->in.data, task->in.bytes);
	memset(&ret->sense, 0, sizeof(ret->sense));
	ret->sense_code = 0;
	if (task->sense_bytes) {
		ret->sense_code = task->sense[0] & 0x7f;
		assert_int_equal(spt_sense_decode(task->sense, task->sense_bytes, &ret->sense), 0);
	}
}

const struct rig_result *rig_send(struct rig *rig, const struct rig_command *c)
{
	static struct rig_result result;
	struct spt_task *task = calloc(1, sizeof(*task));

	assert_non_null(task);
	task->ops = &TASK_OPS;
	task->aux.size = sizeof(task->aux);
	memcpy(task->aux.signature, SPT_AUXILIARY_SIGNATURE, sizeof(task->aux.signature));
	task->aux.session = rig->session[c->nexus];
	task->aux.task.tag = ++rig->tag;
	memcpy(task->cdb, c->cdb, c->cdb_bytes);
	task->cdb_bytes = (uint16_t)MAX(c->cdb_bytes, (size_t)16); /* RFC 7143 11.3.5: filled */
	task->attribute = SPT_SIMPLE;
	task->expected_out_bytes = c->out_bytes;
	task->expected_in_bytes = c->in_bytes;
	done_flag = 0;
	assert_int_equal(spt_task_enter(rig->context, task), 0);
	spt_task_start(task);
	if (!done_flag && task->state == SPT_TASK_COLLECT) {
		memcpy(task->out.data, c->out, task->out_wanted_bytes);
		task->aux.is_final = true;
		assert_int_equal(spt_task_data(task, task->out_wanted_bytes), 0);
	}
	assert_true(done_flag || fake_host_until(&rig->fake, &done_flag, 10000000));
	keep_result(task, &result);
	spt_task_end(task);
	free(task);
	return &result;
}

const struct rig_result *rig_in(struct rig *rig, const uint8_t *cdb, size_t cdb_bytes,
	uint32_t bytes)
{
	const struct rig_command c = { .cdb = cdb, .cdb_bytes = cdb_bytes, .in_bytes = bytes };
	return rig_send(rig, &c);
}

const struct rig_result *rig_out(struct rig *rig, const uint8_t *cdb, size_t cdb_bytes,
	const void *data, uint32_t bytes)
{
	const struct rig_command c = {
		.cdb = cdb, .cdb_bytes = cdb_bytes, .out = data, .out_bytes = bytes
	};
	return rig_send(rig, &c);
}

static void reset_done(struct spt_tmf *tmf)
{
	*(int *)tmf->arg = 1;
}

void rig_reset(struct rig *rig)
{
	int done = 0;
	struct spt_tmf tmf = { .session = rig->session[0], .function = SPT_TMF_LOGICAL_UNIT_RESET,
		.done = reset_done, .arg = &done };

	assert_int_equal(spt_tmf(rig->context, &tmf), 0);
	assert_true(done || fake_host_until(&rig->fake, &done, 5000000));
	assert_int_equal(tmf.response, SPT_TMF_COMPLETE);
	const struct rig_result *r = rig_in(rig, CDB(0, 0, 0, 0, 0, 0), 0);
	assert_check(r, SPT_KEY_UNIT_ATTENTION, 0x2903);
	assert_int_equal(r->sense_code, 0x70);
}
