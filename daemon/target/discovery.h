/* SPDX-License-Identifier: MIT */
/* SendTargets (RFC 7143 appendix C): what an initiator may see, and at which addresses. */
#ifndef TARGET_DISCOVERY_H
#define TARGET_DISCOVERY_H

#include "wire/keys.h"

struct conn;

void discovery_send_targets(struct conn *conn, const char *value, struct key_writer *out);

#endif
