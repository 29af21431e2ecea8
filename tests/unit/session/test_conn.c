/* SPDX-License-Identifier: MIT */
/* Connections: framing, digests, lengths, the keep-alive, what a peer can make us hold, the ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "rig.h"
#include "wire/keys.h"
#include "wire/login_request.h"
#include "wire/logout_request.h"
#include "wire/reject.h"
#include "wire/text_request.h"

static void ping(struct rig *rig)
{
	uint8_t bhs[BHS_BYTES];

	rig_nop_bhs(rig, bhs, 0x999, true);
	rig_send(rig, bhs, "ping", 4);
	const struct rig_pdu *r = rig_expect(rig, OP_NOP_IN);
	assert_int_equal(r->bytes, 4);
	assert_memory_equal(r->data, "ping", 4);
}

static size_t login_pdu(uint8_t *to, bool transit, const char *text, size_t n)
{
	struct pdu_login_request q = {
		.transit = transit, .csg = STAGE_OPERATIONAL, .nsg = STAGE_FULL_FEATURE,
		.data_bytes = (uint32_t)n, .isid = { 0x80, 1, 2, 3, 4, 5 }, .itt = 9, .cmd_sn = sn(50),
	};

	pdu_login_request_encode(&q, to);
	memcpy(to + BHS_BYTES, text, n);
	memset(to + BHS_BYTES + n, 0, bhs_padding((uint32_t)n));
	return BHS_BYTES + n + bhs_padding((uint32_t)n);
}

static const char KEYS[] = "InitiatorName=iqn.2026-11.org.example:i\0"
			   "TargetName=iqn.2026-11.org.example:t\0SessionType=Normal\0"
			   "HeaderDigest=None\0DataDigest=None";

/* Answers until the target has said that full feature phase begins. */
static void finish_login(struct rig *rig)
{
	uint8_t pdu[BHS_BYTES];

	for (int i = 0; i < 4; i++) {
		const struct rig_pdu *r = rig_expect(rig, OP_LOGIN_RESPONSE);
		assert_int_equal(be16_get(r->bhs + 36), 0);
		if (r->bhs[1] & 0x80)
			return;
		login_pdu(pdu, true, "", 0);
		rig_put(rig, pdu, BHS_BYTES);
	}
	fail_msg("the login does not end");
}

/* A login that arrives in two parts, cut anywhere; then byte by byte; and behind it a ping. */
static void login_in_pieces(void **state)
{
	uint8_t pdu[2048];
	size_t n = login_pdu(pdu, true, KEYS, sizeof(KEYS));

	for (size_t cut = 0; cut <= n; cut++) {
		struct rig rig;

		rig_open(&rig);
		rig_put(&rig, pdu, cut);
		fake_host_settle(&rig.fake);
		for (size_t i = cut; i < n; i += cut ? n : 1) {
			rig_put(&rig, pdu + i, cut ? n - cut : 1);
			fake_host_settle(&rig.fake);
		}
		finish_login(&rig);
		assert_int_equal(rig.logins, 1);
		rig.cmd_sn = 50;
		ping(&rig);
		rig_close(&rig);
	}
}

/* Several PDUs in one piece, cut anywhere, with and without digests. */
static void pings_in_pieces(void **state)
{
	for (unsigned digests = 0; digests < 4; digests++) {
		for (size_t cut = 0; cut < 3 * (BHS_BYTES + 4 + 12); cut++) {
			struct rig rig;
			uint8_t bhs[BHS_BYTES], stream[512];
			int fds[2];
			size_t n;

			rig_open(&rig);
			rig.params.header_digest = digests & 1 ? DIGEST_CRC32C : DIGEST_NONE;
			rig.params.data_digest = digests & 2 ? DIGEST_CRC32C : DIGEST_NONE;
			rig_enter(&rig);
			/* Made by sending them elsewhere. */
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
			int peer = rig.peer;
			rig.peer = fds[0];
			for (uint32_t i = 0; i < 3; i++) {
				rig_nop_bhs(&rig, bhs, i, true);
				rig_send(&rig, bhs, "abcdefgh", 5 + i);
			}
			rig.peer = peer;
			n = (size_t)recv(fds[1], stream, sizeof(stream), MSG_DONTWAIT);
			close(fds[0]);
			close(fds[1]);
			cut = MIN(cut, n);
			rig_put(&rig, stream, cut);
			fake_host_settle(&rig.fake);
			rig_put(&rig, stream + cut, n - cut);
			for (uint32_t i = 0; i < 3; i++) {
				const struct rig_pdu *r = rig_expect(&rig, OP_NOP_IN);
				assert_int_equal(bhs_itt(r->bhs), i);
				assert_int_equal(r->bytes, 5 + i);
				assert_memory_equal(r->data, "abcdefgh", 5 + i);
			}
			rig_close(&rig);
			if (cut == n)
				break;
		}
	}
}

