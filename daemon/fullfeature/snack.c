/* SPDX-License-Identifier: MIT */
/* SNACK Request (RFC 7143 11.16): only with an ErrorRecoveryLevel above 0. */
#include "wire/snack.h"

#include "fullfeature/messages.h"

void snack(struct conn *conn, struct rx_pdu *pdu)
{
	reject(conn, REJECT_SNACK, pdu->bhs, "the session has ErrorRecoveryLevel 0");
}
