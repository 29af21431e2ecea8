/* SPDX-License-Identifier: MIT */
/*
 * The contract with those who execute commands. The library calls these operations from one place
 * (core/backend.c), where both sides of every call are checked.
 *
 * A backend opens a *device* once and a *channel* to it for each loop that uses it, or, with
 * SPT_BACKEND_PER_NEXUS, for each I_T nexus. A channel is used on its loop's thread only; what
 * channels share is the backend's to protect. No operation blocks unless it says so.
 *
 * A task is the backend's from submit() until it calls spt_task_complete(), exactly once. A
 * completion may be called from inside submit().
 */
#ifndef SPT_BACKEND_H
#define SPT_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/device.h>
#include <spt/host.h>
#include <spt/nexus.h>
#include <spt/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of a backend, or of a device by its options: see device_flags(). */
enum spt_backend_flag {
	/* A channel for each nexus, not for each loop; the far side keeps nexus state (reservations,
	 * unit attentions), so the library establishes none of its own. */
	SPT_BACKEND_PER_NEXUS = 1 << 0,
	/* Ordered and head of queue tasks are kept in order by the backend itself. */
	SPT_BACKEND_OWN_ORDER = 1 << 1,
	/* The Control mode page says TST 001b: CLEAR TASK SET concerns the nexus that sent it only. */
	SPT_BACKEND_TASK_SET_PER_NEXUS = 1 << 2,
	/* The far side keeps something for each channel, unit attentions say: a session stays with the one it has. */
	SPT_BACKEND_STAYS = 1 << 3,
};

struct spt_open {
	const char *name;
	uint64_t identity;
	bool present; /* the device must be there: one that can wait for it must not */
	const struct spt_option_value *values; /* parallel to ops->options; gone after open() */
	struct spt_device *device;             /* for spt_device_attention(); no reference */
	/* A device of this backend that goes when this one has come: what that holds for itself both may. NULL: none; a
	 * device that is in use is -EBUSY, and is opened again with each one that goes. */
	void *leaving;
};

struct spt_channel_params {
	struct spt_host *host;
	const struct spt_nexus *nexus; /* per nexus only; lives as long as the channel */
	bool reinstated;
};

/*
 * A function that the device is to do. @result: 0 or -errno, on the channel's loop; -EOPNOTSUPP: the
 * far side does not do it; -ENXIO: there is no such logical unit; -ENOTCONN: nothing was sent.
 */
struct spt_reset {
	void (*done)(struct spt_reset *reset, int result);
	void *arg;
	/* SPT_TMF_LOGICAL_UNIT_RESET; with SPT_BACKEND_PER_NEXUS also what concerns the nexus there:
	 * SPT_TMF_ABORT_TASK_SET, SPT_TMF_CLEAR_ACA, SPT_TMF_CLEAR_TASK_SET. */
	uint8_t function;
};

struct spt_backend_ops {
	const char *name;
	const char *help;
	unsigned flags; /* enum spt_backend_flag, of every device */
	const struct spt_option *options;
	size_t n_options;

	/*
	 * Judges values of these options beyond what their rows say, and touches nothing else. 0 or
	 * -errno; @error begins with the option's name and a colon. open() does the same once more.
	 * NULL: there is nothing to judge.
	 */
	int (*check)(const struct spt_option_value *values, struct spt_error *error);
	/* May block (start-up). 0 or -errno with @error told. */
	int (*open)(const struct spt_open *open, struct spt_error *error, void **ret_device);
	/* After the last channel is closed; may block. */
	void (*close)(void *device);
	void (*properties)(void *device, struct spt_properties *ret);
	/* What holds for this device beside flags; asked once, after open(). NULL: nothing. */
	unsigned (*device_flags)(void *device);
	/*
	 * How it is with the device now, for whoever runs this: one line of up to @size - 1 bytes. Any
	 * thread. NULL: there is nothing to say.
	 */
	void (*describe)(void *device, char *text, size_t size);

	int (*channel_open)(void *device, const struct spt_channel_params *params, void **ret_channel);
	/* No task is there. @closed is called once, perhaps from inside. The completion of the last task
	 * may call this: from inside submit(), cancel(), reset() and fence(). */
	void (*channel_close)(void *channel, void (*closed)(void *arg), void *arg);

	/*
	 * An I_T nexus is there, before its first task at the channel; and is gone, after its last one
	 * has left the device. Once for each LUN that leads to the device. NULL: of no interest.
	 */
	void (*nexus_start)(void *channel, const struct spt_nexus *nexus, bool reinstated);
	void (*nexus_stop)(void *channel, const struct spt_nexus *nexus);

	/*
	 * Judge the command: look, change nothing. Either complete the task (it is refused), or set
	 * task->out_wanted_bytes (0..expected_out_bytes) and return. NULL: all of expected_out_bytes.
	 */
	void (*judge)(void *channel, struct spt_task *task);
	/* Execute; task->out holds out_wanted_bytes of data. */
	void (*submit)(void *channel, struct spt_task *task);
	/* Somebody wants @task gone: complete it early if that can be done. A hint; may be NULL. */
	void (*cancel)(void *channel, struct spt_task *task);
	/* Logical unit reset of the device (or another function: see above); tasks that it kills complete
	 * by themselves. NULL: none. */
	void (*reset)(void *channel, struct spt_reset *reset);
	/*
	 * Last step of the escalation: when it returns, every task of the channel has been completed
	 * and nothing touches task memory any more; the channel refuses tasks from then on (NOT READY).
	 * NULL: tasks always end by themselves in bounded time.
	 */
	void (*fence)(void *channel);
};