static void wrong_header_digest(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES], digest[4] = { 1, 2, 3, 4 };

	rig_open(&rig);
	rig.params.header_digest = DIGEST_CRC32C;
	rig_enter(&rig);
	rig_nop_bhs(&rig, bhs, 1, true);
	rig_put(&rig, bhs, sizeof(bhs));
	rig_put(&rig, digest, sizeof(digest));
	rig_gone(&rig, CLOSE_HEADER_DIGEST);
	rig_close(&rig);
}

/* RFC 7143 7.8: rejected, and as if it had not come. */
static void wrong_data_digest(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES], data[8] = "data";

	rig_open(&rig);
	rig.params.data_digest = DIGEST_CRC32C;
	rig_enter(&rig);
	rig_nop_bhs(&rig, bhs, 1, false);
	be24_put(bhs + 5, 4);
	rig_put(&rig, bhs, sizeof(bhs));
	rig_put(&rig, data, 8);
	const struct rig_pdu *r = rig_expect(&rig, OP_REJECT);
	assert_int_equal(r->bhs[2], REJECT_DATA_DIGEST);
	assert_int_equal(be32_get(r->bhs + 28), 100); /* ExpCmdSN */
	assert_memory_equal(r->data, bhs, BHS_BYTES);
	rig.cmd_sn = 100;
	ping(&rig);
	rig_close(&rig);
}

/* One byte more than declared, before any of it is here; and in the login, where 8192 is the limit. */
static void too_long(void **state)
{
	for (unsigned login = 0; login < 2; login++) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		rig_open(&rig);
		if (login) {
			login_pdu(bhs, true, "", 0);
		} else {
			rig_enter(&rig);
			rig_nop_bhs(&rig, bhs, 1, true);
		}
		be24_put(bhs + 5, login ? 8193 : 262145);
		rig_put(&rig, bhs, sizeof(bhs));
		rig_gone(&rig, CLOSE_PDU_TOO_LONG);
		rig_close(&rig);
	}
}

/* RFC 7143 7.7: every TotalAHSLength on a message that may have none is the end of the session, once the PDU is there. */
static void additional_headers(void **state)
{
	static uint8_t ahs[AHS_MAX_BYTES];

	for (unsigned words = 1; words < 256; words += words < 4 ? 1 : 84) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		rig_open(&rig);
		rig_enter(&rig);
		rig_nop_bhs(&rig, bhs, 1, true);
		bhs[4] = (uint8_t)words;
		rig_put(&rig, bhs, sizeof(bhs));
		fake_host_settle(&rig.fake);
		rig_put(&rig, ahs, words * 4);
		fake_host_settle(&rig.fake);
		rig_gone(&rig, CLOSE_FORMAT_ERROR);
		assert_int_equal(rig.sessions_gone, 1);
		rig_close(&rig);
	}
}

/* The peer closes after every number of bytes of a write with its data. */
static void closed_anywhere(void **state)
{
	static uint8_t stream[2 * BHS_BYTES + 1024];

	for (size_t n = 0; n < sizeof(stream); n += n < 200 ? 1 : 61) {
		struct rig rig;

		rig_open_entered(&rig);
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true, .expected = 1024,
			.more = true }, stream);
		be24_put(stream + 5, 512);
		rig_data_out_bhs(stream + BHS_BYTES + 512, 5, TAG_NONE, 0, 512, true);
		be24_put(stream + 2 * BHS_BYTES + 512 - BHS_BYTES + 5, 512);
		rig_put(&rig, stream, n);
		fake_host_settle(&rig.fake);
		close(rig.peer);
		rig.peer = -1;
		rig_gone(&rig, CLOSE_PEER_CLOSED);
		rig_close(&rig);
	}
}

