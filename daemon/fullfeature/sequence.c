/* SPDX-License-Identifier: MIT */
/* Sequences of Data-Out PDUs: see sequence.h. Every number is compared before it is used. */
#include "fullfeature/sequence.h"

/* RFC 7143 11.7.6, 13.18: within a sequence at continuously increasing offsets; its end is where F is. */
static const char *wrong_in_order(const struct sequence *s, const struct sequence_rules *rules,
	const struct pdu_data_out *pdu)
{
	if (pdu->offset_bytes != s->offset_bytes + s->done_bytes)
		return "buffer offset not where the last PDU ended";
	if (pdu->data_bytes > s->bytes - s->done_bytes)
		return rules->exact ? "more data than the R2T asked for"
				    : "more unsolicited data than FirstBurstLength or the expected length";
	/* RFC 7143 11.7.7: F may come by itself, behind all the data. */
	if (rules->exact && pdu->final && pdu->data_bytes < s->bytes - s->done_bytes && !rules->early)
		return "F bit where the R2T's data does not end";
	return NULL;
}

static const char *wrong_anywhere(const struct sequence *s, const struct sequence_rules *rules,
	const struct pdu_data_out *pdu)
{
	uint32_t at = pdu->offset_bytes - s->offset_bytes;

	if (pdu->offset_bytes < s->offset_bytes || at > s->bytes || pdu->data_bytes > s->bytes - at)
		return rules->exact ? "data that the R2T did not ask for"
				    : "more unsolicited data than FirstBurstLength or the expected length";
	return NULL;
}

enum sequence_verdict sequence_judge(const struct sequence *s, const struct sequence_rules *rules,
	const struct pdu_data_out *pdu, const char **ret_wrong)
{
	/* RFC 7143 4.2.2.4, 7.9, 11.7.5: a gap in DataSN means that one before it is lost. */
	bool gap = rules->recovers && pdu->data_sn > s->data_sn;

	*ret_wrong = NULL;
	if (pdu->data_sn != s->data_sn && !gap)
		*ret_wrong = "DataSN out of order";
	else if (rules->in_order && !gap && !s->broken)
		*ret_wrong = wrong_in_order(s, rules, pdu);
	else
		*ret_wrong = wrong_anywhere(s, rules, pdu);
	if (*ret_wrong)
		return SEQUENCE_WRONG;
	return rules->in_order && (gap || s->broken) ? SEQUENCE_DROP : SEQUENCE_TAKE;
}

uint32_t sequence_take(struct sequence *s, const struct pdu_data_out *pdu)
{
	uint32_t at = s->offset_bytes + s->done_bytes;
	uint32_t end = pdu->offset_bytes + pdu->data_bytes;
	uint32_t reached = at;

	s->data_sn = pdu->data_sn + 1;
	if (pdu->offset_bytes > at) {
		if (ranges_add(&s->ahead, pdu->offset_bytes, end))
			s->broken = true;
		return 0;
	}
	if (end > at)
		reached = end;
	if (s->ahead.n)
		reached = ranges_take(&s->ahead, reached);
	s->done_bytes += reached - at;
	return reached - at;
}

/* RFC 7143 7.3: the PDU that is rejected has used up its DataSN; those behind it go on from there. */
void sequence_lose(struct sequence *s, const struct pdu_data_out *pdu)
{
	s->data_sn = pdu->data_sn + 1;
	s->broken = true;
}