/*
 * A channel as the library calls it. Layers may put themselves in between: then these are theirs, and
 * they have kept what was here before. Changed on the channel's loop only.
 */
struct spt_way {
	const struct spt_backend_ops *ops;
	void *channel;
};

/*
 * The layers of a device (<spt/layer.h>) as the library sees them: an object for each device, and a
 * place in each way to it, whether a layer is on or not.
 */
struct spt_layers_ops {
	/* May block. @values: parallel to spt_layer_options(), gone afterwards; NULL: nothing is set. */
	int (*open)(struct spt_device *device, const struct spt_option_value *values,
		struct spt_error *error, void **ret_layers);
	/* No place is left; may block. */
	void (*close)(void *layers);
	/* -ENOMEM. */
	int (*place_new)(void *layers, struct spt_host *host, void **ret_place);
	/* One that was never entered. */
	void (*place_free)(void *place);
	/* The backend's channel is there; @way stays where it is until the place is closed. */
	void (*place_enter)(void *place, struct spt_way *way);
	/* Closes the backend's channel as well: see channel_close(). */
	void (*place_close)(void *place, void (*closed)(void *arg), void *arg);
	/* Does a layer hold a task there that no backend would give back? */
	bool (*holds)(const void *place);
};

/* For backends and layers; on the task's loop. */

void spt_task_complete(struct spt_task *task);
/* Put a completion above the backend's own; spt_task_complete() calls the last one put. -ENOSPC. */
int spt_task_push(struct spt_task *task, void (*fn)(struct spt_task *, void *), void *arg);
/* Takes back what was put last. */
void spt_task_pop(struct spt_task *task);
/* GOOD, and complete. */
void spt_task_good(struct spt_task *task);
/* CHECK CONDITION with this sense (in the task's sense format), and complete. */
void spt_task_check(struct spt_task *task, uint8_t key, spt_asc_t asc);
/* INVALID FIELD IN CDB with the field pointer at @byte (and @bit 0..7, or -1), and complete. */
void spt_task_check_cdb_field(struct spt_task *task, unsigned byte, int bit);
/* INVALID FIELD IN PARAMETER LIST, pointer likewise. */
void spt_task_check_parameter(struct spt_task *task, unsigned byte, int bit);
/* CHECK CONDITION with any sense, and complete. */
void spt_task_check_sense(struct spt_task *task, const struct spt_sense *sense);
/* TASK SET FULL, or BUSY when the nexus has no other task: out of memory or slots; INVALID FIELD IN CDB
 * when the memory that was asked for can never be had; and complete. */
void spt_task_full(struct spt_task *task);
/*
 * A buffer for data-in of up to @bytes (clamped to nothing), stored in task->in with bytes set to
 * @bytes; NULL when over the session's budget: call spt_task_full(). Released by spt_task_end().
 */
uint8_t *spt_task_take_in(struct spt_task *task, uint32_t bytes);
/*
 * Lend memory instead, to which others may write while it is looked at; @release (or NULL) is called when it no longer is.
 */
void spt_task_lend_in(struct spt_task *task, const void *data, uint32_t bytes,
	void (*release)(struct spt_task *task));
/*
 * Parameter data made in place: copies at most min(@allocation, expected_in_bytes) bytes of @data,
 * sets in_would_bytes to min(@bytes, @allocation), and completes GOOD.
 */
void spt_task_reply(struct spt_task *task, const void *data, size_t bytes, uint32_t allocation);

/* What spt_layers_ops.open() made; NULL: nothing. */
void *spt_device_layering(const struct spt_device *device);
/* An identity in place of the device's own, for every LUN that has no other. In open() only. */
void spt_device_set_identity(struct spt_device *device, const struct spt_identity *identity);

const struct spt_nexus *spt_task_nexus(const struct spt_task *task);
/* D_SENSE: descriptor format sense is wanted from this device (Control mode page). */
void spt_device_set_descriptor_sense(struct spt_device *device, bool on);
/* TAS (Control mode page): tasks that another nexus ends get status TASK ABORTED; else there is none. A
 * reset of the logical unit makes it zero when all its tasks have ended. */
void spt_device_set_task_aborted_status(struct spt_device *device, bool on);
/* A unit attention condition for every nexus but @except's (may be NULL), whose nexus is told by its own
 * result, unless it is being aborted. Any thread; on @except's loop if there is one. */
void spt_device_attention(struct spt_device *device, const struct spt_task *except, spt_asc_t asc);
/* The same for nexuses on the loop of @host only: the far side tells the channel of each loop by itself. */
void spt_device_attention_at(struct spt_device *device, const struct spt_host *host,
	const struct spt_task *except, spt_asc_t asc);
/*
 * Something that whoever runs this should know: the device was taken away, an upstream session is
 * lost or back. One line, without its end, once for each thing that happens. Any thread.
 */
void spt_device_event(struct spt_device *device, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
