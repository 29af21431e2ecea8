/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection that carries iSNS PDUs, ours to a server or a server's to us. It does not block:
 * what does not fit into the socket waits in one buffer, which is bounded, and so is what comes in.
 * Its owner keeps deadlines. isns_link_close() may be called from inside its callbacks.
 */
#ifndef ISNS_LINK_H
#define ISNS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <spt/host.h>

#include "isns/format.h"

#define ISNS_OUT_MAX (4u * ISNS_PDU_MAX)

struct isns_link;

struct isns_link_ops {
	void (*connected)(struct isns_link *link);
	void (*pdu)(struct isns_link *link, const struct isns_header *header, const uint8_t *payload);
	/* Not called by isns_link_close(); the owner closes it now. @why: for the log. */
	void (*broken)(struct isns_link *link, const char *why);
};

struct isns_link {
	struct spt_host *host;
	struct spt_watch watch; /* fd -1: closed */
	const struct isns_link_ops *ops;
	void *arg;
	bool connecting;
	uint8_t *in; /* ISNS_PDU_MAX */
	size_t in_bytes;
	uint8_t *out;
	size_t out_bytes, out_sent;
};

void isns_link_init(struct isns_link *link, struct spt_host *host, const struct isns_link_ops *ops,
	void *arg);
/* Begins to connect; connected() or broken() follow from the loop. 0 or -errno. */
int isns_link_connect(struct isns_link *link, const struct sockaddr *address, socklen_t bytes);
/* Takes over @fd, which is non-blocking; 0, or -errno with @fd closed. */
int isns_link_adopt(struct isns_link *link, int fd);
/* Sends a whole PDU. 0; -ENOBUFS: the peer does not read what it asked for; -ENOMEM. */
int isns_link_send(struct isns_link *link, const void *pdu, size_t bytes);
bool isns_link_open(const struct isns_link *link);
void isns_link_close(struct isns_link *link);

#endif
