/* SPDX-License-Identifier: MIT */
/*
 * A device that the configuration names, and its attachments. The device stays for as long as it is
 * exported; an *attachment* is one appearance of it on this machine, from its being found until it
 * is taken away: an address, a node, the limits of the adapter. Nothing in an attachment changes but
 * that it is gone one day. Channels (sg_channel.h) hold the one they were opened on,
 * and when that is gone they look for the next: see sg_return.h.
 *
 * While there is none, the logical unit is there and NOT READY (sg_absent.c).
 */
#ifndef PASSTHROUGH_SG_DEVICE_H
#define PASSTHROUGH_SG_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include <spt/backend.h>

#include "passthrough/bsg_job.h"
#include "passthrough/judge.h"
#include "passthrough/learn.h"
#include "passthrough/lu_name.h"
#include "passthrough/sg_gate.h"
#include "passthrough/sg_options.h"
#include "passthrough/sg_probe.h"
#include "passthrough/sg_sysfs.h"

struct sg_attachment {
	atomic_uint refs;
	atomic_bool gone; /* taken away */
	struct sg_address address;
	struct pass_limits limits;
	struct sg_gate *gate;
	unsigned depth;           /* commands at the device */
	uint32_t timeout_ms[256]; /* by operation code */
	unsigned told;            /* how many of them the device recommends */
	uint32_t block_bytes, device_type; /* as they were found */
	char node[64];            /* "/dev/sg3" */
	int bsg;                  /* backend bsg: /dev/bsg/H:C:T:L; else -1 */
	struct bsg_pool *pool;    /* likewise; else NULL */
	struct sg_control control; /* no command after the first questions: resets go there */
};

struct sg_device {
	struct spt_device *handle;
	bool bsg;     /* commands go by /dev/bsg/H:C:T:L */
	char *path;   /* as configured */
	struct sg_settings settings;
	struct learned learned;

	pthread_mutex_t lock;
	/* Under lock: */
	struct sg_attachment *attachment; /* NULL: it is away */
	bool searching;
	uint64_t not_before_ms;           /* somebody looks again */
	bool known;                       /* it has been here: the next two are its own */
	struct lu_name name;
	struct sg_pages pages;
	bool iscsi;                       /* it was behind an iSCSI session of this machine's */
	struct pass_limits limits;        /* of the last attachment */
	unsigned depth;
	char said[320];                   /* why it is not taken, as it was told last */
};

/* Opens the device if it is there. 0; -errno: it is there and cannot be used. */
int sg_device_new(const struct spt_open *open, bool bsg, struct spt_error *error,
	struct sg_device **ret);
void sg_device_free(struct sg_device *device);
void sg_device_properties(struct sg_device *device, struct spt_properties *ret);
/* How it is now, for whoever looks after it. */
void sg_device_describe(struct sg_device *device, char *text, size_t size);

/* The present attachment with a reference, or NULL. */
struct sg_attachment *sg_device_attachment(struct sg_device *device);
bool sg_device_present(struct sg_device *device);
void sg_attachment_unref(struct sg_attachment *attachment);
/* The device gives up its own reference: what idles in it ends. NULL is allowed. */
void sg_attachment_retire(struct sg_attachment *attachment);
static inline struct sg_attachment *sg_attachment_ref(struct sg_attachment *attachment)
{
	atomic_fetch_add_explicit(&attachment->refs, 1, memory_order_relaxed);
	return attachment;
}

static inline bool sg_attachment_gone(const struct sg_attachment *attachment)
{
	return !attachment || atomic_load_explicit(&attachment->gone, memory_order_relaxed);
}
/* The kernel says that it is no longer there; told once. */
void sg_device_gone(struct sg_device *device, struct sg_attachment *attachment);
/*
 * Looks for the device where it is not attached, and attaches it: blocking, off the loops. What
 * follows from its return (unit attentions, the log) is done here, once. NULL: it is not there.
 */
struct sg_attachment *sg_device_search(struct sg_device *device);

/* sg_attach.c: the device at @address, asked who it is and judged; @d->name is compared when it is
 * known. Blocking. -EBUSY, -ENODEV (no longer there), -ESTALE (another device), -EIO. */
struct sg_found {
	struct sg_attachment *attachment;
	struct learned learned;
	struct lu_name name;
	struct sg_pages pages;
};
int sg_attach(struct sg_device *device, const struct sg_address *address, struct sg_found *ret,
	struct spt_error *error);

/* How many commands at the device the configuration wants. */
unsigned sg_wanted_depth(const struct sg_device *device);
/* A new descriptor of @attachment's sg node. -ENODEV: it is no longer there. */
int sg_node_open(const struct sg_attachment *attachment, struct spt_error *error);
/* Did the kernel hang up the sg descriptor @fd, because its device was taken away? A loop tells of
 * that as of readability. */
bool sg_hung_up(int fd);

/* sg_absent.c: the device is away, or on its way (@returning). The task is completed. */
bool sg_absent_submits(const struct spt_task *task); /* only then, so that it is rewritten as ever */
void sg_absent_answer(struct sg_device *device, struct spt_task *task, bool returning);

/* sg_result.c */
struct sg_result {
	unsigned status, host_status, driver_status; /* as the kernel gives them */
	unsigned sense_bytes;                        /* in the task's buffer */
	int in_left, out_left;                       /* residuals */
};
/* Completes @task, which was at the device. */
void sg_result(struct sg_device *device, const struct sg_attachment *attachment,
	struct spt_task *task, const struct sg_result *result);
/* Completes @task, which the kernel did not take, because of @err. */
void sg_result_refused(struct sg_device *device, struct sg_attachment *attachment,
	struct spt_task *task, int err);
/* Completes @task, whose result nobody waits for any longer: NOT READY. */
void sg_result_lost(struct spt_task *task);

#endif
