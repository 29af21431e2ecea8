/* SPDX-License-Identifier: MIT */
/*
 * Who we are towards an upstream target: the downstream initiator by its own name (or by one name
 * for all, where the configuration says so), with an ISID for each nexus that we carry. The ISID is
 * made from the names of the downstream nexus and so is the same when the initiator comes back:
 * upstream, its registrations (persistent reservations) are its own again, and a session that
 * lingers there is reinstated rather than left beside the new one (RFC 7143 6.3.5).
 */
#ifndef PASSTHROUGH_UP_ISID_H
#define PASSTHROUGH_UP_ISID_H

#include <stdint.h>

#include <spt/nexus.h>

/* The variable 40 bits of an ISID of type "random" (RFC 7143 11.12.5). */
struct up_isid {
	uint32_t random;    /* 24 bits */
	uint16_t qualifier;
};

/* @device: the name of the device: two devices of one nexus are two sessions. */
struct up_isid up_isid_of(const char *device, const struct spt_nexus *nexus);
/* Of session number @slot of those that nexuses share, all under one initiator name. */
struct up_isid up_isid_shared(const char *device, uint16_t slot);

#endif
