/* SPDX-License-Identifier: MIT */
/* A listening socket of a portal, and the accepting of connections. Lives on the first worker. */
#ifndef TARGET_LISTENER_H
#define TARGET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include <spt/error.h>

#include "config/config.h"
#include "log/limit.h"
#include "session/conn.h"

struct server;

struct listener {
	struct server *server;
	struct spt_watch watch;
	struct spt_timer pause; /* after a failed accept() */
	bool paused;
	struct log_limit log;   /* of those */
	struct config_address configured; /* without a length: it was handed to us */
	struct conn_portal portal;
	bool wildcard;
	unsigned port;
	char text[CONN_ADDRESS_MAX];
};

/* Binds @address. 0 or -errno with @error told. */
int listener_open(struct listener *listener, const struct config_address *address,
	struct spt_error *error);
/* Takes over @fd, which listens already. */
int listener_adopt(struct listener *listener, int fd);
int listener_start(struct listener *listener, struct server *server);
/* Accepts, unless it is paused or admission.h holds all. 0 or -errno. */
int listener_watch(struct listener *listener);
void listener_close(struct listener *listener);

#endif
