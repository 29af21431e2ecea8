/* SPDX-License-Identifier: MIT */
/*
 * The addresses of an iSNS server, looked up each time that it is connected to: a name may be another address tomorrow. What is
 * written in numbers is known at once, a name may take a thread's time and may outlive who has asked for it.
 */
#ifndef ISNS_LOOKUP_H
#define ISNS_LOOKUP_H

#include <stddef.h>
#include <sys/socket.h>

#include <spt/host.h>

#define ISNS_ADDRESSES_MAX 8u

struct isns_addresses {
	struct {
		struct sockaddr_storage sockaddr;
		socklen_t bytes;
	} list[ISNS_ADDRESSES_MAX];
	size_t n;
};

struct isns_lookup;

/* @text, "HOST:PORT" or "[ADDRESS]:PORT", if it is in numbers; else @ret is empty. */
void isns_numeric(const char *text, struct isns_addresses *ret);
/*
 * Begins to look @text up; @done is called from the loop, not from inside, with addresses, or with none and why. 0 with the
 * lookup in @ret, which is gone when @done has been called; -ENOMEM.
 */
int isns_lookup_begin(struct spt_host *host, const char *text,
	void (*done)(void *arg, const struct isns_addresses *addresses, const char *why), void *arg,
	struct isns_lookup **ret);
/* @done will not be called. NULL is fine. */
void isns_lookup_abandon(struct isns_lookup *lookup);

#endif
