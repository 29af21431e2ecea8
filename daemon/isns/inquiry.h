/* SPDX-License-Identifier: MIT */
/*
 * Where iSNS servers ask us whether we live and tell what has changed: a listening socket, and the
 * few connections that they may have to it.
 */
#ifndef ISNS_INQUIRY_H
#define ISNS_INQUIRY_H

#include <stdint.h>

#include "isns/client.h"
#include "isns/link.h"
#include "isns/lookup.h"

#define ISNS_PEERS_MAX 8u

struct isns_inquiry;

struct isns_peer {
	struct isns_link link;
	struct spt_timer timer; /* it is closed when nothing has come for a time */
	struct isns_inquiry *inquiry;
};

struct isns_inquiry {
	struct spt_host *host;
	struct spt_watch watch; /* fd -1: not open */
	struct spt_timer pause; /* after a failed accept() */
	const struct isns_params *params;
	const struct isns_addresses *servers; /* of each of the parameters' */
	struct isns_peer peers[ISNS_PEERS_MAX];
	uint16_t port;
	void (*lost)(void *arg); /* something of ours has changed at the server */
	void *arg;
};

/* 0, or -errno: then servers cannot ask, which is no more than that. */
int isns_inquiry_open(struct isns_inquiry *inquiry, struct spt_host *host,
	const struct isns_params *params, const struct isns_addresses *servers, void (*lost)(void *arg),
	void *arg);
void isns_inquiry_close(struct isns_inquiry *inquiry);
/* Closes the servers' connections, which may come again; not to be called from inside one of them. */
void isns_inquiry_drop(struct isns_inquiry *inquiry);
/* Answers what a server asks on @link. False: it has been closed for that. */
bool isns_inquiry_answer(struct isns_link *link, const struct isns_entity *entity,
	const struct isns_header *header, const uint8_t *payload, bool *ret_lost);

#endif
