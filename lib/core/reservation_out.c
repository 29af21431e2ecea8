/* SPDX-License-Identifier: MIT */
/*
 * PERSISTENT RESERVE OUT (SPC-5 5.14, 6.17): what each service action does to the state. Each one
 * judges first and then changes; the unit attentions for others (2A03h to 2A05h) come with the change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"
#include "core/removal.h"
#include "core/reservation_out.h"

enum {
	RESERVATIONS_PREEMPTED = 0x2a03,
	RESERVATIONS_RELEASED = 0x2a04,
	REGISTRATIONS_PREEMPTED = 0x2a05,
	INVALID_RELEASE = 0x2604,
};

void out_conflict(struct out *o)
{
	o->result->status = SPT_RESERVATION_CONFLICT;
}

void out_refuse(struct out *o, spt_asc_t asc, uint16_t byte, int bit)
{
	o->result->status = SPT_CHECK_CONDITION;
	o->result->asc = asc;
	o->result->in_cdb = asc == INVALID_FIELD_IN_CDB;
	o->result->byte = byte;
	o->result->bit = (int8_t)bit;
}

/* For the nexuses of @g, wherever they are. */
static void tell(struct out *o, const struct registrant *g, spt_asc_t asc)
{
	struct spt_itl *itl;

	if (g == o->me)
		return;
	list_foreach (itl, &o->device->itls, device_link) {
		if (reservation_same_nexus(g, &itl->session->nexus))
			itl_attention_locked(itl, asc);
	}
}

static void tell_all(struct out *o, spt_asc_t asc)
{
	const struct registrant *g;

	list_foreach (g, &o->r->registrants, link)
		tell(o, g, asc);
}

/* SPC-5 5.14.11.2.2: who shares a reservation is told when it ends. */
static void release(struct out *o)
{
	bool shared = reservation_kind(o->r->type)->registrants;

	o->r->type = 0;
	o->r->owner = NULL;
	if (shared)
		tell_all(o, RESERVATIONS_RELEASED);
}

static void hold(struct out *o)
{
	o->r->type = o->q->type;
	o->r->owner = reservation_kind(o->q->type)->all ? NULL : o->me;
}

/* SPC-5 5.14.11.3: with the holder, or the last of all registrants, goes the reservation. */
void out_unregister(struct out *o, struct registrant *g)
{
	bool held = reservation_holds(o->r, g);
	bool all = reservation_kind(o->r->type)->all;

	if (held && (!all || o->r->n_registrants == 1))
		release(o);
	if (o->me == g)
		o->me = NULL;
	reservation_remove(o->r, g);
}

void out_changed(struct out *o)
{
	o->r->generation++;
	o->result->changed = true;
}

/* Once, when somebody misses it. */
static void tell_no_place(struct out *o)
{
	if (o->r->no_place)
		spt_device_event(o->device,
			"persistent reservations are not kept over a restart, and %s asks for that: %s: %s",
			o->itl->session->nexus.initiator_name, o->r->directory,
			strerror(-o->r->no_place));
	o->r->no_place = 0;
}

bool out_may_persist(struct out *o)
{
	if (!o->q->aptpl || o->r->path)
		return true;
	tell_no_place(o);
	out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, o->q->action == OUT_REGISTER_AND_MOVE ? 17 : 20, 0);
	return false;
}

static bool kind_ok(struct out *o)
{
	if (!o->q->scope && reservation_kind(o->q->type)->known)
		return true;
	out_refuse(o, INVALID_FIELD_IN_CDB, 2, -1);
	return false;
}

/* SPC-5 5.14.9. */
static void out_reserve(struct out *o)
{
	if (!kind_ok(o))
		return;
	if (!o->r->type) {
		hold(o);
		o->result->changed = true;
	} else if (!reservation_holds(o->r, o->me) || o->r->type != o->q->type) {
		out_conflict(o);
	}
}

/* SPC-5 5.14.11.2: by whom does not hold it: GOOD, and nothing happens. */
static void out_release(struct out *o)
{
	if (!o->r->type || !reservation_holds(o->r, o->me))
		return;
	if (o->q->scope || o->q->type != o->r->type) {
		out_refuse(o, INVALID_RELEASE, 0, -1);
		return;
	}
	release(o);
	o->result->changed = true;
}

/* SPC-5 5.14.11.6. */
static void out_clear(struct out *o)
{
	o->r->type = 0;
	tell_all(o, RESERVATIONS_PREEMPTED);
	o->me = NULL;
	while (!list_empty(&o->r->registrants))
		reservation_remove(o->r, list_first(&o->r->registrants, struct registrant, link));
	out_changed(o);
}

