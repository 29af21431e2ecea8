/* SPDX-License-Identifier: MIT */
/*
 * TransportIDs of iSCSI (SPC-5 7.6.4.6): the name of an initiator device, or of one of its ports, as
 * PERSISTENT RESERVE has them. Names are ASCII and UTF-8; capitals are folded, as RFC 3722 has it.
 */
#ifndef SCSI_TRANSPORT_ID_H
#define SCSI_TRANSPORT_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/nexus.h>

#include "base/cursor.h"

#define TRANSPORT_ID_MIN 24u
/* Four bytes, the name, ",i,0x", the ISID in hexadecimal digits, and up to four zeros. */
#define TRANSPORT_ID_MAX (4u + SPT_NAME_MAX + 5u + 12u + 4u)

struct transport_id {
	char name[SPT_NAME_MAX + 1];
	bool is_port; /* FORMAT CODE 01b: the port of that ISID; else the initiator device, 00b */
	uint8_t isid[6];
};

/*
 * The next of a list. -EINVAL: not one of iSCSI, or one that its lengths, or the end of the list, cut
 * short, or no iSCSI name; then @c is where it was.
 */
int transport_id_take(struct cursor *c, struct transport_id *ret);
/* The one of an initiator port. */
void transport_id_put(struct writer *w, const char *name, const uint8_t isid[6]);

#endif
