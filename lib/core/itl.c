/* SPDX-License-Identifier: MIT */
/*
 * I_T_L nexuses: a nexus at one logical unit, with the unit attention conditions that wait for it
 * (SAM-5 5.14). Conditions are raised from any loop, so the queue is under the device's lock; the
 * I/O path looks at an atomic count only.
 */
#include <string.h>

#include "base/util.h"
#include "core/core.h"
#include "scsi/cdb.h"

#define ASC_POWER_ON	    0x2900 /* POWER ON, RESET, OR BUS DEVICE RESET OCCURRED */
#define ASC_INQUIRY_CHANGED 0x3f03 /* INQUIRY DATA HAS CHANGED: the device's type too, perhaps */

static void find_families(struct spt_itl *itl)
{
	struct spt_properties p;

	spt_device_properties(itl->device, &p);
	itl->families = cdb_families_of(p.device_type);
}

/* What the LUN map gives comes before what the device was given. */
static struct spt_identity identity_of(const struct spt_lun_entry *entry)
{
	struct spt_identity id = entry->device->identity_given;
	const struct spt_identity *here = entry->identity;

	if (!here)
		return id;
	if (here->vendor[0])
		memcpy(id.vendor, here->vendor, sizeof(id.vendor));
	if (here->product[0])
		memcpy(id.product, here->product, sizeof(id.product));
	if (here->revision[0])
		memcpy(id.revision, here->revision, sizeof(id.revision));
	if (here->serial[0])
		memcpy(id.serial, here->serial, sizeof(id.serial));
	if (here->naa_bytes) {
		memcpy(id.naa, here->naa, sizeof(id.naa));
		id.naa_bytes = here->naa_bytes;
	}
	return id;
}

void itl_init(struct spt_itl *itl, struct spt_session *session, const struct spt_lun_entry *entry)
{
	itl->session = session;
	itl->device = entry->device;
	itl->lun = entry->lun;
	itl->read_only = entry->read_only;
	itl->identity = identity_of(entry);
	find_families(itl);
	list_init(&itl->device_link);
	list_init(&itl->leaving_link);
	list_init(&itl->tasks);
	atomic_init(&itl->attention_count, 0);
	atomic_init(&itl->news_count, 0);
	atomic_init(&itl->refuses, 0);
	itl->prevents = false;
}

/* SAM-5 5.14, precedence of unit attention conditions; 0: none of a reset or a loss. */
static unsigned rank(spt_asc_t asc)
{
	switch (asc) {
	case 0x2907: /* I_T NEXUS LOSS OCCURRED */
		return 1;
	case 0x2903: /* BUS DEVICE RESET FUNCTION OCCURRED */
		return 2;
	case 0x2902: /* SCSI BUS RESET OCCURRED */
		return 3;
	default: /* POWER ON, RESET, ...; DEVICE INTERNAL RESET and what else there is of them */
		return asc >> 8 == 0x29 ? 4 : 0;
	}
}

/*
 * What waits is told in order of precedence, else in order of arrival. A reset clears what was pending
 * before it; what is told by one that takes precedence needs no condition of its own. True: it is one more.
 */
static bool establish(struct spt_itl *itl, spt_asc_t asc)
{
	unsigned n = atomic_load_explicit(&itl->attention_count, memory_order_relaxed);
	unsigned r = rank(asc);

	bool full;

	if (r && n && rank(itl->attentions[0]) >= r)
		return false;
	if (r > 1)
		n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (itl->attentions[i] == asc)
			return false;
	}
	/* Full: the newest takes the last place, whatever it is. */
	full = n == CORE_ATTENTIONS;
	n = MIN(n + 1, CORE_ATTENTIONS);
	unsigned at = r ? 0 : n - 1;
	memmove(itl->attentions + at + 1, itl->attentions + at,
		(n - 1 - at) * sizeof(itl->attentions[0]));
	itl->attentions[at] = asc;
	atomic_store_explicit(&itl->attention_count, n, memory_order_release);
	return !full;
}

void itl_attention_locked(struct spt_itl *itl, spt_asc_t asc)
{
	if (establish(itl, asc))
		announce_attention_locked(itl, asc);
}

void itl_join(struct spt_itl *itl, bool known)
{
	struct spt_device *device = itl->device;

	pthread_mutex_lock(&device->lock);
	itl->place = (struct session_place){ itl->session->context, itl->session->cookie };
	list_append(&device->itls, &itl->device_link);
	reservation_update_itl(itl);
	/* The far side of a mirrored nexus keeps its own conditions. Who has just come need not be told of this one. */
	if (!known && !(device->flags & SPT_BACKEND_PER_NEXUS))
		establish(itl, ASC_POWER_ON);
	pthread_mutex_unlock(&device->lock);
}

