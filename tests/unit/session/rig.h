/* SPDX-License-Identifier: MIT */
/*
 * One connection of the daemon over a socket pair, with the core and a scriptable device below it, on
 * the tests' host loop: what the initiator says goes in as bytes, what the target says comes out as
 * PDUs. Real sockets, virtual time.
 */
#ifndef TESTS_SESSION_RIG_H
#define TESTS_SESSION_RIG_H

#include <spt/buffer.h>

#include "fake_backend.h"
#include "fake_host.h"
#include "fullfeature/fullfeature.h"
#include "session/conn.h"
#include "session/session.h"

#define RIG_DATA_MAX (1u << 20)

struct rig {
	struct fake_host fake;
	struct spt_context *context;
	struct spt_device *device;
	struct fake_device *disk;
	struct spt_lun_map *map;
	struct session_env env;
	int peer;             /* the initiator's end */
	struct conn *conn;    /* NULL when it is gone */
	int other_peer; /* of a second connection, if there is one: rig_add(), rig_swap() */
	struct conn *other;
	struct session *session;
	unsigned conns_gone, sessions_gone, logins;
	enum close_reason reason; /* of the connection that is gone */
	uint32_t cmd_sn;      /* of the next command that is not immediate */
	unsigned window;
	struct login_params params; /* for rig_enter() */
	unsigned targets;           /* more of them, with long names, in the answer to SendTargets */
	bool join_later;      /* join() does nothing; rig_join() goes on */
};

/* A PDU from the target. */
struct rig_pdu {
	uint8_t bhs[BHS_BYTES];
	uint32_t bytes;
	uint8_t data[RIG_DATA_MAX];
};

/* A connection that has said nothing yet. */
void rig_open(struct rig *rig);
/* The peer closes if it has not, and everything is taken apart: no session, command or buffer is left. */
void rig_close(struct rig *rig);
/* From there straight to full feature phase with rig->params. */
void rig_enter(struct rig *rig);
/* The unit attention of the beginning is taken. */
void rig_enter_attended(struct rig *rig);
/* All of it. */
void rig_open_entered(struct rig *rig);
void rig_join(struct rig *rig);

/* A second connection of the session, with this CID, is the current one now; rig_swap() changes that. */
void rig_add(struct rig *rig, uint16_t cid);
void rig_swap(struct rig *rig);
/* The initiator's end of the current connection is closed, and what follows from that is done. */
void rig_lose(struct rig *rig);

/* Puts bytes on the wire; nothing happens until the loop is turned. */
void rig_put(struct rig *rig, const void *bytes, size_t n);
/* A PDU with padding, and digests as rig->params say; DataSegmentLength is set from @n. Settles. */
void rig_send(struct rig *rig, uint8_t *bhs, const void *data, uint32_t n);
/* The next PDU, after all is settled; NULL: there is none, or the end. Kept until the next call. */
const struct rig_pdu *rig_recv(struct rig *rig);
/* The same, which has to be this opcode. */
const struct rig_pdu *rig_expect(struct rig *rig, uint8_t opcode);
/* Nothing comes. */
void rig_silent(struct rig *rig);
/* The connection is closed, for this reason. */
void rig_gone(struct rig *rig, enum close_reason reason);
void rig_pass(struct rig *rig, uint64_t us);

/* Headers. @itt names the task; CmdSN is the next one unless immediate. */
struct rig_command {
	uint32_t itt;
	uint32_t expected;
	bool read, write, immediate;
	bool more;     /* F is not set: unsolicited data follows */
	uint8_t opcode;
	uint32_t skip; /* CmdSN is that many later */
};
void rig_command_bhs(struct rig *rig, const struct rig_command *c, uint8_t *bhs);
void rig_data_out_bhs(uint8_t *bhs, uint32_t itt, uint32_t ttt, uint32_t sn, uint32_t offset, bool final);
void rig_nop_bhs(struct rig *rig, uint8_t *bhs, uint32_t itt, bool immediate);
void rig_tmf_bhs(struct rig *rig, uint8_t *bhs, uint32_t itt, uint8_t function, uint32_t rtt,
	uint32_t ref_cmd_sn);
/* The device's channel. */
struct fake_channel *rig_channel(struct rig *rig);

#endif