/* Silence: a ping of ours, and no answer to it ends the connection; any answer keeps it. */
static void keepalive(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	rig_open(&rig);
	rig_enter(&rig);
	rig_pass(&rig, 15000000);
	rig_pass(&rig, 5000000);
	const struct rig_pdu *r = rig_expect(&rig, OP_NOP_IN);
	assert_int_equal(bhs_itt(r->bhs), TAG_NONE);
	uint32_t ttt = be32_get(r->bhs + 20);
	assert_int_not_equal(ttt, TAG_NONE);
	/* RFC 7143 11.19.1: StatSN is the next one and does not advance */
	assert_int_equal(be32_get(r->bhs + 24), 7);
	rig_nop_bhs(&rig, bhs, TAG_NONE, true);
	be32_put(bhs + 20, ttt);
	rig_send(&rig, bhs, NULL, 0);
	rig_silent(&rig);
	for (unsigned i = 0; i < 3; i++)
		rig_pass(&rig, 5000000);
	rig_expect(&rig, OP_NOP_IN);
	rig_pass(&rig, 5000000);
	rig_silent(&rig);
	rig_pass(&rig, 5000000);
	rig_pass(&rig, 5000000);
	rig_gone(&rig, CLOSE_NOP_TIMEOUT);
	rig_close(&rig);
}

/* What was queued this instant is not stalled, however long nothing was said before. */
static void not_stalled(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	rig_open(&rig);
	rig_enter(&rig);
	/* The initiator speaks all the time and wants no answers. */
	for (unsigned i = 0; i < 20; i++) {
		rig_nop_bhs(&rig, bhs, TAG_NONE, true);
		rig_send(&rig, bhs, NULL, 0);
		rig_pass(&rig, 4000000);
	}
	rig.conn->tx.blocked = true; /* for this instant */
	rig_nop_bhs(&rig, bhs, 1, true);
	rig_send(&rig, bhs, NULL, 0);
	rig_pass(&rig, 5000000);
	assert_non_null(rig.conn);
	rig.conn->tx.blocked = false;
	tx_writable(rig.conn);
	rig_expect(&rig, OP_NOP_IN);
	rig_close(&rig);
}

/* A peer that takes nothing of what it is owed. */
static void stalled(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	rig_open(&rig);
	rig_enter(&rig);
	rig.conn->tx.blocked = true;
	rig_nop_bhs(&rig, bhs, 1, true);
	rig_send(&rig, bhs, NULL, 0);
	for (unsigned i = 0; i < 6; i++) {
		rig_nop_bhs(&rig, bhs, TAG_NONE, true);
		rig_send(&rig, bhs, NULL, 0);
		rig_pass(&rig, 5000000);
	}
	rig_gone(&rig, CLOSE_SEND_STALLED);
	rig_close(&rig);
}

/* Who does not read his answers is not read from: what we hold for him is bounded in bytes. */
static void bounded_answers(void **state)
{
	static uint8_t data[262144];
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	size_t sent = 0, at = 0;

	rig_open(&rig);
	rig.params.max_send_data_segment_bytes = sizeof(data);
	rig_enter(&rig);
	rig_nop_bhs(&rig, bhs, 1, true);
	be24_put(bhs + 5, sizeof(data));
	for (unsigned idle = 0; idle < 3 && sent < (64u << 20);) {
		const uint8_t *p = at < BHS_BYTES ? bhs + at : data + (at - BHS_BYTES);
		size_t n = at < BHS_BYTES ? BHS_BYTES - at : BHS_BYTES + sizeof(data) - at;
		ssize_t r = send(rig.peer, p, n, MSG_NOSIGNAL);
		fake_host_settle(&rig.fake);
		idle = r < 0 ? idle + 1 : 0;
		if (r < 0)
			continue;
		sent += (size_t)r;
		at = (at + (size_t)r) % (BHS_BYTES + sizeof(data));
	}
	assert_true(sent < 8u << 20);
	/* And when he reads, all of it comes. */
	for (unsigned i = 0; i < sent / (BHS_BYTES + sizeof(data)); i++)
		assert_int_equal(rig_expect(&rig, OP_NOP_IN)->bytes, sizeof(data));
	assert_non_null(rig.conn);
	rig_close(&rig);
}

