/* SPDX-License-Identifier: MIT */
/* Any PDU as one readable line, for the trace log and the tests. */
#ifndef WIRE_PRINT_H
#define WIRE_PRINT_H

#include "wire/bhs.h"

/* @ahs: bhs_ahs_bytes(bhs) bytes, or NULL when they are not at hand. What cannot be decoded is
 * printed by its common header. Always terminated. */
void pdu_print(const uint8_t *bhs, const uint8_t *ahs, char *text, size_t bytes);

#endif
