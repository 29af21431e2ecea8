/* SPDX-License-Identifier: MIT */
/*
 * A configuration that has been read and found good: plain structures, immutable, with one owner.
 * Names are resolved (a LUN holds the index of its device, a target those of its portals), limits
 * are kept, defaults are filled in. Every key and its limits are a row of schema.c.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <spt/device.h>
#include <spt/option.h>

#include "config/errors.h"
#include "config/prefix.h"
#include "config/secrets.h"

struct ini;

#define CONFIG_PORT      3260u /* iscsi-target, RFC 7143 13.1 */
#define CONFIG_ISNS_PORT 3205u /* RFC 4171 8 */
#define CONFIG_ISNS_MAX  4u    /* servers */
#define CONFIG_HOST_MAX  230u  /* of a name in a TargetAddress */

/* A list of CHAP algorithms by their numbers (RFC 7143 12.1.3), the one liked best first. */
struct config_algorithms {
	uint8_t n;
	uint8_t list[4];
};

/* Whose order of preference decides. */
enum config_order { CONFIG_ORDER_INITIATOR, CONFIG_ORDER_TARGET };

/* How initiators prove who they are: of a target, or of discovery sessions. */
struct config_auth {
	bool chap;       /* auth = chap */
	char *chap_file; /* NULL: none */
	struct config_algorithms algorithms;
	uint32_t order; /* enum config_order */
	const struct secrets *secrets; /* one of config.secrets; NULL: nobody has to prove anything */
};

struct config_address {
	struct sockaddr_storage sockaddr;
	socklen_t bytes;
	char text[INET6_ADDRSTRLEN + 24]; /* "[::1%lo]:3260", as a person writes it */
};

struct config_addresses {
	struct config_address *list;
	size_t n;
};

struct config_texts {
	char **list;
	size_t n;
};

struct config_daemon {
	uint32_t workers; /* event loops; 0: one for each CPU */
	uint64_t poll_us; /* how long they may stay awake without work */
	uint64_t gather_us; /* and let commands gather */
	uint64_t balance_interval_us; /* target/migrate.h; 0: never */
	uint64_t memory_bytes; /* for payload, of all sessions together; 0: a part of the machine's */
	char *control_socket;
	char *state_dir;
	char *user;  /* NULL: stay what we are */
	char *group; /* NULL: the user's */
	uint32_t log_level; /* enum log_level */
	uint64_t drain_timeout_us;
	uint32_t max_connections;  /* of all portals together */
	uint32_t max_logins;       /* connections whose login is not finished */
	uint64_t login_timeout_us; /* from accept to the full feature phase */
	uint64_t logout_wait_us;   /* from the request to log out to the end of the session */
	struct config_auth discovery_auth;
	struct config_texts isns;     /* iSNS servers, "HOST:PORT"; none: no iSNS */
	char *isns_entity;            /* NULL: made from the machine's name */
	uint64_t isns_period_us;
	uint16_t isns_port;
};

struct config_portal {
	char *name;
	struct config_addresses listen;
	struct config_addresses advertise; /* what initiators are told instead; none: those */
	uint16_t tag;             /* target portal group tag; the same for all of a group */
	uint64_t nop_interval_us; /* silence after which a NOP-In is sent; 0: never */
	uint64_t nop_timeout_us;  /* how long its answer may take */
};

enum config_reservations { CONFIG_RESERVATIONS_EMULATE, CONFIG_RESERVATIONS_RAW };

struct config_device {
	char *name;
	const struct spt_backend_ops *backend;
	struct spt_option_value *values; /* parallel to spt_backend_options() */
	size_t n_values;
	struct spt_option_value *layer_values; /* parallel to spt_layer_options() */
	struct spt_escalation escalation;
	uint32_t reservations; /* enum config_reservations */
	bool exclusive; /* one initiator at a time */
	unsigned line; /* of its section, for messages at start-up */
};

struct config_lun {
	uint16_t lun;
	size_t device; /* index into config.devices */
	bool read_only;
	char **initiators; /* of those that may log in, who sees it; none: all of them */
	size_t n_initiators;
	struct prefixes addresses; /* and from where; none: from everywhere */
	struct spt_identity identity; /* in place of the device's, where it has one */
};