/* Who reads slowly is not read from meanwhile, and that is not his silence. */
static void slow_reader(void **state)
{
	static uint8_t data[262144];
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	rig_open(&rig);
	rig.params.max_send_data_segment_bytes = sizeof(data);
	rig_enter(&rig);
	for (uint32_t i = 0; i < 24; i++) {
		rig_nop_bhs(&rig, bhs, i, true);
		be24_put(bhs + 5, sizeof(data));
		for (size_t at = 0; at < BHS_BYTES + sizeof(data);) {
			const uint8_t *p = at < BHS_BYTES ? bhs + at : data + at - BHS_BYTES;
			size_t n = at < BHS_BYTES ? BHS_BYTES - at : BHS_BYTES + sizeof(data) - at;
			ssize_t r = send(rig.peer, p, n, MSG_NOSIGNAL);
			if (r > 0) {
				at += (size_t)r;
				continue;
			}
			/* Nothing more goes in: take one answer, slowly. */
			fake_host_settle(&rig.fake);
			if (rig.conn->rx.paused) {
				rig_expect(&rig, OP_NOP_IN);
				for (unsigned half = 0; half < 2; half++)
					rig_pass(&rig, 4900000);
				assert_non_null(rig.conn);
			}
		}
	}
	assert_non_null(rig.conn);
	rig_close(&rig);
}

static void text_pdu(struct rig *rig, uint8_t *bhs, uint32_t ttt, bool final, bool continues)
{
	struct pdu_text_request q = {
		.immediate = true, .final = final, .continues = continues, .itt = 3, .ttt = ttt,
		.cmd_sn = sn(rig->cmd_sn),
	};

	pdu_text_request_encode(&q, bhs);
}

/* RFC 7143 11.11.1: F in answer to a request without F is an error. */
static void text_without_final(void **state)
{
	static const char ask[] = "SendTargets=All";
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	rig_open(&rig);
	rig.params.session_type = SESSION_DISCOVERY;
	rig_enter(&rig);
	text_pdu(&rig, bhs, TAG_NONE, false, false);
	rig_send(&rig, bhs, ask, sizeof(ask));
	const struct rig_pdu *r = rig_expect(&rig, OP_TEXT_RESPONSE);
	assert_int_equal(r->bhs[1] & 0xc0, 0);
	assert_true(r->bytes > 0);
	uint32_t ttt = be32_get(r->bhs + 20);
	assert_int_not_equal(ttt, TAG_NONE);
	text_pdu(&rig, bhs, ttt, true, false);
	rig_send(&rig, bhs, NULL, 0);
	r = rig_expect(&rig, OP_TEXT_RESPONSE);
	assert_int_equal(r->bhs[1] & 0xc0, 0x80);
	assert_int_equal(r->bytes, 0);
	assert_int_equal(be32_get(r->bhs + 20), TAG_NONE);
	rig_close(&rig);
}

/* RFC 7143 11.10, appendix C: an answer of a mebibyte is told in pieces; what is longer is refused, and the session goes on. */
static void text_long_answer(void **state)
{
	static const char ask[] = "SendTargets=All";
	const uint32_t line = sizeof("TargetName=") - 1 + SPT_NAME_MAX + 1;
	const uint32_t first = sizeof("TargetName=iqn.2026-11.org.example:t");
	const unsigned most = ((1u << 20) - first) / line;
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	uint32_t bytes = 0, ttt = TAG_NONE;

	rig_open(&rig);
	rig.params.session_type = SESSION_DISCOVERY;
	rig_enter(&rig);
	rig.targets = most + 1;
	text_pdu(&rig, bhs, TAG_NONE, true, false);
	rig_send(&rig, bhs, ask, sizeof(ask));
	assert_int_equal(rig_expect(&rig, OP_REJECT)->bhs[2], REJECT_LONG_OPERATION);
	rig.targets = most;
	for (unsigned i = 0; i < 200; i++) {
		text_pdu(&rig, bhs, ttt, true, false);
		rig_send(&rig, bhs, ask, i ? 0 : sizeof(ask));
		const struct rig_pdu *r = rig_expect(&rig, OP_TEXT_RESPONSE);
		bytes += r->bytes;
		ttt = be32_get(r->bhs + 20);
		if (ttt == TAG_NONE)
			break;
	}
	assert_int_equal(ttt, TAG_NONE);
	assert_int_equal(bytes, first + most * line);
	rig_close(&rig);
}

static unsigned trims;
static struct spt_work *trim_waits;
int __wrap_malloc_trim(size_t pad);

int __wrap_malloc_trim(size_t pad)
{
	trims++;
	return 1;
}

static void keep_work(struct spt_host *host, struct spt_work *work)
{
	assert_null(trim_waits);
	trim_waits = work;
}

