/* SPDX-License-Identifier: MIT */
/*
 * All I_T nexuses of the daemon by name, whatever loop they live on: initiator name, ISID, target
 * name and portal group tag (RFC 7143 4.4.3) belong to one session at a time. A claim is made before
 * a session starts and released when nothing of it is at any device any more; who wants a name that
 * is taken (session reinstatement, RFC 7143 6.3.5) waits for that. Under a lock, which is taken at
 * login and at the end of a session only.
 *
 * Discovery sessions have names, too. A target that one has told belongs to its name (RFC 7143 7.4.2.2); without one the
 * address by which it came takes the place of target and portal group (RFC 7143 7.4.2.1).
 */
#ifndef TARGET_REGISTRY_H
#define TARGET_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/host.h>
#include <spt/link.h>

#include "base/buckets.h"
#include "login/params.h"
#include "session/conn.h"

struct worker;
struct target;
struct seat;
struct login_question;

struct claim {
	struct bucket_entry by_name, by_id;
	uint64_t id;
	uint16_t tsih;
	struct seat *seat; /* of its target, a reference; NULL: a discovery session that has told none */
	bool discovery;
	struct worker *worker;
	char initiator_name[NAME_MAX_BYTES + 1];
	uint8_t isid[6];
	uint16_t portal_group_tag;
	char address[CONN_ADDRESS_MAX]; /* where there is no target: ours, by which it came */
	bool ending; /* somebody has asked for its end already */
	struct spt_link waiters;
};

/* Somebody who waits for a name. */
struct waiter {
	struct spt_link link;
	struct spt_post post; /* to his loop, when the name is free */
	struct spt_host *host;
	bool posted; /* under the registry's lock */
};

struct registry {
	pthread_mutex_t lock;
	struct buckets by_name, by_id; /* of claims */
	uint64_t seed;
	uint64_t next_id;
	uint16_t next_tsih;
	uint8_t tsih_used[65536 / 8];
};

void registry_init(struct registry *registry);
void registry_deinit(struct registry *registry);

enum registry_result {
	REGISTRY_CLAIMED,
	REGISTRY_TAKEN, /* @waiter is in the queue; *ret_holder has to be ended, unless it is NULL */
	REGISTRY_FULL,
	REGISTRY_NO_MEMORY,
};

/* Who holds a name and is to be asked to go. */
struct registry_holder {
	struct worker *worker; /* NULL: has been asked already */
	uint64_t id;
};

/* What makes a name, for as long as the call takes. */
struct registry_name {
	const struct login_params *params;
	const struct target *target; /* NULL: of a discovery session only */
	const char *address;
};

/* Claims @name for @worker. */
enum registry_result registry_claim(struct registry *registry, const struct registry_name *name,
	struct worker *worker, struct waiter *waiter, struct claim **ret,
	struct registry_holder *ret_holder);
void registry_release(struct registry *registry, struct claim *claim);
/* True: @waiter is out of the queue and its post will not come. */
bool registry_stop_waiting(struct registry *registry, struct waiter *waiter);
/* Its session goes to @to, where @arrival finds it: whoever looks for it from here on comes after that. */
void registry_move(struct registry *registry, struct claim *claim, struct worker *to, struct spt_host *host,
	struct spt_post *arrival);
/* The worker of session @id, or NULL. Perhaps it is not there any more when a message has come: then ask again. */
struct worker *registry_find(struct registry *registry, uint64_t id);
/*
 * Who holds the session with @tsih of this initiator, ISID and target, and its portal group tag. False:
 * there is none, or somebody is about to take its place.
 */
bool registry_find_tsih(struct registry *registry, const struct login_question *question,
	const struct target *target, struct registry_holder *ret, uint16_t *ret_tag);
/* Calls @fn for every normal session of the target with @seat. */
void registry_each(struct registry *registry, const struct seat *seat,
	void (*fn)(struct worker *worker, uint64_t id));

#endif
