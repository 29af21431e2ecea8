/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets of a configuration: those that are open already and may stay, and new ones. Made before anything
 * is changed, so that an address which cannot be had is found out in time.
 */
#ifndef TARGET_LISTENING_H
#define TARGET_LISTENING_H

#include "target/generation.h"
#include "target/listener.h"

/* A listening socket that was handed to us; @name: its portal's. */
struct server_socket {
	int fd;
	const char *name;
};

struct listening_slot {
	struct listener *listener;
	size_t portal_index;
	bool fresh;
};

struct listening {
	struct listening_slot *slots;
	size_t n;
};

/*
 * For @config, with what @open has where it has it. @sockets are taken over. 0 or -errno with @error told. May be called
 * on any thread: it changes nothing of @open.
 */
int listening_make(const struct config *config, const struct listening *open,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error,
	struct listening *ret);
/* As others see them. 0 or -ENOMEM. */
int listening_tell(const struct listening *listening, struct generation *generation);
/* Closes the fresh ones. */
void listening_discard(struct listening *listening);
/* Closes all of them. On their loop, or when it has ended. */
void listening_close(struct listening *listening);

#endif