/* Giving memory back to the system may take long: not on the loop, and by one at a time. */
static void trimmed_elsewhere(void **state)
{
	struct rig rig;

	rig_open(&rig);
	struct spt_host_ops ops = *rig.fake.host.ops;
	const struct spt_host_ops *own = rig.fake.host.ops;
	ops.offload = keep_work;
	rig.fake.host.ops = &ops;
	for (unsigned round = 0; round < 2; round++) {
		trims = 0;
		for (unsigned i = 0; i < 2; i++) {
			session_env_used(&rig.env);
			rig.env.sessions_ended = 1000;
			rig_pass(&rig, 4000000);
			assert_int_equal(rig.env.sessions_ended, 0);
			assert_int_equal(trims, 0);
		}
		assert_non_null(trim_waits);
		struct spt_work *work = TAKE(trim_waits);
		work->work(work);
		assert_int_equal(trims, 1);
		work->done(work);
	}
	rig.fake.host.ops = own;
	rig_close(&rig);
}

/* A refused login is answered once, whatever had been sent behind it. */
static void refused_once(void **state)
{
	struct rig rig;
	uint8_t pdu[3 * 512];
	size_t n = login_pdu(pdu, true, "InitiatorName=", 14); /* no name */

	n += login_pdu(pdu + n, true, KEYS, sizeof(KEYS));
	n += login_pdu(pdu + n, true, KEYS, sizeof(KEYS));
	rig_open(&rig);
	rig_put(&rig, pdu, n);
	const struct rig_pdu *r = rig_expect(&rig, OP_LOGIN_RESPONSE);
	assert_int_not_equal(be16_get(r->bhs + 36), 0);
	assert_null(rig_recv(&rig));
	rig_gone(&rig, CLOSE_LOGIN_REFUSED);
	rig_close(&rig);
}

static void login_deadline(void **state)
{
	struct rig rig;

	rig_open(&rig);
	rig_pass(&rig, 14999999);
	assert_non_null(rig.conn);
	rig_pass(&rig, 1);
	rig_gone(&rig, CLOSE_LOGIN_DEADLINE);
	rig_close(&rig);
}

static void closed_while_joining(void **state)
{
	struct rig rig;
	uint8_t pdu[2048];

	rig_open(&rig);
	rig.join_later = true;
	rig_put(&rig, pdu, login_pdu(pdu, true, KEYS, sizeof(KEYS)));
	fake_host_settle(&rig.fake);
	const struct rig_pdu *r = rig_recv(&rig);
	if (r) /* it wants one more exchange first */
		rig_put(&rig, pdu, login_pdu(pdu, true, "", 0));
	fake_host_settle(&rig.fake);
	assert_true(rig.conn->joining);
	rig_pass(&rig, 15000000);
	rig_gone(&rig, CLOSE_LOGIN_DEADLINE);
	rig_close(&rig);
}

static void logout(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	struct pdu_logout_request q = { .immediate = true, .itt = 4, .cid = 77, .reason = 1 };

	rig_open_entered(&rig);
	pdu_logout_request_encode(&q, bhs);
	rig_send(&rig, bhs, NULL, 0);
	assert_int_equal(rig_expect(&rig, OP_LOGOUT_RESPONSE)->bhs[2], 1); /* no such CID */
	ping(&rig);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 10 }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	q.reason = 0;
	pdu_logout_request_encode(&q, bhs);
	rig_put(&rig, bhs, BHS_BYTES);
	rig_nop_bhs(&rig, bhs, 6, true); /* RFC 7143 11.14: nothing may follow */
	rig_send(&rig, bhs, NULL, 0);
	rig_silent(&rig); /* the command has not left its device */
	fake_complete(rig_channel(&rig));
	assert_int_equal(rig_expect(&rig, OP_LOGOUT_RESPONSE)->bhs[2], 0);
	assert_null(rig_recv(&rig));
	rig_gone(&rig, CLOSE_LOGOUT);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login_in_pieces),
		cmocka_unit_test(pings_in_pieces),
		cmocka_unit_test(wrong_header_digest),
		cmocka_unit_test(wrong_data_digest),
		cmocka_unit_test(too_long),
		cmocka_unit_test(additional_headers),
		cmocka_unit_test(closed_anywhere),
		cmocka_unit_test(keepalive),
		cmocka_unit_test(not_stalled),
		cmocka_unit_test(stalled),
		cmocka_unit_test(bounded_answers),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(text_without_final),
		cmocka_unit_test(text_long_answer),
		cmocka_unit_test(trimmed_elsewhere),
		cmocka_unit_test(refused_once),
		cmocka_unit_test(login_deadline),
		cmocka_unit_test(closed_while_joining),
		cmocka_unit_test(logout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
