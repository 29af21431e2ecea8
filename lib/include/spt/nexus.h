/* SPDX-License-Identifier: MIT */
/* Who talks to whom: the names of an I_T nexus (SAM-5 4.5.2, RFC 7143 4.4). */
#ifndef SPT_NEXUS_H
#define SPT_NEXUS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPT_NAME_MAX 223u /* RFC 7143 4.2.7.1: an iSCSI name, without its terminator */

struct spt_nexus {
	const char *initiator_name;
	uint8_t isid[6];
	const char *target_name;
	uint16_t target_portal_group_tag;
	/* RELATIVE TARGET PORT IDENTIFIER, from 1. 0: no port at all, a program on this machine; it is not
	 * told of target ports. */
	uint16_t relative_port;
	bool several_ports; /* the target has more than this one */
	uint8_t protocol_level; /* iSCSIProtocolLevel as agreed (RFC 7144 7.1.1); 0: none is claimed */
	const char *peer_address;
	const char *chap_user; /* NULL: not authenticated */
};

#ifdef __cplusplus
}
#endif

#endif
