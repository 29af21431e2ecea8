/* SPDX-License-Identifier: MIT */
/* What a server says: answers to our requests, and what it asks or tells by itself. */
#ifndef ISNS_ANSWER_H
#define ISNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isns/entity.h"
#include "isns/format.h"

struct isns_answer {
	uint32_t status;
	uint32_t period_s; /* of a registration: what the server grants; 0: it does not say */
	/* of a query */
	bool entity;  /* our entity is there */
	size_t nodes; /* and so many nodes of ours */
};

/*
 * The payload of the first PDU of an answer; @whole: there are no more. 0, or -EBADMSG: no whole
 * attributes, or no status.
 */
int isns_answer_decode(const struct isns_entity *entity, const uint8_t *payload, size_t bytes,
	bool whole, struct isns_answer *ret);

/*
 * Answers an Entity Status Inquiry (RFC 4171 5.6.5.13) or a State Change Notification (5.6.5.8)
 * into @w, a whole PDU; anything else that a server may ask is not supported. False: it is
 * malformed and deserves no answer. *@ret_lost: something of ours was changed or taken away.
 */
bool isns_reply(const struct isns_entity *entity, const struct isns_header *header,
	const uint8_t *payload, struct writer *w, bool *ret_lost);

#endif
