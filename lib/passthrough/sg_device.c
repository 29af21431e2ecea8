/* SPDX-License-Identifier: MIT */
/* A device that comes and goes: see sg_device.h. */
#include "passthrough/sg_device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "passthrough/sg_locate.h"

/* Something is there that is not to be used: it is not asked who it is every second. */
#define PAUSE_MS 5000u

#define POWER_ON              0x2900 /* POWER ON, RESET, OR BUS DEVICE RESET OCCURRED */
#define INQUIRY_DATA_CHANGED  0x3f03
#define CAPACITY_DATA_CHANGED 0x2a09

static void take_learned(struct learned *to, struct learned *from)
{
	atomic_store(&to->device_type, atomic_load(&from->device_type));
	atomic_store(&to->block_bytes, atomic_load(&from->block_bytes));
	atomic_store(&to->blocks, atomic_load(&from->blocks));
}

/* With the lock held, or before anybody else knows the device. */
static void publish(struct sg_device *d, const struct sg_found *found)
{
	d->attachment = found->attachment;
	d->limits = found->attachment->limits;
	d->depth = found->attachment->depth;
	d->name = found->name;
	d->pages = found->pages;
	d->iscsi = sg_behind_iscsi(&found->attachment->address);
	d->known = true;
	d->said[0] = '\0';
}

/*
 * Where the path leads, and then wherever else it may be now, if it is known who it is: sg3 of
 * yesterday is sg5 today. The error is that of the path.
 */
static int find(struct sg_device *d, struct sg_found *ret, struct spt_error *error)
{
	struct sg_address address, other;

	int r = sg_locate("", d->path, &address, error);
	bool located = r == 0;
	if (located && d->known && d->iscsi != sg_behind_iscsi(&address))
		r = spt_error_set(error, -ENODEV, "%s leads to an iSCSI unit, perhaps our own",
			d->path);
	else if (located)
		r = sg_attach(d, &address, ret, error);
	if (r == 0 || !d->known ||
		sg_locate_name("", &d->name, d->iscsi, located ? &address : NULL, &other, NULL) < 0)
		return r;
	return sg_attach(d, &other, ret, error);
}

/* Errors of a device that is not there (yet), as opposed to one that must not or cannot be used. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -ENXIO;
}

static int open_device(struct sg_device *d, bool must_be_there, struct spt_error *error)
{
	struct sg_found found;

	int r = find(d, &found, error);
	if (r == 0) {
		take_learned(&d->learned, &found.learned);
		publish(d, &found);
		return 0;
	}
	if (!is_absent(r) || must_be_there || !d->settings.wait)
		return r;
	/* What it can do is not known; what is asked of it meanwhile is not refused for its size. */
	d->limits = (struct pass_limits){ .max_cdb_bytes = 16, .max_transfer_bytes = 1 << 20 };
	d->depth = 1;
	snprintf(d->said, sizeof(d->said), "%s", error->text);
	spt_device_event(d->handle, "%.200s; it is NOT READY until the device appears",
		error->text);
	return 0;
}

int sg_device_new(const struct spt_open *open, bool bsg, struct spt_error *error,
	struct sg_device **ret)
{
	struct sg_device *d = calloc(1, sizeof(*d));
	const char *path;

