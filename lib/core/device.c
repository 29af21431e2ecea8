/* SPDX-License-Identifier: MIT */
/*
 * Devices: a backend opened under a name, counted by LUN maps and channels. The last reference
 * closes the backend's device.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"

/* May block. */
static void device_close(struct spt_device *device)
{
	assert(list_empty(&device->itls));
	if (device->state)
		device->ops->close(device->state);
	if (device->layers)
		device->layers_ops->close(device->layers);
	reservation_deinit(device);
	pthread_mutex_destroy(&device->lock);
	free(device->ports);
	free(device->name);
}

static void device_free(struct spt_device *device)
{
	device_close(device);
	free(device);
}

/* What is in use may be so by a device that goes. */
static int open_state(const struct spt_device_params *params, struct spt_open *open,
	struct spt_error *error, void **ret)
{
	int r = params->backend->open(open, error, ret);

	for (size_t i = 0; r == -EBUSY && i < params->n_leaving; i++) {
		const struct spt_device *d = params->leaving[i];
		if (d->ops != params->backend)
			continue;
		open->leaving = d->state;
		r = params->backend->open(open, error, ret);
	}
	return r;
}

int spt_device_open(const struct spt_device_params *params, struct spt_error *error,
	struct spt_device **ret)
{
	const struct spt_backend_ops *ops = params->backend;
	struct spt_device *device = calloc(1, sizeof(*device));

	if (!device)
		return spt_error_set(error, -ENOMEM, "out of memory");
	atomic_init(&device->refs, 1);
	pthread_mutex_init(&device->lock, NULL);
	list_init(&device->itls);
	atomic_init(&device->preventing, 0);
	list_init(&device->reservations.registrants);
	pthread_mutex_init(&device->reservations.file_lock, NULL);
	device->ops = ops;
	device->identity = params->identity;
	device->layers_ops = params->layers;
	device->escalation = params->escalation;
	device->exclusive = params->exclusive;
	device->event = params->event;
	device->event_arg = params->event_arg;
	device->name = strdup(params->name);
	if (!device->name) {
		device_free(device);
		return spt_error_set(error, -ENOMEM, "out of memory");
	}
	struct spt_open open = {
		.name = device->name,
		.identity = params->identity,
		.present = params->present,
		.values = params->values,
		.device = device,
	};
	void *state = NULL;
	int r = device->layers_ops ? device->layers_ops->open(device, params->layer_values, error, &device->layers)
			       : 0;
	if (r == 0)
		r = open_state(params, &open, error, &state);
	if (r < 0) {
		device_free(device);
		return r;
	}
	assert(state);
	device->state = state;
	device->flags = ops->flags | (ops->device_flags ? ops->device_flags(state) : 0);
	r = reservation_init(device, params->state_dir, !params->raw_reservations, error);
	if (r < 0) {
		device_free(device);
		return r;
	}
	*ret = device;
	return 0;
}

struct spt_device *spt_device_ref(struct spt_device *device)
{
	atomic_fetch_add_explicit(&device->refs, 1, memory_order_relaxed);
	return device;
}

static bool last_ref(struct spt_device *device)
{
	return atomic_fetch_sub_explicit(&device->refs, 1, memory_order_acq_rel) == 1;
}

void spt_device_unref(struct spt_device *device)
{
	if (device && last_ref(device))
		device_free(device);
}

static void close_work(struct spt_work *work)
{
	device_close(container_of(work, struct spt_device, closing));
}

static void close_done(struct spt_work *work)
{
	struct spt_context *context = work->arg;

	free(container_of(work, struct spt_device, closing));
	context_release(context);
}

void spt_device_let_go(struct spt_context *context, struct spt_device *device)
{
	if (!device || !last_ref(device))
		return;
	context_hold(context);
	device->closing = (struct spt_work){ .work = close_work, .done = close_done, .arg = context };
	spt_host_offload(context->host, &device->closing);
}

const char *spt_device_name(const struct spt_device *device)
{
	return device->name;
}

const char *spt_device_backend(const struct spt_device *device)
{
	return device->ops->name;
}

void spt_device_properties(const struct spt_device *device, struct spt_properties *ret)
{
	struct spt_properties p = { 0 };

	device->ops->properties(device->state, &p);
	*ret = p;
}

void *spt_device_layering(const struct spt_device *device)
{
	return device->layers;
}

void spt_device_describe(const struct spt_device *device, char *text, size_t size)
{
	assert(size > 0);
	text[0] = '\0';
	if (device->ops->describe)
		device->ops->describe(device->state, text, size);
}

bool spt_device_in_use(struct spt_device *device)
{
	pthread_mutex_lock(&device->lock);
	bool used = !list_empty(&device->itls);
	pthread_mutex_unlock(&device->lock);
	return used;
}

bool spt_device_fenced(const struct spt_device *device)
{
	return atomic_load_explicit(&device->fenced, memory_order_relaxed);
}

void spt_device_set_descriptor_sense(struct spt_device *device, bool on)
{
	atomic_store_explicit(&device->descriptor_sense, on, memory_order_relaxed);
}

void spt_device_set_identity(struct spt_device *device, const struct spt_identity *identity)
{
	assert(!device->state);
	device->identity_given = *identity;
}

void spt_device_set_task_aborted_status(struct spt_device *device, bool on)
{
	atomic_store_explicit(&device->tas, on, memory_order_relaxed);
}

/* The nexus that hears of it by the result of @task: not if that is aborted. */
static const struct spt_session *told_by(const struct spt_task *task)
{
	return task && !task->aborting ? task->session : NULL;
}

void spt_device_attention(struct spt_device *device, const struct spt_task *except, spt_asc_t asc)
{
	device_attention(device, NULL, told_by(except), asc);
}

void spt_device_attention_at(struct spt_device *device, const struct spt_host *host,
	const struct spt_task *except, spt_asc_t asc)
{
	device_attention(device, host, told_by(except), asc);
}

void spt_device_event(struct spt_device *device, const char *format, ...)
{
	char text[320];
	va_list args;

	if (!device->event)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	device->event(device->event_arg, device->name, text);
}