/* The sessions of @g lose their tasks. Out of memory: they keep them, as with PREEMPT. */
static void add_victims(struct out *o, const struct registrant *g)
{
	struct out_result *result = o->result;
	struct spt_itl *itl;

	list_foreach (itl, &o->device->itls, device_link) {
		if (!reservation_same_nexus(g, &itl->session->nexus))
			continue;
		/* SPC-5 5.14.11.5: nor do they keep the medium in any longer. */
		if (g != o->me)
			result->unlocks |= removal_end_locked(itl);
		struct reservation_victim *more = realloc(result->victims,
			(result->n_victims + 1) * sizeof(*more));
		if (!more)
			return;
		result->victims = more;
		more[result->n_victims++] = (struct reservation_victim){
			.context = itl->place.context, .session = itl->place.cookie };
		context_hold(itl->place.context);
	}
}

/* Removes who has @key (or everybody, @key zero) but @spared. */
static void preempt(struct out *o, uint64_t key, const struct registrant *spared)
{
	struct registrant *g, *next;

	list_foreach_safe (g, next, &o->r->registrants, link) {
		if (key && g->key != key)
			continue;
		/* With its own key it preempts itself: it stays registered, its other tasks go. */
		if (o->q->action == OUT_PREEMPT_AND_ABORT && (key || g != spared))
			add_victims(o, g);
		if (g == spared)
			continue;
		tell(o, g, REGISTRATIONS_PREEMPTED);
		if (g == o->me)
			o->me = NULL;
		reservation_remove(o->r, g);
	}
}

static bool key_exists(const struct reservations *r, uint64_t key)
{
	const struct registrant *g;

	list_foreach (g, &r->registrants, link) {
		if (g->key == key)
			return true;
	}
	return false;
}

/* SPC-5 5.14.11.4.3: the reservation changes hands, and perhaps its kind. */
static void preempt_reservation(struct out *o)
{
	uint8_t old = o->r->type;

	if (!kind_ok(o))
		return;
	preempt(o, o->q->action_key, o->me);
	hold(o);
	if (old != o->r->type)
		tell_all(o, RESERVATIONS_RELEASED);
	out_changed(o);
}

/* SPC-5 5.14.11.4.4. */
static void preempt_registrations(struct out *o)
{
	if (!o->q->action_key) {
		out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, 8, -1);
		return;
	}
	if (!key_exists(o->r, o->q->action_key)) {
		out_conflict(o);
		return;
	}
	preempt(o, o->q->action_key, NULL);
	if (!o->r->n_registrants)
		o->r->type = 0;
	out_changed(o);
}

static void out_preempt(struct out *o)
{
	bool all = reservation_kind(o->r->type)->all;
	bool holders = all ? !o->q->action_key
			   : o->r->owner && o->r->owner->key == o->q->action_key;

	if (o->r->type && holders)
		preempt_reservation(o);
	else
		preempt_registrations(o);
}

static const struct {
	void (*run)(struct out *o);
	bool anybody; /* the nexus need not be registered with the key (SPC-5 table 66) */
} ACTIONS[] = {
	[OUT_REGISTER] = { out_register, true },
	[OUT_RESERVE] = { out_reserve, false },
	[OUT_RELEASE] = { out_release, false },
	[OUT_CLEAR] = { out_clear, false },
	[OUT_PREEMPT] = { out_preempt, false },
	[OUT_PREEMPT_AND_ABORT] = { out_preempt, false },
	[OUT_REGISTER_AND_IGNORE] = { out_register, true },
	[OUT_REGISTER_AND_MOVE] = { out_move, false },
};

void reservation_out(struct spt_itl *itl, const struct out_request *request,
	struct out_result *ret)
{
	struct spt_device *device = itl->device;
	struct out o = { .device = device, .r = &device->reservations, .itl = itl, .q = request,
		.result = ret };

	*ret = (struct out_result){ .status = SPT_GOOD };
	pthread_mutex_lock(&device->lock);
	o.me = reservation_find(o.r, &itl->session->nexus);
	/* RESERVE of another loop may have come between. */
	if (o.r->holder || (!ACTIONS[request->action].anybody &&
		(!o.me || o.me->key != request->key)))
		out_conflict(&o);
	else
		ACTIONS[request->action].run(&o);
	if (ret->changed) {
		o.r->change++;
		reservation_update(device);
	}
	pthread_mutex_unlock(&device->lock);
}