	if (!d)
		return spt_error_set(error, -ENOMEM, "out of memory");
	d->handle = open->device;
	d->bsg = bsg;
	learned_init(&d->learned);
	pthread_mutex_init(&d->lock, NULL);
	int r = identity_options_apply(open->device, &open->values[SG_OPTION_IDENTITY], error);
	if (!r)
		r = sg_settings_read(open->values, &d->settings, &path, error);
	if (!r) {
		d->path = strdup(path);
		r = d->path ? open_device(d, open->present, error) :
			      spt_error_set(error, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		sg_device_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void sg_device_free(struct sg_device *d)
{
	sg_attachment_retire(d->attachment);
	pthread_mutex_destroy(&d->lock);
	free(d->path);
	free(d);
}

void sg_device_properties(struct sg_device *d, struct spt_properties *ret)
{
	pthread_mutex_lock(&d->lock);
	*ret = (struct spt_properties){
		.max_transfer_bytes = d->limits.max_transfer_bytes,
		.max_cdb_bytes = d->limits.max_cdb_bytes,
		.bidirectional = d->limits.bidirectional,
		.third_party_copy = d->limits.third_party_copy,
		.device_type = (uint8_t)atomic_load(&d->learned.device_type),
		.queue_depth = d->depth,
		.block_bytes = atomic_load(&d->learned.block_bytes),
		.blocks = atomic_load(&d->learned.blocks),
	};
	pthread_mutex_unlock(&d->lock);
}

void sg_device_describe(struct sg_device *d, char *text, size_t size)
{
	pthread_mutex_lock(&d->lock);
	const struct sg_attachment *a = d->attachment;
	if (a)
		snprintf(text, size,
			"%s at %u:%u:%u:%" PRIu64 ", %u commands at a time, tells the times of %u commands",
			a->node, a->address.host, a->address.channel, a->address.id, a->address.lun,
			a->depth, a->told);
	else
		snprintf(text, size, "away%s%.200s", d->said[0] ? ": " : "", d->said);
	pthread_mutex_unlock(&d->lock);
}

struct sg_attachment *sg_device_attachment(struct sg_device *d)
{
	pthread_mutex_lock(&d->lock);
	struct sg_attachment *a = d->attachment;
	if (a)
		sg_attachment_ref(a);
	pthread_mutex_unlock(&d->lock);
	return a;
}

bool sg_device_present(struct sg_device *d)
{
	pthread_mutex_lock(&d->lock);
	bool present = d->attachment != NULL;
	pthread_mutex_unlock(&d->lock);
	return present;
}

void sg_device_gone(struct sg_device *d, struct sg_attachment *a)
{
	if (atomic_exchange_explicit(&a->gone, true, memory_order_relaxed))
		return;
	pthread_mutex_lock(&d->lock);
	struct sg_attachment *mine = d->attachment == a ? TAKE(d->attachment) : NULL;
	pthread_mutex_unlock(&d->lock);
	sg_attachment_retire(mine);
	spt_device_event(d->handle,
		"%s (%s) was taken away; it is NOT READY until the same device is back", d->path,
		a->node);
}

static bool same_page(const struct sg_page *a, const struct sg_page *b)
{
	return a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes);
}

/* What is no longer as it was, for the initiators that knew it. */
struct change {
	bool first, inquiry, capacity;
};

static struct change compare(struct sg_device *d, struct sg_found *found)
{
	return (struct change){
		.first = !d->known,
		.inquiry = !same_page(&d->pages.standard, &found->pages.standard) ||
			!same_page(&d->pages.identification, &found->pages.identification),
		.capacity = atomic_load(&d->learned.blocks) != atomic_load(&found->learned.blocks) ||
			atomic_load(&d->learned.block_bytes) !=
				atomic_load(&found->learned.block_bytes),
	};
}

/* It may have lost power, so every nexus is told of that first (SAM-5 5.14, 6.3.1). */
static void tell(struct sg_device *d, const struct change *change, const char *node)
{
	spt_device_attention(d->handle, NULL, POWER_ON);
	if (change->inquiry)
		spt_device_attention(d->handle, NULL, INQUIRY_DATA_CHANGED);
	if (change->capacity && !change->first)
		spt_device_attention(d->handle, NULL, CAPACITY_DATA_CHANGED);
	spt_device_event(d->handle, change->first ? "%s is there now, as %s" : "%s is back, as %s",
		d->path, node);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool begin_search(struct sg_device *d, struct sg_attachment **ret_there)
{
	bool mine = false;

	pthread_mutex_lock(&d->lock);
	*ret_there = d->attachment;
	if (*ret_there)
		sg_attachment_ref(*ret_there);
	else if (!d->searching && now_ms() >= d->not_before_ms)
		mine = d->searching = true;
	pthread_mutex_unlock(&d->lock);
	return mine;
}

/* Only who searches writes what is compared here, so it is read without the lock. */
static void not_found(struct sg_device *d, int r, const struct spt_error *error)
{
	if (!is_absent(r) && strcmp(d->said, error->text)) {
		snprintf(d->said, sizeof(d->said), "%s", error->text);
		spt_device_event(d->handle, "%s", error->text);
	}
	pthread_mutex_lock(&d->lock);
	d->searching = false;
	if (!is_absent(r))
		d->not_before_ms = now_ms() + PAUSE_MS;
	pthread_mutex_unlock(&d->lock);
}

struct sg_attachment *sg_device_search(struct sg_device *d)
{
	struct sg_attachment *there;
	struct spt_error error = { "" };
	struct sg_found found;

	if (!begin_search(d, &there))
		return there; /* or NULL: another loop is at it */
	int r = find(d, &found, &error);
	if (r < 0) {
		not_found(d, r, &error);
		return NULL;
	}
	there = found.attachment;
	struct change change = compare(d, &found);
	take_learned(&d->learned, &found.learned);
	sg_attachment_ref(there);
	pthread_mutex_lock(&d->lock);
	publish(d, &found);
	d->searching = false;
	pthread_mutex_unlock(&d->lock);
	/* Before any loop has descriptors again: no command may slip in front of it. */
	tell(d, &change, there->node);
	return there;
}
