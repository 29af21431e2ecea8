/* SPDX-License-Identifier: MIT */
/*
 * A target: its name, who may log in, and which LUN leads to which device. Made from the
 * configuration before the loops run, and read only from then on.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>

#include <spt/device.h>

#include "config/config.h"
#include "login/params.h"
#include "target/authentication.h"

/* How many sessions the target of one name has, whatever the configuration says about it at the moment. */
struct seat {
	atomic_uint refs;
	atomic_uint n_sessions;
};

struct target {
	struct seat *seat; /* a reference */
	const struct config_target *config;
	struct spt_lun_map *luns; /* all of them */
	bool luns_differ;         /* not everybody sees all of them */
	struct login_limits limits;
	struct authentication auth;
	bool several_ports; /* portal group tags: on iSCSI each is a SCSI target port (RFC 7143 4.4.1) */
	atomic_uint n_redirects;
};

struct seat *seat_ref(struct seat *seat);
void seat_unref(struct seat *seat);

/* Of target @index. @devices: parallel to config->devices; NULL where the device could not be opened. @seat: of the target that
 * had this name before, or NULL. 0 or -errno; then it is for target_deinit() as well. */
int target_init(struct target *target, const struct config *config, size_t index,
	struct spt_device *const *devices, struct seat *seat);
void target_deinit(struct target *target);
/* Whom access lists look at: a name, and where it comes from. */
struct visitor {
	const char *initiator_name;
	const struct sockaddr *address;
};

/* NULL, or what keeps the visitor out. */
const char *target_denies(const struct target *target, struct visitor visitor);
/* The LUNs that it sees, a reference of the caller's; NULL: out of memory. */
struct spt_lun_map *target_luns_of(const struct target *target, struct visitor visitor);
/* Is it worth its while to know of the target? Not if no user could log in from it. */
bool target_visible(const struct target *target, struct visitor visitor);
/* Where to go instead (RFC 7143 13.8), each place in turn; NULL: it is here. Any thread. */
const char *target_redirect(struct target *target);
/* Does the target have portal @index of the configuration? */
bool target_has_portal(const struct target *target, size_t index);

#endif
