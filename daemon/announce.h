/* SPDX-License-Identifier: MIT */
/*
 * What iSNS servers are told of this daemon (isns keys of the configuration): its listening portals
 * and its targets, as one network entity. Lives on the first worker's loop.
 */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include <stdbool.h>

struct announce;
struct server;

/* After server_start(). 0 with NULL in @ret when no server is configured; -ENOMEM. */
int announce_start(struct server *server, struct announce **ret);
/*
 * Another generation is in use: when what is told of it is the same, @announce goes on with it, and nobody is told
 * anything. False: it has to stop, and another one to start.
 */
bool announce_keep(struct announce *announce, struct server *server);
/* Takes all of it back, in a second at most; then @stopped, perhaps from inside. NULL is fine. */
void announce_stop(struct announce *announce, void (*stopped)(void *arg), void *arg);
/* NULL is fine. */
void announce_free(struct announce *announce);

#endif
