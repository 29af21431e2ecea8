/* SPDX-License-Identifier: MIT */
/*
 * Devices: a backend opened under a name. A device is shared by every loop and nexus; the library
 * opens a channel to it for each loop (or for each nexus, where the backend wants that). Reference
 * counted; the functions here may be called from any thread but may block: not on a busy loop.
 */
#ifndef SPT_DEVICE_H
#define SPT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/option.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spt_device;
struct spt_backend_ops;
struct spt_layers_ops;
struct spt_context;

/* The backends built in, NULL-terminated, in the order the manual lists them. */
const struct spt_backend_ops *const *spt_backends(void);
const struct spt_backend_ops *spt_backend_find(const char *name);
const char *spt_backend_name(const struct spt_backend_ops *backend);
const char *spt_backend_help(const struct spt_backend_ops *backend);
const struct spt_option *spt_backend_options(const struct spt_backend_ops *backend, size_t *ret_n);
/*
 * Judges @values of that table, which has parsed and in which nothing that is required is missing,
 * as opening a device would, and opens nothing. 0 or -errno with @error told: it begins with the option's
 * name and a colon where it is about one.
 */
int spt_backend_check(const struct spt_backend_ops *backend, const struct spt_option_value *values,
	struct spt_error *error);

/* Bounded escalation of an abort that the device does not honour; zero: skip the step. */
struct spt_escalation {
	uint64_t wait_us;       /* how long an aborted task may stay at the device */
	uint64_t reset_wait_us; /* how long after a device reset */
	bool reset;             /* reset the device at all, before fencing it */
};

struct spt_device_params {
	const char *name;     /* copied */
	uint64_t identity;    /* mixed into default serial numbers and designators: one a machine */
	const struct spt_backend_ops *backend;
	const struct spt_option_value *values; /* parallel to the backend's options; read during the call only */
	/* The device must be there now; otherwise a backend may wait for it and be NOT READY meanwhile. */
	bool present;
	struct spt_escalation escalation;
	/* What may stand between the library and the backend: spt_layers() of <spt/layer.h>. NULL: nothing, now
	 * and later. Its options are parallel to spt_layer_options(); NULL: all unset, no layer is on. */
	const struct spt_layers_ops *layers;
	const struct spt_option_value *layer_values;
	/* RESERVE, RELEASE and PERSISTENT RESERVE go to the device like any other command, where the library
	 * would keep reservations of nexuses itself (that is, without SPT_BACKEND_PER_NEXUS). */
	bool raw_reservations;
	/* One initiator at a time, the first that has a nexus, whatever LUN and target it came by. Others get
	 * RESERVATION CONFLICT as from a unit that is reserved by RESERVE, until its last nexus ends. */
	bool exclusive;
	/* Where persistent reservations may be kept through power loss (APTPL): in pr/NAME. NULL: nowhere,
	 * and APTPL is refused. Read during the call only; pr is made when it is needed. */
	const char *state_dir;
	/* Told of what happens to the device, for a log: taken away, lost, back, fenced. May be NULL. Any
	 * thread; @text is gone afterwards. */
	void (*event)(void *arg, const char *device, const char *text);
	void *event_arg;
	/* Devices that go when this one has come, as it takes the place of one of them: a file or block device that
	 * one of them holds for itself is not in use. Read during the call only. */
	struct spt_device *const *leaving;
	size_t n_leaving;
};

/* Adapter properties: counterpart of StorageAdapterProperty. */
struct spt_properties {
	uint32_t alignment_mask;     /* of direct buffers */
	uint32_t max_transfer_bytes; /* of one command */
	uint16_t max_cdb_bytes;
	bool bidirectional;
	bool third_party_copy; /* EXTENDED COPY and its relatives are let through */
	uint8_t device_type; /* SPC-5 PERIPHERAL DEVICE TYPE */
	uint32_t queue_depth;
	uint32_t block_bytes; /* 0: not a block device */
	uint64_t blocks;
};

