/* SPDX-License-Identifier: MIT */
/* See layered.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "layered.h"

void layered_open(struct rig *rig)
{
	rig_open(rig, &(struct rig_params){
		.layers = spt_layers(),
		.escalation = { .wait_us = LAYERED_WAIT_US, .reset_wait_us = LAYERED_RESET_US,
			.reset = true },
	});
	rig_start(rig, 0, 0);
	rig_start(rig, 1, 1);
}

void layered_set(struct rig *rig, const char *layer, const char *setting)
{
	struct spt_error error = { "" };

	if (spt_layer_set(rig->device, layer, setting, &error) < 0)
		fail_msg("%s %s: %s", layer, setting, error.text);
	rig_settle(rig);
}

struct search {
	const char *layer;
	struct spt_layer_row row;
	bool found;
};

static void look(void *arg, const struct spt_layer_row *row)
{
	struct search *s = arg;

	if (s->found || strcmp(row->layer, s->layer))
		return;
	s->row = *row;
	s->found = true;
}

struct spt_layer_row layered_row(struct rig *rig, const char *layer)
{
	struct search s = { .layer = layer };

	spt_layer_each(rig->device, look, &s);
	assert_true(s.found);
	return s.row;
}

unsigned layered_timers(struct rig *rig, unsigned i)
{
	const struct fake_host *loop = &rig->loops[rig->loop_of[i]];
	unsigned n = 0;

	for (unsigned t = 0; t < FAKE_HOST_SLOTS; t++)
		n += loop->timers[t].timer != NULL;
	return n;
}

void layered_read(struct rig *rig, struct job *job, unsigned i, uint32_t tag, uint32_t lba,
	uint16_t blocks)
{
	job_init(job, rig, i, tag);
	job->task.cdb[0] = 0x28;
	job->task.cdb_bytes = 10;
	be32_put(job->task.cdb + 2, lba);
	be16_put(job->task.cdb + 7, blocks);
}
