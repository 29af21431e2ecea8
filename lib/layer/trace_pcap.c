/* SPDX-License-Identifier: MIT */
/*
 * A command as packets: the iSCSI PDUs that it would be, in TCP segments of a connection for each
 * session, in a file as tcpdump writes it (pcap, version 2.4). Addresses are those of documentation
 * (RFC 5737) where the peer's is no IPv4 address; of long data only the beginning is there, as if it
 * had been captured with a short snapshot length.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <spt/task.h>

#include "base/be.h"
#include "base/util.h"
#include "layer/trace.h"

#define LINKTYPE_IPV4 228u
#define PIECE_BYTES   32768u
#define HEADERS	      40u /* IP, TCP */
#define BHS	      48u
#define FLOWS	      64u

struct flow {
	uint64_t session;
	uint64_t used; /* when last: the oldest one gives way */
	uint32_t peer; /* address */
	uint16_t port;
	uint32_t to_target, to_initiator; /* next sequence numbers */
	uint32_t stat_sn;
};

struct trace_pcap {
	struct flow flows[FLOWS];
	uint64_t clock;
};

/* One segment on its way into the file. */
struct segment {
	FILE *to;
	struct flow *flow;
	bool to_target;
	uint64_t us;
	uint8_t bytes[HEADERS + BHS + 260 + SPT_SENSE_MAX + 8 + TRACE_DATA_MAX];
	uint32_t n;	/* of these, behind the headers */
	uint32_t whole; /* what it would be */
};

struct trace_pcap *trace_pcap_new(void)
{
	return calloc(1, sizeof(struct trace_pcap));
}

static void put_le32(FILE *to, uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	fwrite(b, 1, sizeof(b), to);
}

void trace_pcap_head(FILE *to)
{
	put_le32(to, 0xa1b2c3d4);
	put_le32(to, 4u << 16 | 2u);
	put_le32(to, 0);
	put_le32(to, 0);
	put_le32(to, 65535);
	put_le32(to, LINKTYPE_IPV4);
}

/* "192.0.2.1:40000" */
static void set_peer(struct flow *f, const char *peer, size_t bytes, unsigned slot)
{
	char text[96];
	struct in_addr address;

	memcpy(text, peer, bytes);
	text[bytes] = 0;
	char *colon = strrchr(text, ':');
	f->port = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
	f->port = f->port ? f->port : (uint16_t)(49152 + slot);
	if (colon)
		*colon = 0;
	f->peer = inet_pton(AF_INET, text, &address) == 1 ? ntohl(address.s_addr) : 0xc0000201;
}

static struct flow *find_flow(struct trace_pcap *pcap, const struct trace_record *r,
	const struct trace_pieces *p)
{
	struct flow *oldest = &pcap->flows[0];

	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow *f = &pcap->flows[i];
		if (f->used && f->session == r->session) {
			f->used = ++pcap->clock;
			return f;
		}
		if (f->used < oldest->used)
			oldest = f;
	}
	*oldest = (struct flow){
		.session = r->session,
		.used = ++pcap->clock,
		.to_target = 1,
		.to_initiator = 1,
		.stat_sn = 1,
	};
	set_peer(oldest, p->peer, r->peer_bytes, (unsigned)(oldest - pcap->flows));
	return oldest;
}

