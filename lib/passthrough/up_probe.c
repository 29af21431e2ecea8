/* SPDX-License-Identifier: MIT */
/* Questions to a new upstream session: see up_probe.h. */
#include "passthrough/up_probe.h"

#include <string.h>

#include <spt/sense.h>

#include "base/be.h"
#include "base/util.h"

#define INQUIRY 0x12
#define EVPD	0x01

static const char *take_inquiry(struct up_probe *p)
{
	const struct spt_task *t = &p->task;

	if (t->status != SPT_GOOD)
		return "it does not answer INQUIRY";
	if (!up_identity_inquiry(&p->identity, t->in.data, t->in.bytes))
		return "there is no such logical unit";
	return NULL;
}

/* A page that it does not have is no offence; BUSY and the like is an answer put off. */
static const char *take_page(struct up_probe *p,
	void (*take)(struct up_identity *, const uint8_t *, size_t))
{
	const struct spt_task *t = &p->task;

	if (t->status == SPT_GOOD)
		take(&p->identity, t->in.data, t->in.bytes);
	else if (t->status != SPT_CHECK_CONDITION)
		return "it does not answer INQUIRY";
	return NULL;
}

static const char *take_serial(struct up_probe *p)
{
	return take_page(p, up_identity_serial);
}

static const char *take_designators(struct up_probe *p)
{
	return take_page(p, up_identity_designators);
}

static const char *take_attention(struct up_probe *p)
{
	const struct spt_task *t = &p->task;
	struct spt_sense sense;

	if (t->status == SPT_CHECK_CONDITION &&
		spt_sense_decode(t->sense, t->sense_bytes, &sense) == 0 &&
		sense.key == SPT_KEY_UNIT_ATTENTION && p->n_attentions < UP_ATTENTIONS) {
		p->attentions[p->n_attentions++] = sense.asc;
		p->step--; /* once more */
	}
	return NULL;
}

static const struct step {
	uint8_t cdb[6];
	uint16_t bytes;
	bool shared_only;
	const char *(*take)(struct up_probe *p);
} STEPS[] = {
	{ { INQUIRY }, 96, false, take_inquiry },
	{ { INQUIRY, EVPD, 0x80 }, 252, false, take_serial },
	{ { INQUIRY, EVPD, 0x83 }, UP_PROBE_BYTES, false, take_designators },
	{ { 0x00 }, 0, true, take_attention }, /* TEST UNIT READY */
};

void up_probe_begin(struct up_probe *p)
{
	p->step = 0;
	p->n_attentions = 0;
	memset(&p->identity, 0, sizeof(p->identity));
}

bool up_probe_next(struct up_probe *p, bool shared)
{
	if (p->step == ARRAY_SIZE(STEPS) || (STEPS[p->step].shared_only && !shared))
		return false;
	const struct step *s = &STEPS[p->step];
	struct spt_task *t = &p->task;

	memset(t, 0, sizeof(*t));
	memcpy(t->cdb, s->cdb, sizeof(s->cdb));
	t->cdb_bytes = 16;
	be16_put(t->cdb + 3, s->bytes);
	t->expected_in_bytes = s->bytes;
	t->in = (struct spt_data){ .data = p->data, .bytes = s->bytes };
	return true;
}

const char *up_probe_answer(struct up_probe *p)
{
	return STEPS[p->step++].take(p);
}
