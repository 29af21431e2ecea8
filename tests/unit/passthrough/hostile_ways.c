/* SPDX-License-Identifier: MIT */
/* The ways to misbehave towards a command: see hostile.h. */
#include "hostile_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/be.h"
#include "base/util.h"

/* The command that has come. */
struct asked {
	bool read;
	uint32_t itt, expected;
};

static void sense_long(struct link *l, const struct asked *c)
{
	uint8_t sense[302] = { 0xff, 0xff, 0x70, 0, 0x03 };

	link_respond(l, 0, 0x02, 0, 0, sense, sizeof(sense));
}

static void underflow(struct link *l, const struct asked *c)
{
	link_respond(l, 0, 0, 0x02, c->expected + 1000, NULL, 0);
}

static void offset(struct link *l, const struct asked *c)
{
	link_data_in(l, c->itt, c->expected, 512, true);
}

static void overlong(struct link *l, const struct asked *c)
{
	link_data_in(l, c->itt, 0, c->expected + 512, true);
}

static void r2t_outside(struct link *l, const struct asked *c)
{
	link_r2t(l, c->itt, c->expected, 4096);
}

static void early(struct link *l, const struct asked *c)
{
	link_r2t(l, c->itt, 0, c->expected);
	link_respond(l, 0, 0x08, 0, 0, NULL, 0);
	for (unsigned i = 0; i < 8; i++)
		link_data_in(l, 0x7777, 0, 65536, false);
	usleep(1500000);
}

static void silent(struct link *l, const struct asked *c)
{
	l->silent_itt = c->itt;
}

/* GOOD follows when all of the data-out has come. */
static void await_data(struct link *l, const struct asked *c)
{
	l->silent_itt = c->itt;
	l->out_expected = c->expected;
}

static void ping(struct link *l)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x20, 0x80);
	be32_put(bhs + 16, 0xffffffff);
	be32_put(bhs + 20, 5); /* TTT: an answer is wanted */
	link_put(l, bhs, NULL, 0);
}

static void ping_between(struct link *l, const struct asked *c)
{
	uint8_t first;

	link_r2t(l, c->itt, 0, c->expected);
	(void)!recv(l->fd, &first, 1, MSG_PEEK); /* it has been read, then */
	usleep(100000); /* until every buffer on the way is full */
	ping(l);
	usleep(1500000); /* and longer than anybody looks away */
	await_data(l, c);
}

/* What is sent meanwhile arrives in one piece. */
static void hold_back(struct link *l, bool on)
{
	int value = on;

	if (setsockopt(l->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value)) < 0)
		abort();
}

static void ping_at_once(struct link *l, const struct asked *c)
{
	hold_back(l, true);
	link_r2t(l, c->itt, 0, c->expected);
	ping(l);
	hold_back(l, false);
	await_data(l, c);
}

static void crossed(struct link *l, const struct asked *c)
{
	if (!c->read) {
		await_data(l, c);
		l->misbehaved = false; /* with the read that follows */
		return;
	}
	link_r2t(l, l->silent_itt, 0, l->out_expected);
	usleep(100000);
	for (uint32_t at = 0; at < c->expected; at += 65536)
		link_data_in(l, c->itt, at, MIN(c->expected - at, 65536u), at + 65536 >= c->expected);
}

static void reject(struct link *l, const struct asked *c)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x3f, 0x80);
	bhs[2] = 0x05; /* command not supported */
	be32_put(bhs + 16, 0xffffffff);
	link_put(l, bhs, l->bhs, 48);
	l->stat_sn++;
}

static void garbage(struct link *l, const struct asked *c)
{
	uint8_t bytes[302];

	memset(bytes, 0xa5, sizeof(bytes));
	(void)!send(l->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void async_logout(struct link *l, const struct asked *c)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x32, 0x80);
	be32_put(bhs + 16, 0xffffffff);
	bhs[36] = 1;
	link_put(l, bhs, NULL, 0);
	l->stat_sn++;
}

/* A response and nothing else; or whatever the function does. */
static const struct {
	bool responds;
	uint8_t response, status;
	uint8_t segment_bytes; /* of zeros */
	void (*act)(struct link *l, const struct asked *c);
} WAYS[] = {
	[HOSTILE_SENSE_NONE] = { .responds = true, .status = 0x02 },
	[HOSTILE_SENSE_ONE_BYTE] = { .responds = true, .status = 0x02, .segment_bytes = 1 },
	[HOSTILE_NO_DATA] = { .responds = true },
	[HOSTILE_FAILURE] = { .responds = true, .response = 1 },
	[HOSTILE_STATUS] = { .responds = true, .status = 0x77 },
	[HOSTILE_SENSE_LONG] = { .act = sense_long },
	[HOSTILE_UNDERFLOW] = { .act = underflow },
	[HOSTILE_OFFSET] = { .act = offset },
	[HOSTILE_OVERLONG] = { .act = overlong },
	[HOSTILE_R2T] = { .act = r2t_outside },
	[HOSTILE_EARLY] = { .act = early },
	[HOSTILE_PING] = { .act = ping_between },
	[HOSTILE_PING_AT_ONCE] = { .act = ping_at_once },
	[HOSTILE_CROSSED] = { .act = crossed },
	[HOSTILE_REJECT] = { .act = reject },
	[HOSTILE_GARBAGE] = { .act = garbage },
	[HOSTILE_ASYNC_LOGOUT] = { .act = async_logout },
	[HOSTILE_SILENT] = { .act = silent },
	[HOSTILE_LATE_DATA] = { .act = silent },
};

bool link_misbehave(struct link *l, enum hostile_way way, bool read, uint32_t expected)
{
	static const uint8_t zeros[4];
	const struct asked asked = { read, be32_get(l->bhs + 16), expected };

	if (way == HOSTILE_CLOSE)
		return false;
	if (way < ARRAY_SIZE(WAYS) && WAYS[way].act)
		WAYS[way].act(l, &asked);
	else if (way < ARRAY_SIZE(WAYS) && WAYS[way].responds)
		link_respond(l, WAYS[way].response, WAYS[way].status, 0, 0, zeros, WAYS[way].segment_bytes);
	else
		link_good(l, read, expected);
	return true;
}