/*
 * -EINVAL: an option is wrong; -EBUSY: the device is in use (mounted, swapped on, held by another
 * program), and the backend's option force is not set or there is none; -errno of the system. @error
 * tells more.
 */
int spt_device_open(const struct spt_device_params *params, struct spt_error *error,
	struct spt_device **ret);
/*
 * The same with the backend, its options and those of layers as text: "BACKEND:key=value,key=value". A backslash takes
 * the meaning from a comma that follows. The device's name is the backend's; it must be there. @escalation: NULL, none.
 */
int spt_device_open_text(const char *text, const struct spt_escalation *escalation,
	struct spt_error *error, struct spt_device **ret);
struct spt_device *spt_device_ref(struct spt_device *device);
void spt_device_unref(struct spt_device *device);
/* The same on a loop's thread: where it is the last reference, what may block is done off the loop. */
void spt_device_let_go(struct spt_context *context, struct spt_device *device);
const char *spt_device_name(const struct spt_device *device);
const char *spt_device_backend(const struct spt_device *device);
void spt_device_properties(const struct spt_device *device, struct spt_properties *ret);
/* A SCSI target port: a portal group of a target (RFC 7143 4.4.1). */
struct spt_target_port {
	const char *target_name;
	uint16_t portal_group_tag;
	uint16_t relative_port; /* RELATIVE TARGET PORT IDENTIFIER, from 1 */
};
/*
 * The ports that lead to the device, in place of those told before; copied. A persistent reservation may be
 * registered through ports that no nexus uses at the moment (ALL_TG_PT, REGISTER AND MOVE: SPC-5 6.17); without this
 * call those are known that nexuses have come by. Any thread. -EINVAL: a name is missing or too long; -ENOMEM.
 */
int spt_device_set_ports(struct spt_device *device, const struct spt_target_port *ports, size_t n);
/* Is some nexus at the device, or has it not quite left? */
bool spt_device_in_use(struct spt_device *device);
bool spt_device_fenced(const struct spt_device *device);
/* How it is with the device now, in a line; empty when there is nothing to say. Any thread. */
void spt_device_describe(const struct spt_device *device, char *text, size_t size);

/*
 * Who a logical unit is said to be in place of what it says itself, consistently in INQUIRY data and vital product
 * data pages 00h, 80h and 83h. Empty members leave what is there.
 */
#define SPT_SERIAL_MAX 64u
struct spt_identity {
	char vendor[8 + 1], product[16 + 1], revision[4 + 1];
	char serial[SPT_SERIAL_MAX + 1];
	uint8_t naa[16], naa_bytes; /* 8 or 16; 0: none */
};
/*
 * Sets the member that is called @name (naa: 16 or 32 hexadecimal digits, SPC-5 7.7.6.6). -EINVAL with @error told: not
 * printable ASCII, too long, no NAA designator, or there is no such member.
 */
int spt_identity_parse(const char *name, const char *text, struct spt_identity *identity,
	struct spt_error *error);

/* Which LUN leads to which device for one target. Immutable once made, reference counted. */
struct spt_lun_map;

struct spt_lun_entry {
	uint16_t lun; /* 0..16383 */
	struct spt_device *device;
	bool read_only; /* refuse what changes the medium */
	const struct spt_identity *identity; /* here, in place of the device's; copied; NULL: none */
};

/* Takes its own references. -EINVAL: LUN out of range or twice. */
int spt_lun_map_new(const struct spt_lun_entry *entries, size_t n, struct spt_lun_map **ret);
struct spt_lun_map *spt_lun_map_ref(struct spt_lun_map *map);
void spt_lun_map_unref(struct spt_lun_map *map);
size_t spt_lun_map_count(const struct spt_lun_map *map);
const struct spt_lun_entry *spt_lun_map_at(const struct spt_lun_map *map, size_t i);

#ifdef __cplusplus
}
#endif

#endif
