/* SPDX-License-Identifier: MIT */
/*
 * PERSISTENT RESERVE OUT from three nexuses of two initiators (SPC-5 6.17): the input is a script of commands, each a
 * header of six bytes and its parameter list. Whatever they say, a command that is refused has changed nothing, the
 * state is one that SPC-5 5.14 knows, and each nexus may send what that state allows it.
 *
 *   byte 0   bits 0 and 1: which nexus; bit 6: it is lost and comes back first
 *   byte 1   CDB byte 1: the service action       byte 2   CDB byte 2: scope and type
 *   byte 3   by how much PARAMETER LIST LENGTH is more than what comes, with a sign
 *   byte 4   two of them: how long the list is
 */
#include "fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"
#include "core/core.h"
#include "core/reservation_out.h"
#include "rig.h"

#define NEXUSES	     3u
#define COMMANDS_MAX 64u

static const struct rig_nexus WHO[RIG_SESSIONS] = { { 'a', 0, 1 }, { 'a', 1, 1 }, { 'b', 0, 2 }, { 'c', 0, 1 } };

/* What a refused command may not have changed. */
struct summary {
	uint64_t hash;
	unsigned n;
};

static void mix(struct summary *s, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < bytes; i++)
		s->hash = (s->hash ^ p[i]) * 0x100000001b3u;
}

static struct summary summarize(const struct reservations *r)
{
	struct summary s = { .hash = 0xcbf29ce484222325u };
	const struct registrant *g;

	mix(&s, &r->type, sizeof(r->type));
	mix(&s, &r->owner, sizeof(r->owner));
	mix(&s, &r->generation, sizeof(r->generation));
	mix(&s, &r->aptpl, sizeof(r->aptpl));
	list_foreach (g, &r->registrants, link) {
		mix(&s, &g->key, sizeof(g->key));
		mix(&s, g->initiator, strlen(g->initiator));
		mix(&s, g->target, strlen(g->target));
		mix(&s, g->isid, sizeof(g->isid));
		mix(&s, &g->tag, sizeof(g->tag));
		mix(&s, &g->relative_port, sizeof(g->relative_port));
		s.n++;
	}
	return s;
}

static bool same_registrant(const struct registrant *a, const struct registrant *b)
{
	return a->tag == b->tag && !memcmp(a->isid, b->isid, sizeof(a->isid)) &&
		!strcmp(a->initiator, b->initiator) && !strcmp(a->target, b->target);
}

/* SPC-5 5.14.7 to 5.14.10. */
static void check_state(const struct reservations *r)
{
	const struct reservation_kind *kind = reservation_kind(r->type);
	const struct registrant *g, *other;
	unsigned n = 0, owners = 0;

	list_foreach (g, &r->registrants, link) {
		CHECK(g->key && *g->initiator && *g->target);
		owners += g == r->owner;
		list_foreach (other, &r->registrants, link)
			CHECK(other == g || !same_registrant(other, g));
		n++;
	}
	CHECK(n == r->n_registrants && n <= RESERVATION_REGISTRANTS);
	CHECK(r->type <= 15 && (!r->type || (kind->known && n)));
	CHECK(owners == (r->type && !kind->all ? 1 : 0) && (owners || !r->owner));
}

/* What each nexus may not send is worked out anew, and has to be what it was. */
static void check_nexuses(struct rig *rig)
{
	unsigned had[RIG_SESSIONS] = { 0 }, n = 0;
	struct spt_itl *itl;

	list_foreach (itl, &rig->device->itls, device_link)
		had[n++] = atomic_load(&itl->refuses);
	CHECK(n == NEXUSES);
	pthread_mutex_lock(&rig->device->lock);
	reservation_update(rig->device);
	pthread_mutex_unlock(&rig->device->lock);
	n = 0;
	list_foreach (itl, &rig->device->itls, device_link)
		CHECK(atomic_load(&itl->refuses) == had[n++]);
}

static void send(struct rig *rig, unsigned nexus, const uint8_t *head, const uint8_t *list, uint32_t bytes)
{
	struct reservations *r = &rig->device->reservations;
	int32_t told = (int32_t)bytes + (int8_t)head[3];
	struct summary before = summarize(r);
	struct job job;

	job_init_write(&job, rig, nexus, 0x7000 + nexus, bytes);
	job.task.cdb[0] = 0x5f;
	job.task.cdb[1] = head[1];
	job.task.cdb[2] = head[2];
	be32_put(job.task.cdb + 5, (uint32_t)MAX(told, 0));
	job.task.cdb_bytes = 10;
	job_run(rig, &job);
	if (!job.done && job.task.out_wanted_bytes) {
		CHECK(job.task.out_wanted_bytes <= bytes);
		memcpy(job.task.out.data, list, job.task.out_wanted_bytes);
		CHECK(!spt_task_data(&job.task, job.task.out_wanted_bytes));
	}
	rig_settle(rig);
	CHECK(job.done == 1);
	CHECK(job.status == SPT_GOOD || job.status == SPT_CHECK_CONDITION || job.status == SPT_RESERVATION_CONFLICT);
	struct summary after = summarize(r);
	if (job.status != SPT_GOOD)
		CHECK(before.hash == after.hash && before.n == after.n);
	/* In the sense data: a byte of the CDB or of the list that came (SPC-5 4.4.2.4.2). */
	if (job.status == SPT_CHECK_CONDITION && job.asc == INVALID_FIELD_IN_PARAMETER_LIST)
		CHECK(job.field < bytes);
	check_state(r);
	check_nexuses(rig);
}

/* READ KEYS and READ FULL STATUS say how long they are. */
static void ask(struct rig *rig, unsigned nexus, uint8_t action)
{
	struct job job;

	job_init(&job, rig, nexus, 0x7100);
	job.task.cdb[0] = 0x5e;
	job.task.cdb[1] = action;
	job.task.cdb[8] = 255;
	job.task.cdb_bytes = 10;
	job_run(rig, &job);
	rig_settle(rig);
	CHECK(job.done == 1);
	if (job.status == SPT_GOOD)
		CHECK(job.in_would >= 8 && MIN(be32_get(job.in + 4) + 8u, 255u) == job.in_would);
}

static void lose(struct rig *rig, unsigned nexus)
{
	int stopped = 0;

	rig_stop(rig, nexus, &stopped);
	rig_settle(rig);
	CHECK(stopped == 1);
	rig_start(rig, nexus, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig.nexuses = WHO;
	rig.fake->inline_good = true;
	for (unsigned i = 0; i < NEXUSES; i++)
		rig_start(&rig, i, 0);
	for (unsigned i = 0; i < COMMANDS_MAX && size >= 6; i++) {
		const uint8_t *head = data;
		uint32_t bytes = MIN((uint32_t)be16_get(head + 4), (uint32_t)size - 6);
		unsigned nexus = (head[0] & 3) % NEXUSES;

		if (head[0] & 0x40)
			lose(&rig, nexus);
		send(&rig, nexus, head, data + 6, bytes);
		ask(&rig, nexus, i % 2 ? 0x00 : 0x03);
		data += 6 + bytes;
		size -= 6 + bytes;
	}
	rig_close(&rig);
	return 0;
}
