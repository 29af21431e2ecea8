/* SPDX-License-Identifier: MIT */
/*
 * What iSNS servers are told of this daemon (isns keys of the configuration): its listening portals
 * and its targets, as one network entity. Lives on the first worker's loop.
 */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

struct announce;
struct server;

/* After server_start(). 0 with NULL in @ret when no server is configured; -ENOMEM. */
int announce_start(struct server *server, struct announce **ret);
/* Takes all of it back, in a second at most; then @stopped, perhaps from inside. NULL is fine. */
void announce_stop(struct announce *announce, void (*stopped)(void *arg), void *arg);
/* NULL is fine. */
void announce_free(struct announce *announce);

#endif
