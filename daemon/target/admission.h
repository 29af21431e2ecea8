/* SPDX-License-Identifier: MIT */
/*
 * Who is let in. A connection beyond max-connections is closed. While max-logins are under way others are not accepted: they
 * wait in the kernel's queue and come in as logins end, so that a rack of initiators that starts at once loses none of them.
 */
#ifndef TARGET_ADMISSION_H
#define TARGET_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include <spt/host.h>

#include "log/limit.h"
#include "session/conn.h"

struct server;

struct admission {
	atomic_uint conns, logins;
	bool held;          /* no listener accepts; on the first worker */
	atomic_bool wanted; /* held, and the next login that ends is to say so */
	struct spt_post go_on;
	struct log_limit log; /* of what is not let in, on the first worker */
};

void admission_init(struct server *server);
/* Are max-logins under way? On the first worker's loop. */
bool admission_full(const struct server *server);
/* On the first worker's loop: somebody waits at @portal meanwhile. No listener accepts until a login is over. */
void admission_hold(struct server *server, const struct conn_portal *portal);
/* On the first worker's loop, of one that was accepted. False: it is not to stay; the log says why. */
bool admission_take(struct server *server, const struct conn_portal *portal, const struct sockaddr *peer);
/* On the first worker's loop: max-logins has changed. */
void admission_changed(struct server *server);
/* On any loop: a login is over, well or not. */
void admission_login_over(struct server *server);
/* On any loop: a connection is gone; @in_login: it never reached full feature phase. */
void admission_gone(struct server *server, bool in_login);

#endif
