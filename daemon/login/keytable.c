/* SPDX-License-Identifier: MIT */
/* The table of text keys: see keytable.h. */
#include "login/keytable.h"

#include <string.h>

#include "base/util.h"
#include "login/params.h"

#define SEGMENT_MAX 0xffffffu

#define LIMIT(m) { offsetof(struct login_limits, m), sizeof(((struct login_limits *)0)->m) }
#define PARAM(m) { offsetof(struct login_params, m), sizeof(((struct login_params *)0)->m) }
#define BOTH(m)  LIMIT(m), PARAM(m)
#define NONE     { 0, 0 }

#define BY_BOTH (BY_INITIATOR | BY_TARGET)
/* "LO" of RFC 7143 13: on the leading connection, in the operational stage. */
#define LEADING (USE_OPERATIONAL | USE_LEADING | BY_BOTH)
/* "IO": in the operational stage of every connection. */
#define INITIAL (USE_OPERATIONAL | BY_BOTH)
#define ALWAYS  (USE_SECURITY | USE_OPERATIONAL | USE_FULL_FEATURE)
/* RFC 7143 13: keys that say who is who may be in the security stage. */
#define IDENTITY (USE_SECURITY | USE_OPERATIONAL | USE_IDENTITY | BY_INITIATOR)

static const struct key_word DIGESTS[] = {
	{ "CRC32C", DIGEST_CRC32C }, { "None", DIGEST_NONE }, { NULL, 0 } };
static const struct key_word REPORTINGS[] = { { "RFC3720", REPORTING_RFC3720 },
	{ "ResponseFence", REPORTING_RESPONSE_FENCE }, { "FastAbort", REPORTING_FAST_ABORT },
	{ NULL, 0 } };
/* The bit of a declared word is one more than its value. */
static const struct key_word SESSION_TYPES[] = { { "Normal", SESSION_NORMAL + 1 },
	{ "Discovery", SESSION_DISCOVERY + 1 }, { NULL, 0 } };
/*
 * RFC 7143 13.25: the marker keys SHOULD be answered by Reject and MAY be by No. No is what an
 * initiator hopes for that still offers them, and ends no login; the intervals MUST be Reject.
 */
static const struct key_word NO[] = { { "No", 1 }, { NULL, 0 } };
static const struct key_word REJECT[] = { { "Reject", 1 }, { NULL, 0 } };

