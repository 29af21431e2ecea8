/* SPDX-License-Identifier: MIT */
/* The state of reservations, and what it means for each nexus: see reservation.h. */
#include "core/reservation.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"

static const struct reservation_kind KINDS[16] = {
	[WRITE_EXCLUSIVE] = { .known = true },
	[EXCLUSIVE_ACCESS] = { .known = true, .exclusive = true },
	[WRITE_EXCLUSIVE_REGISTRANTS] = { .known = true, .registrants = true },
	[EXCLUSIVE_ACCESS_REGISTRANTS] = { .known = true, .exclusive = true, .registrants = true },
	[WRITE_EXCLUSIVE_ALL] = { .known = true, .registrants = true, .all = true },
	[EXCLUSIVE_ACCESS_ALL] = {
		.known = true, .exclusive = true, .registrants = true, .all = true },
};

const struct reservation_kind *reservation_kind(uint8_t type)
{
	return &KINDS[type & 0xf];
}

int reservation_init(struct spt_device *device, const char *state_dir, bool emulate,
	struct spt_error *error)
{
	struct reservations *r = &device->reservations;

	r->on = emulate && !(device->flags & SPT_BACKEND_PER_NEXUS);
	if (!r->on || !state_dir)
		return 0;
	return reservation_file_init(device, state_dir, error);
}

void reservation_deinit(struct spt_device *device)
{
	struct reservations *r = &device->reservations;

	while (!list_empty(&r->registrants))
		reservation_remove(r, list_first(&r->registrants, struct registrant, link));
	reservation_file_deinit(r);
	pthread_mutex_destroy(&r->file_lock);
	free(r->directory);
	free(r->path);
}

/* SPC-5 5.14.7: initiator port and target port; on iSCSI a name with ISID, and with the group's tag. */
bool reservation_same_nexus(const struct registrant *g, const struct spt_nexus *nexus)
{
	return g->tag == nexus->target_portal_group_tag &&
		!memcmp(g->isid, nexus->isid, sizeof(g->isid)) &&
		!strcmp(g->initiator, nexus->initiator_name) &&
		!strcmp(g->target, nexus->target_name);
}

struct registrant *reservation_find(struct reservations *r, const struct spt_nexus *nexus)
{
	struct registrant *g;

	list_foreach (g, &r->registrants, link) {
		if (reservation_same_nexus(g, nexus))
			return g;
	}
	return NULL;
}

bool reservation_holds(const struct reservations *r, const struct registrant *g)
{
	return r->type && g && (reservation_kind(r->type)->all || r->owner == g);
}

struct registrant *reservation_new(const struct spt_nexus *nexus, uint64_t key)
{
	struct registrant *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->key = key;
	/* Both are known to fit: spt_session_start(), the file's reader, and who reads TransportIDs have looked. */
	strcpy(g->initiator, nexus->initiator_name);
	strcpy(g->target, nexus->target_name);
	memcpy(g->isid, nexus->isid, sizeof(g->isid));
	g->tag = nexus->target_portal_group_tag;
	g->relative_port = nexus->relative_port;
	return g;
}

void reservation_append(struct reservations *r, struct registrant *g)
{
	list_append(&r->registrants, &g->link);
	r->n_registrants++;
}

struct registrant *reservation_add(struct reservations *r, const struct spt_nexus *nexus,
	uint64_t key)
{
	struct registrant *g =
		r->n_registrants < RESERVATION_REGISTRANTS ? reservation_new(nexus, key) : NULL;

	if (g)
		reservation_append(r, g);
	return g;
}

void reservation_remove(struct reservations *r, struct registrant *g)
{
	if (r->owner == g)
		r->owner = NULL;
	list_del(&g->link);
	r->n_registrants--;
	free(g);
}

static bool same_initiator(const struct spt_itl *a, const struct spt_itl *b)
{
	return !strcmp(a->session->nexus.initiator_name, b->session->nexus.initiator_name);
}

