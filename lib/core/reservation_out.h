/* SPDX-License-Identifier: MIT */
/* PERSISTENT RESERVE OUT at work: what its service actions share. All with the device's lock held. */
#ifndef CORE_RESERVATION_OUT_H
#define CORE_RESERVATION_OUT_H

#include "core/core.h"

#define OUT_LIST_BYTES 24u /* the parameter list without TransportIDs */

/* Service actions (SPC-5 table 230). */
enum out_action {
	OUT_REGISTER = 0x00,
	OUT_RESERVE = 0x01,
	OUT_RELEASE = 0x02,
	OUT_CLEAR = 0x03,
	OUT_PREEMPT = 0x04,
	OUT_PREEMPT_AND_ABORT = 0x05,
	OUT_REGISTER_AND_IGNORE = 0x06,
	OUT_REGISTER_AND_MOVE = 0x07,
};

enum {
	PARAMETER_LIST_LENGTH_ERROR = 0x1a00,
	INVALID_FIELD_IN_CDB = 0x2400,
	INVALID_FIELD_IN_PARAMETER_LIST = 0x2600,
	INSUFFICIENT_REGISTRATION_RESOURCES = 0x5504,
};

struct out {
	struct spt_device *device;
	struct reservations *r;
	struct spt_itl *itl;
	const struct out_request *q;
	struct registrant *me; /* NULL: not registered */
	struct out_result *result;
};

/* reservation_out.c */
void out_conflict(struct out *o);
void out_refuse(struct out *o, spt_asc_t asc, uint16_t byte, int bit);
/* May APTPL be asked for? False: refused. */
bool out_may_persist(struct out *o);
void out_unregister(struct out *o, struct registrant *g);
/* PRGENERATION counts it, and the file tells. */
void out_changed(struct out *o);

/* reservation_register.c */
void out_register(struct out *o);
void out_move(struct out *o);

#endif
