/* SPDX-License-Identifier: MIT */
/*
 * Who guesses secrets waits longer for every wrong one: each address has a count of its failed
 * authentications, and the answer to the next failure comes the later the higher it is. Only those
 * answers wait; a login that succeeds never does, and an address never waits for another. Who does
 * not wait for his answer gains nothing: it keeps its place, and an address has only so many; when
 * they are taken it cannot connect again before one is answered.
 *
 * The table is bounded: for an address that does not fit the one longest quiet is forgotten. One
 * for the whole daemon, under a lock that is taken when somebody connects and when an
 * authentication fails.
 */
#ifndef TARGET_SLOWDOWN_H
#define TARGET_SLOWDOWN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SLOWDOWN_ADDRESSES 256u
#define SLOWDOWN_WAITING   16u /* answers that wait for one address */
#define SLOWDOWN_FIRST_US  100000u   /* after the first failure, doubled by each further one */
#define SLOWDOWN_MOST_US   5000000u
#define SLOWDOWN_FORGET_US 600000000u /* without a failure for so long, it begins again */

struct slowdown_entry {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; of IPv6 the network, its first 64 bits */
	uint64_t last_us;
	unsigned failures; /* 0: free */
	unsigned waiting;  /* answers; as long as there are any the entry stays this address's */
};

struct slowdown {
	pthread_mutex_t lock;
	struct slowdown_entry entries[SLOWDOWN_ADDRESSES];
};

void slowdown_init(struct slowdown *slowdown);
void slowdown_deinit(struct slowdown *slowdown);
/* @peer has failed now: how long the answer waits. slowdown_answered(*@ret) follows when it has. */
uint64_t slowdown_failed(struct slowdown *slowdown, const struct sockaddr *peer, uint64_t now_us,
	struct slowdown_entry **ret);
/* NULL is allowed. */
void slowdown_answered(struct slowdown *slowdown, struct slowdown_entry *entry);
/* May @peer connect? */
bool slowdown_allows(struct slowdown *slowdown, const struct sockaddr *peer);

#endif