/* An exclusive device is its first nexus's, and every other nexus's of that initiator. */
static bool shut_out(const struct spt_itl *itl)
{
	const struct spt_device *device = itl->device;

	return device->exclusive &&
		!same_initiator(list_first(&device->itls, struct spt_itl, device_link), itl);
}

void reservation_update_itl(struct spt_itl *itl)
{
	struct reservations *r = &itl->device->reservations;
	unsigned refuses = 0;

	if (shut_out(itl)) {
		refuses = REFUSE_ALL;
	} else if (!r->on) {
		refuses = 0;
	} else if (r->holder) {
		/* SPC-2 5.5.1: persistent ones are in conflict whoever asks. */
		refuses = r->holder == itl->session ? REFUSE_PERSISTENT : REFUSE_ALL;
	} else if (r->type) {
		const struct reservation_kind *kind = reservation_kind(r->type);
		const struct registrant *g = reservation_find(r, &itl->session->nexus);
		if (!reservation_holds(r, g) && !(g && kind->registrants))
			refuses = REFUSE_OTHERS | (kind->exclusive ? REFUSE_READS : 0);
	}
	atomic_store_explicit(&itl->refuses, refuses, memory_order_relaxed);
}

/* The initiator's other nexuses come before those who wait. */
static void pass_on(struct spt_device *device, const struct spt_itl *from)
{
	struct spt_itl *itl;

	list_foreach (itl, &device->itls, device_link) {
		if (same_initiator(itl, from)) {
			list_del(&itl->device_link);
			list_prepend(&device->itls, &itl->device_link);
			return;
		}
	}
}

void reservation_leave(struct spt_itl *itl)
{
	struct spt_device *device = itl->device;
	bool owned = device->exclusive && !shut_out(itl);

	list_del(&itl->device_link);
	if (!owned)
		return;
	pass_on(device, itl);
	reservation_update(device);
}

void reservation_update(struct spt_device *device)
{
	struct spt_itl *itl;

	list_foreach (itl, &device->itls, device_link)
		reservation_update_itl(itl);
}

/* SPC-5 5.14.3: CRH one: for whom it holds the logical unit already, RESERVE and RELEASE do nothing. */
static bool persists(struct reservations *r, const struct spt_itl *itl)
{
	const struct registrant *g = reservation_find(r, &itl->session->nexus);

	return reservation_holds(r, g) || (g && r->type && reservation_kind(r->type)->registrants);
}

static bool reserve_locked(struct reservations *r, const struct spt_itl *itl)
{
	if (r->n_registrants)
		return persists(r, itl);
	if (r->holder && r->holder != itl->session)
		return false;
	r->holder = itl->session;
	return true;
}

bool reservation_reserve(struct spt_itl *itl)
{
	struct reservations *r = &itl->device->reservations;

	pthread_mutex_lock(&itl->device->lock);
	bool done = reserve_locked(r, itl);
	reservation_update(itl->device);
	pthread_mutex_unlock(&itl->device->lock);
	return done;
}

/* SPC-2 7.16: by whom does not hold it: GOOD, and nothing happens. */
bool reservation_release(struct spt_itl *itl)
{
	struct reservations *r = &itl->device->reservations;

	pthread_mutex_lock(&itl->device->lock);
	bool done = !r->n_registrants || persists(r, itl);
	if (r->holder == itl->session)
		r->holder = NULL;
	reservation_update(itl->device);
	pthread_mutex_unlock(&itl->device->lock);
	return done;
}

void reservation_nexus_loss(struct spt_itl *itl)
{
	struct reservations *r = &itl->device->reservations;

	pthread_mutex_lock(&itl->device->lock);
	if (r->holder == itl->session) {
		r->holder = NULL;
		reservation_update(itl->device);
	}
	pthread_mutex_unlock(&itl->device->lock);
}

void reservation_reset(struct spt_device *device)
{
	pthread_mutex_lock(&device->lock);
	if (device->reservations.holder) {
		device->reservations.holder = NULL;
		reservation_update(device);
	}
	pthread_mutex_unlock(&device->lock);
}
