/* SPDX-License-Identifier: MIT */
/*
 * Reservations of a device that all its nexuses share: those of RESERVE and RELEASE (SPC-2), which
 * end with the nexus, and persistent ones (SPC-5 5.14), which belong to names and outlive it. Kept
 * above the device, for every kind of it; not where the far side keeps them for each nexus.
 *
 * Everything is under the device's lock. What the I/O path needs of it is worked out when it
 * changes and left in each I_T_L nexus: itl->refuses, the classes of commands it may not send.
 */
#ifndef CORE_RESERVATION_H
#define CORE_RESERVATION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/link.h>
#include <spt/nexus.h>
#include <spt/task.h>

#include "scsi/transport_id.h"

struct spt_device;
struct spt_itl;
struct spt_session;

#define RESERVATION_REGISTRANTS 256u
/* PERSISTENT RESERVE OUT: with more TransportIDs there would be more registrants than that. */
#define RESERVATION_LIST_MAX (28u + RESERVATION_REGISTRANTS * TRANSPORT_ID_MAX)

/* PERSISTENT RESERVE types (SPC-5 table 67). */
enum reservation_type {
	WRITE_EXCLUSIVE = 1,
	EXCLUSIVE_ACCESS = 3,
	WRITE_EXCLUSIVE_REGISTRANTS = 5,
	EXCLUSIVE_ACCESS_REGISTRANTS = 6,
	WRITE_EXCLUSIVE_ALL = 7,
	EXCLUSIVE_ACCESS_ALL = 8,
};

struct reservation_kind {
	bool known;
	bool exclusive;   /* keeps others from reading, too */
	bool registrants; /* whoever is registered has access */
	bool all;         /* and holds it */
};

/* A name of an I_T nexus with a key (SPC-5 5.14.7). */
struct registrant {
	struct spt_link link;
	uint64_t key;
	char initiator[SPT_NAME_MAX + 1];
	char target[SPT_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t tag; /* of the target portal group */
	uint16_t relative_port;
};

struct reservations {
	bool on;                          /* commands are taken here; never changes */
	const struct spt_session *holder; /* by RESERVE; compared only */
	struct spt_link registrants;      /* struct registrant.link, oldest first */
	unsigned n_registrants;
	uint32_t generation;
	uint8_t type;                     /* 0: no persistent reservation */
	struct registrant *owner;         /* NULL: none, or all registrants */
	bool aptpl;                       /* the file is kept */
	bool on_file;                     /* there is one, or will be when what is under way is done */
	char *directory, *path;           /* path NULL: no place for a file */
	int no_place;                     /* -errno of directory, until that has been told */
	uint64_t change;                  /* of what the file tells */
	pthread_mutex_t file_lock;        /* the one below; taken where blocking is allowed */
	uint64_t written;
	struct spt_link files;            /* of reservation_file.c: all that have a path */
	atomic_bool superseded;           /* another device has read the file: it is that one's to write */
};

/* A file's contents as of a change; data NULL: it is to be removed. */
struct reservation_image {
	uint64_t change;
	char *data;
	size_t bytes;
};

/* reservation.c */
int reservation_init(struct spt_device *device, const char *state_dir, bool emulate,
	struct spt_error *error);
void reservation_deinit(struct spt_device *device);
const struct reservation_kind *reservation_kind(uint8_t type);
/* All below to the next file: with the device's lock held. */
struct registrant *reservation_find(struct reservations *r, const struct spt_nexus *nexus);
bool reservation_same_nexus(const struct registrant *g, const struct spt_nexus *nexus);
bool reservation_holds(const struct reservations *r, const struct registrant *g);
/* One that is not registered yet; NULL: no memory. */
struct registrant *reservation_new(const struct spt_nexus *nexus, uint64_t key);
void reservation_append(struct reservations *r, struct registrant *g);
/* NULL: no memory, or too many. */
struct registrant *reservation_add(struct reservations *r, const struct spt_nexus *nexus,
	uint64_t key);
void reservation_remove(struct reservations *r, struct registrant *g);
void reservation_update_itl(struct spt_itl *itl);
/* Takes @itl out of the device's list; an exclusive device is passed on. */
void reservation_leave(struct spt_itl *itl);
/* After every change: all nexuses' refuses. */
void reservation_update(struct spt_device *device);

/* RESERVE and RELEASE; false: RESERVATION CONFLICT. Take the lock. */
bool reservation_reserve(struct spt_itl *itl);
bool reservation_release(struct spt_itl *itl);
/* The nexus is lost, or the logical unit was reset. Take the lock. */
void reservation_nexus_loss(struct spt_itl *itl);
void reservation_reset(struct spt_device *device);

/* reservation_task.c: is the task a matter of reservations? RESERVATION CONFLICT is answered at once. */
bool reservation_refuses(struct spt_task *task);
/* Does it execute here? Then in the backend's stead: */
bool reservation_claims(const struct spt_task *task);
void reservation_judge(struct spt_task *task);
void reservation_submit(struct spt_task *task);

/* reservation_in.c */
void reservation_in(struct spt_task *task);

/* PERSISTENT RESERVE OUT, as it was asked for. */
struct out_request {
	uint8_t action, scope, type;
	uint64_t key, action_key;
	bool aptpl;
	bool spec_i_pt, all_tg_pt;      /* of REGISTER and its kind */
	bool unreg;                     /* of REGISTER AND MOVE, with the next */
	uint16_t relative_port;
	struct out_transport_id *ids; /* none twice */
	size_t n_ids;
};
struct out_transport_id {
	struct transport_id id;
	uint16_t offset; /* in the parameter list */
};
struct out_result {
	uint8_t status; /* enum spt_status; CHECK CONDITION with the rest */
	spt_asc_t asc;  /* ILLEGAL REQUEST */
	bool in_cdb;    /* the field below is of the CDB */
	uint16_t byte;
	int8_t bit;     /* -1: the whole of it */
	bool changed;   /* what a file would tell */
	bool unlocks;   /* the medium is kept in by nobody any more */
	struct reservation_victim *victims; /* the caller's to free */
	size_t n_victims;
};
struct reservation_victim {
	struct spt_context *context; /* held */
	spt_session_cookie session;
};

/* reservation_list.c: from the CDB and @bytes of the parameter list. False: @ret_refusal tells. */
bool reservation_list_take(const uint8_t *cdb, const uint8_t *list, size_t bytes,
	struct out_request *ret, struct out_result *ret_refusal);
void reservation_list_free(struct out_request *request);

/* reservation_out.c. Takes the lock. */
void reservation_out(struct spt_itl *itl, const struct out_request *request,
	struct out_result *ret);

/* reservation_file.c */
int reservation_file_init(struct spt_device *device, const char *state_dir,
	struct spt_error *error);
/* Before the path is freed. */
void reservation_file_deinit(struct reservations *r);
/* What is to be written now: 1; nothing: 0; -ENOMEM. Takes the lock. */
int reservation_image(struct spt_device *device, struct reservation_image *ret);
/* Blocks; @image's data is freed. -ESTALE: the file is another device's now. */
int reservation_write(struct reservations *r, struct reservation_image *image);

#endif
