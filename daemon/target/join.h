/* SPDX-License-Identifier: MIT */
/* What sessions ask of targets: struct session_ops. */
#ifndef TARGET_JOIN_H
#define TARGET_JOIN_H

#include "session/env.h"

extern const struct session_ops JOIN_OPS;

#endif
