/* SPDX-License-Identifier: MIT */
/*
 * Full feature phase (RFC 7143 4.2 and 11): what is done about each message. One file a message;
 * dispatch.c knows them all, order.c puts commands into the order of their CmdSN.
 */
#ifndef FULLFEATURE_FULLFEATURE_H
#define FULLFEATURE_FULLFEATURE_H

#include "session/env.h"

extern const struct phase_ops FULLFEATURE;
/* Frees the spare commands of a loop. */
void fullfeature_deinit(struct session_env *env);

#endif
