/* SPDX-License-Identifier: MIT */
/*
 * What one configuration exports: its targets, their devices and the addresses at which they are reached. Immutable once
 * it is made. A reload makes another one, which shares the devices that have not changed; each worker goes over to
 * it by itself, and a login keeps the one that it began with until it is over.
 */
#ifndef TARGET_GENERATION_H
#define TARGET_GENERATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <spt/device.h>
#include <spt/link.h>

#include "config/config.h"
#include "session/conn.h"
#include "target/authentication.h"

struct target;

/* A listening socket as others see it. */
struct portal_address {
	size_t portal_index;
	uint16_t tag;
	bool wildcard;
	unsigned port;
	char text[CONN_ADDRESS_MAX];
	struct sockaddr_storage bound;
};

struct generation {
	struct spt_link link; /* server.c */
	atomic_uint refs;
	bool idle; /* was out of use when server.c last looked */
	struct config *config;
	struct spt_device **devices; /* parallel to config->devices; NULL: could not be opened */
	struct target *targets;
	size_t n_targets;
	struct authentication discovery_auth;
	struct portal_address *addresses;
	size_t n_addresses;
};

/*
 * Takes over @config when it succeeds. With @before devices that both have are shared, and one that cannot be opened
 * is a fault, told in @error; without, its logical units are left out, and the log tells. @state_dir: the daemon's, which
 * no configuration changes while it runs. May block. 0 or -errno.
 */
int generation_new(struct config *config, const struct generation *before, const char *state_dir,
	struct spt_error *error, struct generation **ret);
struct generation *generation_ref(struct generation *generation);
/* The last reference is the server's, who frees it: NULL is passed over. */
void generation_unref(struct generation *generation);
/* May block. */
void generation_free(struct generation *generation);
/* Is a device of @old that @current has not still in use by some nexus? */
bool generation_in_use(const struct generation *old, const struct generation *current);
/* By its name and the name of one of its portals, or NULL. */
struct target *generation_find(const struct generation *generation, const char *name,
	const char *portal);
/* Does @portal have another tag, or is it gone? */
bool generation_has_portal(const struct generation *generation, const char *portal, uint16_t tag);

#endif