/* RFC 7143 11.13.8: all keys of section 13. */
const struct key_row KEY_TABLE[] = {
	/* RFC 7143 13.1 */
	{ "HeaderDigest", KEY_LIST, INITIAL, 0, 0, DIGESTS, BOTH(header_digest) },
	{ "DataDigest", KEY_LIST, INITIAL, 0, 0, DIGESTS, BOTH(data_digest) },
	/* RFC 7143 4.2.1, 13.2 */
	{ "MaxConnections", KEY_MIN, LEADING | USE_NORMAL, 1, 65535, NULL,
		BOTH(max_connections) },
	/* RFC 7143 13.3 */
	{ "SendTargets", KEY_OWNER, USE_FULL_FEATURE | BY_INITIATOR, 0, 0, NULL, NONE, NONE },
	/* RFC 7143 13.4, 13.5 */
	{ "TargetName", KEY_NAME, IDENTITY, 0, 0, NULL, NONE, PARAM(target_name) },
	{ "InitiatorName", KEY_NAME, IDENTITY, 0, 0, NULL, NONE, PARAM(initiator_name) },
	/* RFC 7143 13.6, 13.7 */
	{ "TargetAlias", KEY_TEXT, ALWAYS | BY_TARGET, 0, 0, NULL, NONE, NONE },
	{ "InitiatorAlias", KEY_TEXT, ALWAYS | BY_INITIATOR, 0, 0, NULL, NONE,
		PARAM(initiator_alias) },
	/* RFC 7143 13.8, 13.9 */
	{ "TargetAddress", KEY_TEXT, ALWAYS | BY_TARGET, 0, 0, NULL, NONE, NONE },
	{ "TargetPortalGroupTag", KEY_NUMBER, USE_SECURITY | USE_OPERATIONAL | BY_TARGET, 0, 65535,
		NULL, NONE, PARAM(portal_group_tag) },
	/* RFC 7143 13.10, 13.11 */
	{ "InitialR2T", KEY_OR, LEADING | USE_NORMAL, 0, 1, NULL, BOTH(initial_r2t) },
	{ "ImmediateData", KEY_AND, LEADING | USE_NORMAL, 0, 1, NULL, BOTH(immediate_data) },
	/* RFC 7143 13.12: each side declares what it takes, so what comes is what we may send */
	{ "MaxRecvDataSegmentLength", KEY_NUMBER, INITIAL | USE_FULL_FEATURE, 512, SEGMENT_MAX,
		NULL, LIMIT(max_recv_data_segment_bytes), PARAM(max_send_data_segment_bytes) },
	/* RFC 7143 13.13, 13.14 */
	{ "MaxBurstLength", KEY_MIN, LEADING | USE_NORMAL, 512, SEGMENT_MAX, NULL,
		BOTH(max_burst_bytes) },
	{ "FirstBurstLength", KEY_MIN, LEADING | USE_NORMAL | USE_LATE, 512, SEGMENT_MAX, NULL,
		BOTH(first_burst_bytes) },
	/* RFC 7143 13.15, 13.16 */
	{ "DefaultTime2Wait", KEY_MAX, LEADING, 0, 3600, NULL, BOTH(default_time2wait_s) },
	{ "DefaultTime2Retain", KEY_MIN, LEADING, 0, 3600, NULL, BOTH(default_time2retain_s) },
	/* RFC 7143 13.17 */
	{ "MaxOutstandingR2T", KEY_MIN, LEADING | USE_NORMAL | USE_LATE, 1, 65535, NULL,
		BOTH(max_outstanding_r2t) },
	/* RFC 7143 13.18, 13.19 */
	{ "DataPDUInOrder", KEY_OR, LEADING | USE_NORMAL, 0, 1, NULL, BOTH(data_pdu_in_order) },
	{ "DataSequenceInOrder", KEY_OR, LEADING | USE_NORMAL, 0, 1, NULL,
		BOTH(data_sequence_in_order) },
	/* RFC 7143 13.20 */
	{ "ErrorRecoveryLevel", KEY_MIN, LEADING, 0, 2, NULL, BOTH(error_recovery_level) },
	/* RFC 7143 13.21 */
	{ "SessionType", KEY_WORD, IDENTITY, 0, 0, SESSION_TYPES, NONE, PARAM(session_type) },
	/* RFC 7143 13.23, 13.24, RFC 7144 7.1.1 */
	{ "TaskReporting", KEY_LIST, LEADING | USE_NORMAL, 0, 0, REPORTINGS,
		BOTH(task_reporting) },
	{ "iSCSIProtocolLevel", KEY_MIN, LEADING | USE_NORMAL, 0, 31, NULL, BOTH(protocol_level) },
	/* RFC 7143 13.25 */
	{ "IFMarker", KEY_FIXED, INITIAL, 0, 0, NO, NONE, NONE },
	{ "OFMarker", KEY_FIXED, INITIAL, 0, 0, NO, NONE, NONE },
	{ "IFMarkInt", KEY_FIXED, INITIAL, 0, 0, REJECT, NONE, NONE },
	{ "OFMarkInt", KEY_FIXED, INITIAL, 0, 0, REJECT, NONE, NONE },
	/* RFC 7143 9.4, 13.26, 13.26.1, 13.26.2: of use to people only, and nothing depends on it: it is neither kept
	 * nor logged, and we tell none. It may come with the names as well. */
	{ "X#NodeArchitecture", KEY_TEXT, USE_SECURITY | USE_OPERATIONAL | BY_BOTH, 0, 0, NULL,
		NONE, NONE },
	/* RFC 7143 12.1 */
	{ "AuthMethod", KEY_METHODS, USE_SECURITY | BY_BOTH, 0, 0, NULL, NONE, NONE },
};

const size_t KEY_ROWS = ARRAY_SIZE(KEY_TABLE);
_Static_assert(ARRAY_SIZE(KEY_TABLE) <= 64, "a set of keys is 64 bits");

const struct key_row *key_find(const char *name, size_t bytes)
{
	for (size_t i = 0; i < KEY_ROWS; i++) {
		const char *own = KEY_TABLE[i].name;

		if (strlen(own) == bytes && !memcmp(own, name, bytes))
			return &KEY_TABLE[i];
	}
	return NULL;
}

uint64_t key_get(const void *base, struct key_field field)
{
	const char *p = (const char *)base + field.offset;
	uint16_t half;
	uint32_t word;

	switch (field.bytes) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&half, p, sizeof(half));
		return half;
	default:
		memcpy(&word, p, sizeof(word));
		return word;
	}
}

void key_set(void *base, struct key_field field, uint64_t value)
{
	char *p = (char *)base + field.offset;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	switch (field.bytes) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		memcpy(p, &half, sizeof(half));
		break;
	default:
		memcpy(p, &word, sizeof(word));
		break;
	}
}

uint8_t key_word_bit(const struct key_row *row, const char *word, size_t bytes)
{
	for (const struct key_word *w = row->words; w->word; w++) {
		if (strlen(w->word) == bytes && !memcmp(w->word, word, bytes))
			return w->bit;
	}
	return 0;
}

const char *key_word_name(const struct key_row *row, uint8_t bit)
{
	const struct key_word *w = row->words;

	while (w->word && w->bit != bit)
		w++;
	return w->word;
}
