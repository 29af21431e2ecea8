/* SPDX-License-Identifier: MIT */
/*
 * I_T_L nexuses: a nexus at one logical unit, with the unit attention conditions that wait for it
 * (SAM-5 5.14). Conditions are raised from any loop, so the queue is under the device's lock; the
 * I/O path looks at an atomic count only.
 */
#include <string.h>

#include "core/core.h"
#include "scsi/cdb.h"

#define ASC_POWER_ON 0x2900 /* POWER ON, RESET, OR BUS DEVICE RESET OCCURRED */

void itl_init(struct spt_itl *itl, struct spt_session *session, const struct spt_lun_entry *entry)
{
	itl->session = session;
	itl->device = entry->device;
	itl->lun = entry->lun;
	itl->read_only = entry->read_only;
	struct spt_properties p;
	spt_device_properties(itl->device, &p);
	itl->families = cdb_families_of(p.device_type);
	list_init(&itl->device_link);
	list_init(&itl->leaving_link);
	list_init(&itl->tasks);
	atomic_init(&itl->attention_count, 0);
	atomic_init(&itl->refuses, 0);
	itl->prevents = false;
}

void itl_attention_locked(struct spt_itl *itl, spt_asc_t asc)
{
	unsigned n = atomic_load_explicit(&itl->attention_count, memory_order_relaxed);

	/* SAM-5 5.14: a reset condition clears what was pending before it. */
	if (asc >> 8 == 0x29)
		n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (itl->attentions[i] == asc)
			return;
	}
	if (n == CORE_ATTENTIONS)
		itl->attentions[n - 1] = asc;
	else
		itl->attentions[n++] = asc;
	atomic_store_explicit(&itl->attention_count, n, memory_order_release);
}

void itl_join(struct spt_itl *itl, bool known)
{
	struct spt_device *device = itl->device;

	pthread_mutex_lock(&device->lock);
	list_append(&device->itls, &itl->device_link);
	reservation_update_itl(itl);
	/* The far side of a mirrored nexus keeps its own conditions. */
	if (!known && !(device->flags & SPT_BACKEND_PER_NEXUS))
		itl_attention_locked(itl, ASC_POWER_ON);
	pthread_mutex_unlock(&device->lock);
}

void itl_leave(struct spt_itl *itl)
{
	reservation_nexus_loss(itl);
	pthread_mutex_lock(&itl->device->lock);
	list_del(&itl->device_link);
	pthread_mutex_unlock(&itl->device->lock);
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
		if (itl->session != except && (!host || itl->session->context->host == host))
			itl_attention_locked(itl, asc);
	}
	pthread_mutex_unlock(&device->lock);
}