enum {
	CONFIG_DIGEST_NONE = 1 << 0,
	CONFIG_DIGEST_CRC32C = 1 << 1,
};

/* A list of digests in order of preference. */
struct config_digests {
	uint8_t n;
	uint8_t list[2]; /* CONFIG_DIGEST_* */
};

/* How task management reports (RFC 7143 13.23). */
enum {
	CONFIG_REPORTING_RFC3720 = 1 << 0,
	CONFIG_REPORTING_RESPONSE_FENCE = 1 << 1,
	CONFIG_REPORTING_FAST_ABORT = 1 << 2,
};

/* What we offer and accept in the negotiation of a session (RFC 7143 13). */
struct config_negotiation {
	bool initial_r2t;
	bool immediate_data;
	uint32_t max_recv_data_segment_length;
	uint32_t max_burst_length;
	uint32_t first_burst_length;
	uint32_t max_outstanding_r2t;
	uint32_t max_connections;
	uint32_t error_recovery_level;
	bool data_pdu_in_order;      /* true: demanded */
	bool data_sequence_in_order; /* true: demanded */
	uint32_t time_to_wait_s;   /* DefaultTime2Wait */
	uint32_t time_to_retain_s; /* DefaultTime2Retain */
	struct config_digests header_digest;
	struct config_digests data_digest;
	uint8_t task_reporting;  /* set of CONFIG_REPORTING_* */
	uint32_t protocol_level; /* iSCSIProtocolLevel, at most */
};

/* What becomes of TARGET WARM RESET and TARGET COLD RESET. */
enum config_target_reset { CONFIG_RESET_ALLOW, CONFIG_RESET_DENY, CONFIG_RESET_UNSUPPORTED };

/* As STATES of schema.c. */
enum config_state { CONFIG_STATE_ONLINE, CONFIG_STATE_OFFLINE, CONFIG_STATE_REMOVED };

struct config_target {
	char *label; /* NAME of [target-NAME] */
	char *name;  /* an iSCSI name in its normal form */
	char *alias; /* NULL: none */
	size_t *portals; /* indexes into config.portals, none twice */
	size_t n_portals;
	struct config_lun *luns; /* in ascending order of LUN */
	size_t n_luns;
	char **initiators; /* for name_match() of wire/names.h; nobody else may log in */
	size_t n_initiators;
	struct prefixes addresses; /* from where they may; none: from everywhere */
	struct config_texts redirect; /* not here but there, in turn; none: here */
	bool redirect_permanent;
	uint32_t state; /* enum config_state */
	struct config_auth auth;
	struct config_negotiation negotiation;
	uint32_t max_sessions;
	uint32_t queue_depth;  /* commands a session may have outstanding: its command window */
	uint64_t budget_bytes; /* payload memory that the tasks of a session may hold */
	uint32_t target_reset; /* enum config_target_reset */
	uint64_t abort_data_wait_us;
	uint64_t fence_wait_us;
	uint64_t data_out_wait_us;
	bool scsi_events; /* unit attentions are told by Asynchronous Messages */
	unsigned line;
};

struct config {
	struct config_daemon daemon;
	struct config_portal *portals;
	size_t n_portals;
	struct config_device *devices;
	size_t n_devices;
	struct config_target *targets;
	size_t n_targets;
	struct secrets **secrets; /* each file once, whoever uses it */
	size_t n_secrets;
	char **texts; /* every string that a device's values point at */
	size_t n_texts;
	struct ini *ini; /* as it was written: for the next one to be compared with */
};

/*
 * 0 and the configuration; otherwise nothing but @errors: -EINVAL when faults were found (all are
 * told, not the first only), -errno when the file cannot be read (told as well), -ENOMEM. @errors
 * is initialised here. Warnings may be there in either case.
 */
int config_load(const char *path, struct config_errors *errors, struct config **ret);
/* The same from memory; @name stands for the file in messages. */
int config_parse(const char *name, const void *data, size_t bytes, struct config_errors *errors,
	struct config **ret);
/*
 * The configuration of --demo: one target with one memory disk on the loopback. @listen takes the
 * place of its portal's listen key; NULL: 127.0.0.1:3260.
 */
int config_demo(const char *listen, struct config_errors *errors, struct config **ret);
/* The text config_demo() reads, for a person who asks. */
const char *config_demo_text(void);
void config_free(struct config *config);

#endif