static uint16_t checksum(const uint8_t *p, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i += 2)
		sum += be16_get(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* RFC 791, RFC 9293; the TCP checksum is left to the adapter, as so often. */
static void put_headers(const struct segment *s, uint8_t *h)
{
	const struct flow *f = s->flow;
	uint32_t target = 0xc6336401; /* 198.51.100.1 */
	bool out = s->to_target;

	memset(h, 0, HEADERS);
	h[0] = 0x45;
	be16_put(h + 2, (uint16_t)(HEADERS + s->whole));
	h[8] = 64;
	h[9] = 6;
	be32_put(h + 12, out ? f->peer : target);
	be32_put(h + 16, out ? target : f->peer);
	be16_put(h + 10, checksum(h, 20));
	be16_put(h + 20, out ? f->port : 3260);
	be16_put(h + 22, out ? 3260 : f->port);
	be32_put(h + 24, out ? f->to_target : f->to_initiator);
	be32_put(h + 28, out ? f->to_initiator : f->to_target);
	h[32] = 0x50;
	h[33] = 0x18; /* PSH, ACK */
	be16_put(h + 34, 65535);
}

static void begin(struct segment *s, bool to_target, uint64_t us)
{
	s->to_target = to_target;
	s->us = us;
	s->n = s->whole = 0;
}

static uint8_t *add(struct segment *s, const void *from, uint32_t bytes)
{
	uint8_t *at = s->bytes + HEADERS + s->n;

	if (from)
		memcpy(at, from, bytes);
	else
		memset(at, 0, bytes);
	s->n += bytes;
	s->whole += bytes;
	return at;
}

static void end(struct segment *s)
{
	while (s->whole % 4)
		add(s, NULL, 1);
	put_headers(s, s->bytes);
	put_le32(s->to, (uint32_t)(s->us / 1000000));
	put_le32(s->to, (uint32_t)(s->us % 1000000));
	put_le32(s->to, HEADERS + s->n);
	put_le32(s->to, HEADERS + s->whole);
	fwrite(s->bytes, 1, HEADERS + s->n, s->to);
	if (s->to_target)
		s->flow->to_target += s->whole;
	else
		s->flow->to_initiator += s->whole;
}

static void data_length(uint8_t *bhs, uint32_t bytes)
{
	bhs[5] = (uint8_t)(bytes >> 16);
	be16_put(bhs + 6, (uint16_t)bytes);
}

/* RFC 7143 11.3 */
static void put_command(struct segment *s, const struct trace_record *r, const struct trace_pieces *p)
{
	uint32_t longer = r->cdb_bytes > 16 ? r->cdb_bytes - 16u : 0;
	bool both = r->expected_in_bytes && r->expected_out_bytes;

	begin(s, true, r->end_us - r->took_us);
	uint8_t *h = add(s, NULL, BHS);
	h[0] = 0x01;
	h[1] = (uint8_t)(0x80 | (r->expected_in_bytes ? 0x40 : 0) | (r->expected_out_bytes ? 0x20 : 0) |
		r->attribute);
	be64_put(h + 8, r->lun);
	be32_put(h + 16, r->tag);
	be32_put(h + 20, r->expected_out_bytes ? r->expected_out_bytes : r->expected_in_bytes);
	be32_put(h + 24, r->generation);
	be32_put(h + 28, s->flow->stat_sn);
	memcpy(h + 32, p->cdb, MIN(r->cdb_bytes, (uint16_t)16));
	if (longer) { /* 11.2.2.3 */
		uint8_t *a = add(s, NULL, 4);
		be16_put(a, (uint16_t)(longer + 1));
		a[2] = 1;
		add(s, p->cdb + 16, longer);
		while (s->n % 4)
			add(s, NULL, 1);
	}
	if (both) { /* 11.2.2.4 */
		uint8_t *a = add(s, NULL, 8);
		be16_put(a, 5);
		a[2] = 2;
		be32_put(a + 4, r->expected_in_bytes);
	}
	h[4] = (uint8_t)((s->n - BHS) / 4);
	end(s);
}

/* RFC 7143 11.7: Data-Out and Data-In, whose fields that matter here are in the same places. */
static void put_data(struct segment *s, const struct trace_record *r, bool to_target, uint32_t bytes,
	const uint8_t *kept, uint32_t kept_bytes)
{
	for (uint32_t at = 0, sn = 0; at < bytes; sn++) {
		uint32_t n = MIN(bytes - at, PIECE_BYTES);
		uint32_t here = at < kept_bytes ? MIN(kept_bytes - at, n) : 0;
		begin(s, to_target, to_target ? r->end_us - r->took_us : r->end_us);
		uint8_t *h = add(s, NULL, BHS);
		h[0] = to_target ? 0x05 : 0x25;
		h[1] = at + n == bytes ? 0x80 : 0;
		data_length(h, n);
		be64_put(h + 8, r->lun);
		be32_put(h + 16, r->tag);
		be32_put(h + 20, 0xffffffff);
		be32_put(h + (to_target ? 28 : 24), s->flow->stat_sn);
		if (!to_target) {
			be32_put(h + 28, r->generation + 1);
			be32_put(h + 32, r->generation + 128);
		}
		be32_put(h + 36, sn);
		be32_put(h + 40, at);
		if (here)
			add(s, kept + at, here);
		/* What was not kept is only told, as is the padding behind it. */
		s->whole += n - here;
		if (here < n)
			s->whole = ROUND_UP(s->whole, 4u);
		end(s);
		at += n;
	}
}

static void put_residual(uint8_t *h, unsigned overflow, uint32_t expected, uint64_t would, uint8_t *field)
{
	if (would == expected)
		return;
	h[1] |= (uint8_t)(would > expected ? overflow : overflow >> 1);
	be32_put(field, (uint32_t)(would > expected ? would - expected : expected - would));
}

/* RFC 7143 11.4 */
static void put_response(struct segment *s, const struct trace_record *r, const struct trace_pieces *p)
{
	bool completed = r->outcome == SPT_COMPLETED;

	if (r->outcome == SPT_ABORTED)
		return; /* it has none */
	begin(s, false, r->end_us);
	uint8_t *h = add(s, NULL, BHS);
	h[0] = 0x21;
	h[1] = 0x80;
	h[2] = completed ? 0 : 1;
	h[3] = completed ? r->status : 0;
	be32_put(h + 16, r->tag);
	be32_put(h + 24, s->flow->stat_sn++);
	be32_put(h + 28, r->generation + 1);
	be32_put(h + 32, r->generation + 128);
	if (completed && r->expected_out_bytes) {
		put_residual(h, 0x04, r->expected_out_bytes, r->out_would_bytes, h + 44);
		if (r->expected_in_bytes)
			put_residual(h, 0x10, r->expected_in_bytes, r->in_would_bytes, h + 40);
	} else if (completed) {
		put_residual(h, 0x04, r->expected_in_bytes, r->in_would_bytes, h + 44);
	}
	if (completed && r->sense_bytes) {
		data_length(h, 2u + r->sense_bytes);
		be16_put(add(s, NULL, 2), r->sense_bytes);
		add(s, p->sense, r->sense_bytes);
	}
	end(s);
}

void trace_pcap(struct trace_pcap *pcap, FILE *to, const struct trace_record *r)
{
	struct trace_pieces p = trace_pieces(r);
	struct segment s = { .to = to };

	s.flow = find_flow(pcap, r, &p);
	put_command(&s, r, &p);
	put_data(&s, r, true, r->out_bytes, p.out, r->out_kept);
	put_data(&s, r, false, r->in_bytes, p.in, r->in_kept);
	put_response(&s, r, &p);
}