void itl_set_identity(struct spt_itl *itl, const struct spt_lun_entry *entry)
{
	struct spt_identity id = identity_of(entry);

	/* Texts end with zeros all the way: they are copied as a whole. */
	if (!memcmp(&id, &itl->identity, sizeof(id)))
		return;
	itl->identity = id;
	pthread_mutex_lock(&itl->device->lock);
	itl_attention_locked(itl, ASC_INQUIRY_CHANGED);
	pthread_mutex_unlock(&itl->device->lock);
}

/* Does its nexus reach the device by another LUN? With the device's lock held. */
static bool has_other_way(const struct spt_itl *itl)
{
	const struct spt_itl *other;

	list_foreach (other, &itl->device->itls, device_link) {
		if (other != itl && other->session == itl->session)
			return true;
	}
	return false;
}

void itl_leave(struct spt_itl *itl)
{
	pthread_mutex_lock(&itl->device->lock);
	/* Asked in this order: a thousand sessions end without looking at each other. */
	bool lost = itl->device->reservations.holder == itl->session && !has_other_way(itl);
	reservation_leave(itl);
	pthread_mutex_unlock(&itl->device->lock);
	if (lost)
		reservation_nexus_loss(itl);
}

void itl_attention(struct spt_itl *itl, spt_asc_t asc)
{
	if (itl->device->flags & SPT_BACKEND_PER_NEXUS)
		return;
	pthread_mutex_lock(&itl->device->lock);
	itl_attention_locked(itl, asc);
	pthread_mutex_unlock(&itl->device->lock);
}

/* The @i-th condition goes; with the device's lock held. */
static void remove_attention(struct spt_itl *itl, unsigned i)
{
	unsigned n = atomic_load_explicit(&itl->attention_count, memory_order_relaxed) - 1;

	memmove(itl->attentions + i, itl->attentions + i + 1, (n - i) * sizeof(itl->attentions[0]));
	atomic_store_explicit(&itl->attention_count, n, memory_order_release);
}

void itl_drop_attention(struct spt_itl *itl, spt_asc_t asc)
{
	if (!atomic_load_explicit(&itl->attention_count, memory_order_acquire))
		return;
	pthread_mutex_lock(&itl->device->lock);
	for (unsigned i = atomic_load_explicit(&itl->attention_count, memory_order_relaxed); i > 0; i--) {
		if (itl->attentions[i - 1] == asc)
			remove_attention(itl, i - 1);
	}
	pthread_mutex_unlock(&itl->device->lock);
}

spt_asc_t itl_take_attention(struct spt_itl *itl)
{
	spt_asc_t asc = 0;

	pthread_mutex_lock(&itl->device->lock);
	unsigned n = atomic_load_explicit(&itl->attention_count, memory_order_relaxed);
	if (n > 0) {
		asc = itl->attentions[0];
		remove_attention(itl, 0);
	}
	pthread_mutex_unlock(&itl->device->lock);
	if (asc == ASC_INQUIRY_CHANGED)
		find_families(itl);
	return asc;
}

spt_asc_t itl_peek_attention(struct spt_itl *itl, unsigned *ret_n)
{
	pthread_mutex_lock(&itl->device->lock);
	unsigned n = atomic_load_explicit(&itl->attention_count, memory_order_relaxed);
	spt_asc_t asc = n ? itl->attentions[0] : 0;
	pthread_mutex_unlock(&itl->device->lock);
	*ret_n = n;
	return asc;
}

void device_attention(struct spt_device *device, const struct spt_host *host,
	const struct spt_session *except, spt_asc_t asc)
{
	struct spt_itl *itl;

	if (device->flags & SPT_BACKEND_PER_NEXUS)
		return;
	pthread_mutex_lock(&device->lock);
	list_foreach (itl, &device->itls, device_link) {
		if (itl->session != except && (!host || itl->place.context->host == host))
			itl_attention_locked(itl, asc);
	}
	pthread_mutex_unlock(&device->lock);
}

/* SPC-5 6.39: a condition that the device tells as parameter data is taken from it as well. */
static void sensed(struct spt_task *task, void *arg)
{
	struct spt_sense sense;

	(void)arg;
	if (task->status == SPT_GOOD && task->in.bytes &&
		spt_sense_decode(task->in.data, MIN(task->in.bytes, SPT_SENSE_MAX), &sense) == 0 &&
		sense.key == SPT_KEY_UNIT_ATTENTION && !sense.deferred)
		spt_device_attention(task->itl->device, task, sense.asc);
	spt_task_complete(task);
}

void itl_watch_sense(struct spt_task *task)
{
	const uint8_t request_sense = 0x03;

	if (task->cdb[0] == request_sense)
		spt_task_push(task, sensed, NULL);
}
