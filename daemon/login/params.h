/* SPDX-License-Identifier: MIT */
/*
 * What a login is about in numbers: the limits that a target offers, which come from the
 * configuration, and the parameters that came out of the negotiation (RFC 7143 13).
 *
 * struct login_params belongs to one connection; its second half is the session's and is the same
 * on all connections of the session. It holds no pointers: copy it as it is.
 */
#ifndef LOGIN_PARAMS_H
#define LOGIN_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sn.h"
#include "wire/names.h"

#define LOGIN_ALIAS_MAX   255u /* RFC 7143 6.1: the longest simple value */
#define LOGIN_USER_MAX    255u
#define LOGIN_ADDRESS_MAX 255u

/* A set of digests: what we accept, or what is in use. */
enum login_digest {
	DIGEST_NONE = 1 << 0,
	DIGEST_CRC32C = 1 << 1,
};

/* RFC 7143 13.23. */
enum login_task_reporting {
	REPORTING_RFC3720 = 1 << 0,
	REPORTING_RESPONSE_FENCE = 1 << 1,
	REPORTING_FAST_ABORT = 1 << 2,
};

/* RFC 7143 13.21. */
enum login_session_type {
	SESSION_NORMAL = 0,
	SESSION_DISCOVERY = 1,
};

/* Our side of every negotiation. login_limits_default() is the start; login_limits_check() judges
 * what the configuration made of it. */
struct login_limits {
	/* of a connection */
	uint8_t header_digest; /* set of enum login_digest that we accept */
	uint8_t data_digest;
	uint32_t max_recv_data_segment_bytes; /* what we declare: the longest data segment that we take */
	/* of a session */
	uint16_t max_connections;       /* at most */
	uint16_t max_outstanding_r2t;   /* at most */
	uint32_t max_burst_bytes;       /* at most */
	uint32_t first_burst_bytes;     /* at most */
	uint16_t default_time2wait_s;   /* at least */
	uint16_t default_time2retain_s; /* at most */
	uint8_t error_recovery_level;   /* at most */
	uint8_t protocol_level;         /* at most; RFC 7143 13.24 */
	uint8_t task_reporting;         /* set of enum login_task_reporting that we can do */
	bool initial_r2t;               /* true: we insist */
	bool immediate_data;            /* false: we refuse */
	bool data_pdu_in_order;         /* true: we insist */
	bool data_sequence_in_order;    /* true: we insist */
};

/* The defaults of RFC 7143 13, opened as far as this target can go. */
struct login_limits login_limits_default(void);
/* NULL, or the name of the key whose limit is out of its range or contradicts another. */
const char *login_limits_check(const struct login_limits *limits);

struct login_params {
	/* of this connection */
	uint16_t cid;
	uint8_t header_digest; /* one of enum login_digest */
	uint8_t data_digest;
	uint32_t max_recv_data_segment_bytes; /* ours, the longest that we declared: for what we receive */
	uint32_t recv_limit_bytes;            /* what we would declare, if we were to do so again */
	bool asked_to_negotiate;              /* recv_limit_bytes is told with the next text, whatever that says */
	uint32_t max_send_data_segment_bytes; /* the initiator's, as declared: for what we send */
	sn_t stat_sn;   /* the next one on this connection */
	sn_t cmd_sn;    /* of the Login Requests: ExpCmdSN of a new session */

	/* of the session */
	uint8_t session_type; /* enum login_session_type */
	uint8_t isid[6];
	uint16_t tsih;
	uint16_t portal_group_tag;
	char initiator_name[NAME_MAX_BYTES + 1]; /* normalised */
	char initiator_alias[LOGIN_ALIAS_MAX + 1];
	char target_name[NAME_MAX_BYTES + 1]; /* normalised; may be empty in a discovery session */
	char user[LOGIN_USER_MAX + 1];        /* empty: not authenticated */
	uint16_t max_connections;
	uint16_t max_outstanding_r2t;
	uint32_t max_burst_bytes;
	uint32_t first_burst_bytes;
	uint16_t default_time2wait_s;
	uint16_t default_time2retain_s;
	uint8_t error_recovery_level;
	uint8_t protocol_level;
	uint8_t task_reporting; /* one of enum login_task_reporting */
	bool initial_r2t;
	bool immediate_data;
	bool data_pdu_in_order;
	bool data_sequence_in_order;
};

/* Every key at its default (RFC 7143 13): what holds before anything is negotiated. */
struct login_params login_params_default(void);

#endif
