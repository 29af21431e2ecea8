/* SPDX-License-Identifier: MIT */
/* Who keeps the medium in: see removal.h. */
#include "core/removal.h"

#include "core/errand.h"
#include "scsi/cdb.h"

enum {
	OP_START_STOP_UNIT = 0x1b, /* and LOAD UNLOAD, OPEN/CLOSE IMPORT/EXPORT ELEMENT */
	OP_PREVENT_ALLOW = 0x1e,
	OP_LOAD_UNLOAD_MEDIUM = 0xa6,
	PREVENT_FIELD = 0x03,
	PREVENT = 0x01,
	ALLOW = 0x00,
	MEDIUM_REMOVAL_PREVENTED = 0x5302,
};

static bool is_ours(const struct spt_device *device)
{
	return !(device->flags & SPT_BACKEND_PER_NEXUS);
}

/* Does it take the medium out (SBC-4 5.31, MMC-6 6.42 and 6.8, SSC-5 7.3, SMC-3 6.6)? */
static bool takes_out(const struct spt_task *task)
{
	unsigned families = task->itl->families;
	uint8_t b = task->cdb[4];

	if (task->cdb[0] == OP_LOAD_UNLOAD_MEDIUM)
		return (families & CDB_MMC) && (b & 0x03) == 0x02; /* LOUNLO without START */
	if (task->cdb[0] != OP_START_STOP_UNIT)
		return false;
	if (families & CDB_SSC)
		return !(b & 0x09); /* neither HOLD nor LOAD */
	if (families & CDB_SMC)
		return !(b & 0x1f); /* open */
	return (b & 0xf3) == 0x02; /* LOEJ without START or a power condition */
}

bool removal_refuses(struct spt_task *task)
{
	const struct spt_device *device = task->itl->device;

	if (!atomic_load_explicit(&device->preventing, memory_order_relaxed) || !takes_out(task))
		return false;
	spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, MEDIUM_REMOVAL_PREVENTED);
	return true;
}

static void begin_locked(struct spt_itl *itl)
{
	if (!itl->prevents)
		atomic_fetch_add_explicit(&itl->device->preventing, 1, memory_order_relaxed);
	itl->prevents = true;
}

bool removal_end_locked(struct spt_itl *itl)
{
	if (!itl->prevents)
		return false;
	itl->prevents = false;
	return atomic_fetch_sub_explicit(&itl->device->preventing, 1, memory_order_relaxed) == 1;
}

static bool send(struct channel *channel, uint8_t field, void (*done)(void *arg), void *arg)
{
	const uint8_t cdb[6] = { OP_PREVENT_ALLOW, 0, 0, 0, field };

	return errand_start(channel, cdb, done, arg) == 0;
}

bool removal_unlock(struct channel *channel, void (*done)(void *arg), void *arg)
{
	return send(channel, ALLOW, done, arg);
}

/* The nexus's claim counts from before the command is sent, so that no ALLOW of another passes it. */
static void prevented(struct spt_task *task, void *arg)
{
	struct spt_itl *itl = task->itl;
	bool had = arg != NULL;
	bool unlock = false;

	if (!had && (task->aborting || task->outcome != SPT_COMPLETED || task->status != SPT_GOOD)) {
		pthread_mutex_lock(&itl->device->lock);
		unlock = removal_end_locked(itl) && task->aborting; /* who knows what became of it */
		pthread_mutex_unlock(&itl->device->lock);
	}
	if (unlock)
		removal_unlock(itl->channel, NULL, NULL);
	spt_task_complete(task);
}

/* It failed: the prevention stands. Or another nexus prevented meanwhile, and the device may have heard that first. */
static void allowed(struct spt_task *task, void *arg)
{
	struct spt_itl *itl = task->itl;
	bool had = arg != NULL;
	bool good = task->outcome == SPT_COMPLETED && task->status == SPT_GOOD && !task->aborting;
	bool again = false;

	pthread_mutex_lock(&itl->device->lock);
	if (!good && had)
		begin_locked(itl);
	else
		again = atomic_load_explicit(&itl->device->preventing, memory_order_relaxed);
	pthread_mutex_unlock(&itl->device->lock);
	if (again)
		send(itl->channel, PREVENT, NULL, NULL);
	spt_task_complete(task);
}

static bool takes_prevent(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	pthread_mutex_lock(&itl->device->lock);
	bool had = itl->prevents;
	begin_locked(itl);
	pthread_mutex_unlock(&itl->device->lock);
	spt_task_push(task, prevented, had ? itl : NULL);
	return false;
}

static bool takes_allow(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	pthread_mutex_lock(&itl->device->lock);
	bool had = itl->prevents;
	removal_end_locked(itl);
	bool others = atomic_load_explicit(&itl->device->preventing, memory_order_relaxed);
	pthread_mutex_unlock(&itl->device->lock);
	if (others)
		spt_task_good(task);
	else
		spt_task_push(task, allowed, had ? itl : NULL);
	return others;
}

bool removal_takes(struct spt_task *task)
{
	if (task->cdb[0] != OP_PREVENT_ALLOW || !is_ours(task->itl->device))
		return false;
	switch (task->cdb[4] & PREVENT_FIELD) {
	case PREVENT:
		return takes_prevent(task);
	case ALLOW:
		return takes_allow(task);
	default:
		return false;
	}
}

bool removal_nexus_loss(struct spt_itl *itl, void (*done)(void *arg), void *arg)
{
	pthread_mutex_lock(&itl->device->lock);
	bool last = removal_end_locked(itl);
	pthread_mutex_unlock(&itl->device->lock);
	return last && itl->channel && removal_unlock(itl->channel, done, arg);
}

bool removal_reset(struct spt_device *device, struct spt_context *context, void (*done)(void *arg),
	void *arg)
{
	struct spt_itl *itl;
	bool any = false;

	pthread_mutex_lock(&device->lock);
	list_foreach (itl, &device->itls, device_link)
		any |= removal_end_locked(itl);
	pthread_mutex_unlock(&device->lock);
	struct channel *channel = any ? channel_find(context, device) : NULL;
	return channel && removal_unlock(channel, done, arg);
}
