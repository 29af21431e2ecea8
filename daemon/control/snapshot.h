/* SPDX-License-Identifier: MIT */
/*
 * What the daemon shows of itself at one moment: plain rows without pointers into anything that
 * lives, so that they can be filled on one loop and read on another. The rows of sessions are
 * collected by walking from loop to loop; a snapshot is used by one thread at a time.
 */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_NAME_MAX    224u /* an iSCSI name and its terminator */
#define SNAPSHOT_ALIAS_MAX   256u
#define SNAPSHOT_ADDRESS_MAX 80u
#define SNAPSHOT_DETAIL_MAX  160u
#define SNAPSHOT_USER_MAX    256u
#define SNAPSHOT_SETTING_MAX 1024u
#define SNAPSHOT_WORD_MAX    65u /* names of portals and devices */

struct snapshot_target {
	char name[SNAPSHOT_NAME_MAX];
	char alias[SNAPSHOT_ALIAS_MAX];
	char portals[256]; /* names, comma separated */
	uint32_t luns;
	uint32_t sessions;
	uint32_t max_sessions;
};

struct snapshot_lun {
	char target[SNAPSHOT_NAME_MAX];
	uint32_t lun;
	char device[SNAPSHOT_WORD_MAX];
	char backend[SNAPSHOT_WORD_MAX];
	uint32_t device_type; /* SPC-5 PERIPHERAL DEVICE TYPE */
	uint32_t block_bytes; /* 0: not a block device */
	uint64_t blocks;
	bool read_only;
	bool fenced;
	char detail[SNAPSHOT_DETAIL_MAX]; /* what the backend has to say of it now */
	uint32_t fenced_ways; /* of loops, or of sessions where each has its own */
	char layers[32];      /* those that are on */
};

struct snapshot_session {
	uint64_t id; /* what end_session() takes; never used twice */
	char initiator[SNAPSHOT_NAME_MAX];
	char user[SNAPSHOT_USER_MAX]; /* empty: it did not have to prove who it is */
	char isid[13]; /* twelve hexadecimal digits */
	uint32_t tsih;
	char target[SNAPSHOT_NAME_MAX]; /* empty: a discovery session */
	char portal[SNAPSHOT_WORD_MAX];
	uint32_t portal_group_tag;
	char peer[SNAPSHOT_ADDRESS_MAX];
	char local[SNAPSHOT_ADDRESS_MAX];
	int64_t login_time; /* seconds since 1970 */
	uint32_t connections;
	uint32_t max_connections; /* as negotiated */
	uint32_t error_recovery_level;
	uint64_t commands;
	uint64_t bytes_in;  /* Data-In payload: to the initiator */
	uint64_t bytes_out; /* Data-Out and immediate payload: from the initiator */
	uint32_t tasks;     /* outstanding now */
	uint32_t loop;
	bool header_digest;
	bool data_digest;
};

/* What a layer of a device does, or one of its rules. */
struct snapshot_layer {
	char device[SNAPSHOT_WORD_MAX];
	char layer[16];
	bool on;
	uint32_t rule; /* from 1 on; 0: the layer as a whole */
	char text[SNAPSHOT_SETTING_MAX]; /* the rule, or the file that is written to */
	uint64_t seen; /* commands that it is about */
	uint64_t hits; /* those to which something was done */
	uint64_t held; /* those that are kept now */
	uint64_t lost; /* those that could not be recorded */
};

/* What is asked to be done to a device; what is not needed is empty. */
struct snapshot_request {
	char device[SNAPSHOT_WORD_MAX];
	char layer[16];
	char setting[SNAPSHOT_SETTING_MAX];
};

/* One sample of a metric. Rows of one name follow each other. */
struct snapshot_counter {
	char name[64]; /* without the "sptgt_" in front: "connections_closed_total" */
	char help[160];
	char label[32]; /* empty: none */
	char label_value[64];
	bool gauge; /* may go down; otherwise it is a counter */
	uint64_t value;
};

struct snapshot {
	struct snapshot_target *targets;
	size_t n_targets, room_targets;
	struct snapshot_lun *luns;
	size_t n_luns, room_luns;
	struct snapshot_session *sessions;
	size_t n_sessions, room_sessions;
	struct snapshot_counter *counters;
	size_t n_counters, room_counters;
	struct snapshot_layer *layers;
	size_t n_layers, room_layers;
	char *report; /* lines for a person, or NULL */
};

/* A new zeroed row at the end, or NULL: out of memory. Valid until the next call. */
struct snapshot_target *snapshot_add_target(struct snapshot *snapshot);
struct snapshot_lun *snapshot_add_lun(struct snapshot *snapshot);
struct snapshot_session *snapshot_add_session(struct snapshot *snapshot);
struct snapshot_counter *snapshot_add_counter(struct snapshot *snapshot);
struct snapshot_layer *snapshot_add_layer(struct snapshot *snapshot);
/* 0 or -ENOMEM. @label NULL: none. What does not fit its field is cut. */
int snapshot_count(struct snapshot *snapshot, const char *name, const char *help, bool gauge,
	const char *label, const char *label_value, uint64_t value);
/* One more line of the report; left out when there is no memory. */
void snapshot_report(struct snapshot *snapshot, const char *line);
/* @text cut to fit. */
void snapshot_text(char *field, size_t field_bytes, const char *text);
/* Frees the rows and leaves an empty snapshot. */
void snapshot_deinit(struct snapshot *snapshot);

#endif
