/* SPDX-License-Identifier: MIT */
/*
 * REPORT SUPPORTED OPERATION CODES (SPC-5 6.34) tells what a device takes, and above it we refuse some of
 * that: copies to other logical units, CDBs longer than the way to the device is wide. An initiator
 * that reads them in the list uses them. So the whole list is asked for, whatever the initiator has
 * room for, what is refused is taken out of it, and the initiator gets its part of the rest.
 */
#ifndef PASSTHROUGH_OPCODE_LIST_H
#define PASSTHROUGH_OPCODE_LIST_H

#include "passthrough/judge.h"

/* What @cdb is to be given room for when it asks for the list and something is refused; else 0. */
uint32_t opcode_list_room(const struct pass_limits *limits, const uint8_t *cdb);
/* @cdb, a copy for the device, asks for as much as that, if there are @in_bytes of room for it. */
void opcode_list_widen(const struct pass_limits *limits, uint8_t *cdb, uint32_t in_bytes);
/* @task, whose CDB was widened for the device, is back, @good or not; any other is left alone. */
void opcode_list_hide(const struct pass_limits *limits, struct spt_task *task, bool good);

#endif
