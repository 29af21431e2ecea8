/* SPDX-License-Identifier: MIT */
/*
 * An iSNS client (RFC 4171): keeps an entity registered with the first of its servers that answers.
 * It lives on one loop and never blocks it.
 *
 *   away -> connecting -> register (one or several messages) -> SCN registration of every node
 *                      -> query, where we are registered already      |
 *   away <- whatever fails                                         at rest: queries now and then
 *
 * At rest every node asks from time to time whether it is still there: this keeps the registration
 * alive and finds out when the server has lost it; then all connections are closed, and a new one
 * registers anew. Every exchange has a
 * deadline. What fails is tried with the next server at once, and with all of them again after a
 * time that doubles.
 *
 * A server may ask us: on the connection that we have, or on one of its own to a port that we
 * listen on for that (Entity Status Inquiry, State Change Notification). Only servers may.
 */
#ifndef ISNS_CLIENT_H
#define ISNS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <spt/host.h>

#include "isns/entity.h"

#define ISNS_SERVERS_MAX 4u

struct isns_server {
	const char *text; /* "HOST:PORT", "[ADDRESS]:PORT" */
};

struct isns_params {
	const struct isns_entity *entity; /* has a node and a portal */
	const struct isns_server *servers;
	size_t n_servers;  /* 1 to ISNS_SERVERS_MAX */
	uint32_t period_s; /* Registration Period that is asked for */
	uint16_t port;     /* where servers may ask us; 0: a free one */
};

struct isns_client;

/* What @params points to stays until isns_client_free(). Begins at once. 0 or -ENOMEM. */
int isns_client_new(struct spt_host *host, const struct isns_params *params,
	struct isns_client **ret);
/* Takes back what is registered, for a second at most; then @stopped, perhaps from inside. */
void isns_client_stop(struct isns_client *client, void (*stopped)(void *arg), void *arg);
/* NULL is fine. At any time; says nothing to the server. */
void isns_client_free(struct isns_client *client);

#endif
