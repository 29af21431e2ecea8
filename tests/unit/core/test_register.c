/* SPDX-License-Identifier: MIT */
/*
 * Registering for others and through all ports, and handing a reservation on (SPC-5 5.14.7, 5.14.8,
 * 6.17.3, 6.17.4). Each case is a list of steps; after each one READ FULL STATUS is compared, as a text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/reservation.h"
#include "persist.h"
#include "scsi/transport_id.h"

#define TARGET "iqn.2026-11.org.example:t"
#define SPEC   0x08
#define ALL    0x04
#define UNREG  0x100 /* of REGISTER AND MOVE */
#define CUT    0x200 /* the list lacks its last TransportID, though its length is told */
#define LONG   0x400 /* it has four bytes that nobody has told of */
#define INVALID 0x2600
#define LENGTH  0x1a00
#define FULL    0x5504

/* Sessions of the rig: one of a's two ports is at both target ports. */
static const struct rig_nexus NEXUSES[] = { { 'a', 0, 1 }, { 'a', 1, 1 }, { 'b', 2, 1 }, { 'a', 0, 2 } };

/*
 * @ids: a word for each TransportID, "b2" is port 2 of b, "b" the device b; "x": of another protocol. @want: a
 * status or an ASC. @field: what its sense data point at. @status: "a0@1=7*" is port 0 of a at target port 1 with
 * key 7, holding; @+: at every one.
 */
struct step {
	unsigned nexus;
	uint8_t action, type;
	uint64_t key, action_key;
	unsigned flags;
	const char *ids;
	uint16_t port;
	unsigned want, field;
	const char *status;
};

static void put_id(struct writer *w, const char *word)
{
	char name[] = "iqn.2026-11.org.example:a";
	uint8_t isid[6] = { 0x80, 0, 0, 0, 0, (uint8_t)(word[1] ? word[1] - '0' : 0) };

	name[sizeof(name) - 2] = word[0];
	if (word[0] == 'x') {
		wr_be32(w, 0x00000014); /* Fibre Channel */
		wr_zero(w, 20);
	} else if (word[1]) {
		transport_id_put(w, name, isid);
	} else {
		wr_be32(w, 0x0500001c);
		wr_bytes(w, name, sizeof(name));
		wr_zero(w, 0x1c - sizeof(name));
	}
}

/* The parameter list of @s; its length. */
static size_t build(const struct step *s, uint8_t *list, size_t room)
{
	struct writer w = wr_init(list, room);
	char words[256], *save = NULL;
	size_t last;

	wr_be64(&w, s->key);
	wr_be64(&w, s->action_key);
	if (s->action == MOVE) {
		wr_u8(&w, 0);
		wr_u8(&w, s->flags & UNREG ? 2 : 0);
		wr_be16(&w, s->port);
	} else {
		wr_zero(&w, 4);
		wr_be32(&w, (s->flags & 0xff) << 24);
	}
	uint8_t *length = s->action == MOVE || s->flags & SPEC ? wr_reserve(&w, 4) : NULL;
	size_t start = last = wr_len(&w);
	snprintf(words, sizeof(words), "%s", s->ids ? s->ids : "");
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		last = wr_len(&w);
		put_id(&w, word);
	}
	if (length)
		be32_put(length, (uint32_t)(wr_len(&w) - start));
	if (s->flags & LONG)
		wr_zero(&w, 4);
	assert_int_equal(w.err, 0);
	return s->flags & CUT ? last : wr_len(&w);
}

/* READ FULL STATUS, one word for each descriptor, with a blank before it. */
static void full_status(struct rig *rig, char *text)
{
	struct job job;

	text[0] = '\0';
	assert_int_equal(plain(rig, 2, &job, 0x5e, 3, 0), GOOD);
	struct cursor c = cur_init(job.in + 8, be32_get(job.in + 4));
	while (cur_left(&c)) {
		struct transport_id id;
		uint64_t key = cur_be64(&c);
		cur_skip(&c, 4);
		uint8_t bits = cur_u8(&c);
		uint8_t type = cur_u8(&c);
		cur_skip(&c, 4);
		uint16_t port = cur_be16(&c);
		uint32_t bytes = cur_be32(&c);
		size_t left = cur_left(&c);
		assert_int_equal(transport_id_take(&c, &id), 0);
		assert_true(id.is_port);
		assert_int_equal(left - cur_left(&c), bytes);
		assert_int_equal(type != 0, bits & 1);
		text += sprintf(text, " %c%u@%c=%u%s",
			id.name[strlen(id.name) - 1], id.isid[5], bits & 2 ? '+' : '0' + port,
			(unsigned)key, bits & 1 ? "*" : "");
	}
}

static const char *trimmed(const char *text)
{
	return text + strspn(text, " ");
}

static void run(const char *what, const struct step *steps, size_t n)
{
	static const struct spt_target_port ports[] = { { TARGET, 1, 1 }, { TARGET, 2, 2 } };
	struct rig rig;

	rig_open(&rig, NULL);
	rig.nexuses = NEXUSES;
	assert_int_equal(spt_device_set_ports(rig.device, ports, ARRAY_SIZE(ports)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(NEXUSES); i++)
		rig_start(&rig, i, i % 2);
	for (size_t i = 0; i < n; i++) {
		uint8_t list[1024];
		char text[512];
		struct job job;
		struct out o = { steps[i].action, steps[i].type,
			.bytes = (uint32_t)build(&steps[i], list, sizeof(list)), .list = list };

		out_start(&rig, &job, steps[i].nexus, &o);
		rig_settle(&rig);
		assert_int_equal(job.done, 1);
		unsigned got = job.status == CHECK ? job.asc : job.status;
		if (got != steps[i].want)
			fail_msg("%s, step %zu: %x, not %x", what, i, got, steps[i].want);
		if (got == INVALID && job.field != steps[i].field)
			fail_msg("%s, step %zu: field %u, not %u", what, i, job.field, steps[i].field);
		full_status(&rig, text);
		if (steps[i].status && strcmp(trimmed(text), steps[i].status) != 0)
			fail_msg("%s, step %zu: '%s', not '%s'", what, i, trimmed(text),
				steps[i].status);
	}
	rig_close(&rig);
}

#define RUN(what, ...) run(what, (const struct step[]){ __VA_ARGS__ }, ARRAY_SIZE(((const struct step[]){ __VA_ARGS__ })))

static void initiator_ports(void **state)
{
	RUN("a port that is logged in, one that is not",
		{ 0, REGISTER, 0, 0, 7, SPEC, "b2 c5", 0, GOOD, 0, "a0@1=7 b2@1=7 c5@1=7" },
		{ 2, RESERVE, WE, 7, 0, 0, NULL, 0, GOOD, 0, "a0@1=7 b2@1=7* c5@1=7" });
	RUN("a device: all of its ports that are known",
		{ 2, REGISTER, 0, 0, 7, SPEC, "a", 0, GOOD, 0, "b2@1=7 a0@1=7 a1@1=7" });
	RUN("a device that is known by a registration only",
		{ 0, REGISTER, 0, 0, 7, SPEC | ALL, "c5", 0, GOOD, 0, "a0@+=7 c5@+=7" },
		{ 2, REGISTER, 0, 0, 8, SPEC, "c", 0, INVALID, 28, "a0@+=7 c5@+=7" });
	RUN("a device that is not known at all",
		{ 0, REGISTER, 0, 0, 7, SPEC, "b2 c", 0, INVALID, 28 + 48, "" });
	RUN("none", { 0, REGISTER, 0, 0, 7, SPEC, NULL, 0, GOOD, 0, "a0@1=7" });
	RUN("who asks, itself", { 0, REGISTER, 0, 0, 7, SPEC, "a0 b2", 0, GOOD, 0, "a0@1=7 b2@1=7" });
	RUN("table 65: who is registered, registers nobody",
		{ 0, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@1=7" },
		{ 0, REGISTER, 0, 7, 8, SPEC, "b2", 0, INVALID, 20, "a0@1=7" },
		{ 0, REGISTER, 0, 7, 0, SPEC, "b2", 0, INVALID, 20, "a0@1=7" },
		{ 0, REGISTER, 0, 8, 9, SPEC, "b2", 0, CONFLICT, 0, "a0@1=7" },
		{ 2, REGISTER, 0, 0, 0, SPEC, "c5", 0, INVALID, 20, "a0@1=7" },
		{ 2, REGISTER, 0, 1, 2, SPEC, "c5", 0, CONFLICT, 0, "a0@1=7" });
	RUN("one is registered already: none is",
		{ 2, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "b2@1=7" },
		{ 0, REGISTER, 0, 0, 8, SPEC, "c5 b2", 0, INVALID, 28 + 48, "b2@1=7" });
	RUN("one is no TransportID of iSCSI, or stands twice: none is",
		{ 0, REGISTER, 0, 0, 8, SPEC, "b2 x", 0, INVALID, 28 + 48, "" },
		{ 0, REGISTER, 0, 0, 8, SPEC, "c5 b2 c5", 0, INVALID, 28 + 96, "" },
		{ 0, REGISTER, 0, 0, 8, SPEC, "b b", 0, INVALID, 28 + 32, "" });
	RUN("lengths that contradict one another",
		{ 0, REGISTER, 0, 0, 8, SPEC | CUT, "b2 c5", 0, LENGTH, 0, "" },
		{ 0, REGISTER, 0, 0, 8, SPEC | LONG, "b2 c5", 0, LENGTH, 0, "" },
		{ 0, REGISTER, 0, 0, 8, LONG, NULL, 0, LENGTH, 0, "" });
	RUN("other service actions know no initiator ports",
		{ 0, REGISTER_AND_IGNORE, 0, 0, 8, SPEC, NULL, 0, INVALID, 20, "" },
		{ 0, CLEAR, 0, 0, 8, SPEC, NULL, 0, INVALID, 20, "" });
}

/* Session 3 is the port of session 0 at the other target port. */
static void target_ports(void **state)
{
	RUN("registered, changed and taken back through all of them",
		{ 0, REGISTER, 0, 0, 7, ALL, NULL, 0, GOOD, 0, "a0@+=7" },
		{ 3, REGISTER, 0, 7, 8, 0, NULL, 0, GOOD, 0, "a0@1=7 a0@2=8" },
		{ 0, REGISTER, 0, 7, 9, ALL, NULL, 0, CONFLICT, 0, "a0@1=7 a0@2=8" },
		{ 0, REGISTER_AND_IGNORE, 0, 0, 9, ALL, NULL, 0, GOOD, 0, "a0@+=9" },
		{ 3, REGISTER, 0, 9, 0, ALL, NULL, 0, GOOD, 0, "" });
	RUN("a port that has none gets one",
		{ 3, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@2=7" },
		{ 3, REGISTER, 0, 7, 8, ALL, NULL, 0, GOOD, 0, "a0@+=8" },
		{ 0, REGISTER, 0, 8, 0, 0, NULL, 0, GOOD, 0, "a0@2=8" });
	RUN("another key at the other port",
		{ 3, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@2=7" },
		{ 0, REGISTER, 0, 0, 7, ALL, NULL, 0, CONFLICT, 0, "a0@2=7" });
	RUN("taken back where the sender has none",
		{ 3, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@2=7" },
		{ 0, REGISTER_AND_IGNORE, 0, 0, 0, ALL, NULL, 0, GOOD, 0, "" });
	RUN("the holder is one nexus; of all registrants each holds",
		{ 0, REGISTER, 0, 0, 7, ALL, NULL, 0, GOOD, 0, "a0@+=7" },
		{ 3, RESERVE, EA, 7, 0, 0, NULL, 0, GOOD, 0, "a0@1=7 a0@2=7*" },
		{ 3, RELEASE, EA, 7, 0, 0, NULL, 0, GOOD, 0, "a0@+=7" },
		{ 0, RESERVE, EAAR, 7, 0, 0, NULL, 0, GOOD, 0, "a0@+=7*" },
		{ 2, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@+=7* b2@1=7*" });
	RUN("with other initiator ports, each through all",
		{ 0, REGISTER, 0, 0, 7, SPEC | ALL, "b2 c5", 0, GOOD, 0, "a0@+=7 b2@+=7 c5@+=7" },
		{ 2, PREEMPT, WE, 7, 7, 0, NULL, 0, GOOD, 0, NULL });
	RUN("ignored by what does not register",
		{ 0, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@1=7" },
		{ 0, RESERVE, WE, 7, 0, ALL, NULL, 0, GOOD, 0, "a0@1=7*" });
}

static void moving(void **state)
{
#define HELD { 0, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@1=7" }, \
	{ 0, RESERVE, WE, 7, 0, 0, NULL, 0, GOOD, 0, "a0@1=7*" }
	RUN("to a nexus that is not registered, and back",
		HELD, { 0, MOVE, EA, 7, 8, 0, "b2", 1, GOOD, 0, "a0@1=7 b2@1=8*" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 1, CONFLICT, 0, "a0@1=7 b2@1=8*" },
		{ 2, MOVE, 0, 8, 9, 0, "a0", 1, GOOD, 0, "a0@1=9* b2@1=8" });
	RUN("to one that is not logged in, through the other port, and gone",
		HELD, { 0, MOVE, 0, 7, 8, UNREG, "c5", 2, GOOD, 0, "c5@2=8*" });
	RUN("tables 67, 68: by whom",
		{ 0, MOVE, 0, 0, 8, 0, "b2", 1, CONFLICT, 0, "" },
		{ 0, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@1=7" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 1, 0x2400, 0, "a0@1=7" },
		{ 0, RESERVE, WE, 7, 0, 0, NULL, 0, GOOD, 0, "a0@1=7*" },
		{ 2, REGISTER, 0, 0, 6, 0, NULL, 0, GOOD, 0, "a0@1=7* b2@1=6" },
		{ 2, MOVE, 0, 6, 8, 0, "c5", 1, CONFLICT, 0, "a0@1=7* b2@1=6" },
		{ 0, MOVE, 0, 9, 8, 0, "c5", 1, CONFLICT, 0, "a0@1=7* b2@1=6" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 1, GOOD, 0, "a0@1=7 b2@1=8*" });
	RUN("what all registrants hold is nobody's to move",
		{ 0, REGISTER, 0, 0, 7, 0, NULL, 0, GOOD, 0, "a0@1=7" },
		{ 0, RESERVE, WEAR, 7, 0, 0, NULL, 0, GOOD, 0, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 1, CONFLICT, 0, "a0@1=7*" });
	RUN("where to, and with what",
		HELD, { 0, MOVE, 0, 7, 0, 0, "b2", 1, INVALID, 8, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 3, INVALID, 18, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "b2", 0, INVALID, 18, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "a0", 1, INVALID, 24, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "a0", 2, INVALID, 24, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "b", 1, INVALID, 24, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "x", 1, INVALID, 24, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "", 1, INVALID, 20, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, 0, "b2 c5", 1, INVALID, 24 + 48, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, CUT, "b2", 1, LENGTH, 0, "a0@1=7*" },
		{ 0, MOVE, 0, 7, 8, LONG, "b2", 1, LENGTH, 0, "a0@1=7*" });
}

/* The I/O of who was registered by another, or got the reservation, before it logged in and after. */
static void applies_at_login(void **state)
{
	struct rig rig;
	uint8_t list[256];
	const struct step by_other = { 0, REGISTER, 0, 0, 7, SPEC, "b2", 0, 0, 0, NULL };
	const struct step move = { 0, MOVE, 0, 7, 8, UNREG, "b2", 1, 0, 0, NULL };

	rig_open(&rig, NULL);
	rig.nexuses = NEXUSES;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	assert_int_equal(OUT(&rig, 0, REGISTER, .bytes = (uint32_t)build(&by_other, list, sizeof(list)),
		.list = list), GOOD);
	assert_int_equal(OUT(&rig, 0, RESERVE, EARO, 7), GOOD);
	rig_start(&rig, 2, 1);
	assert_int_equal(command(&rig, 2, 0x2a), GOOD);
	assert_int_equal(command(&rig, 1, 0x2a), CONFLICT);
	assert_int_equal(OUT(&rig, 0, RELEASE, EARO, 7), GOOD);
	assert_int_equal(attention(&rig, 2), 0x2a04);
	assert_int_equal(OUT(&rig, 0, RESERVE, EA, 7), GOOD);
	assert_int_equal(command(&rig, 2, 0x28), CONFLICT);
	assert_int_equal(OUT(&rig, 0, MOVE, .bytes = (uint32_t)build(&move, list, sizeof(list)), .list = list),
		GOOD);
	assert_int_equal(command(&rig, 2, 0x28), GOOD);
	assert_int_equal(command(&rig, 0, 0x28), CONFLICT);
	rig_close(&rig);
}

/* SPC-5 6.16.2: PRGENERATION counts what registers and moves, and nothing that was refused or did nothing. */
static void generation(void **state)
{
	struct rig rig;
	struct job job;
	uint8_t list[256];
	static const struct step steps[] = {
		{ 0, REGISTER, 0, 0, 7, SPEC, "b2 c5", 0, GOOD, 1, NULL },
		{ 1, REGISTER, 0, 0, 7, SPEC, "b2", 0, INVALID, 1, NULL },
		{ 1, REGISTER, 0, 0, 0, ALL, NULL, 0, GOOD, 1, NULL },
		{ 0, RESERVE, WE, 7, 0, 0, NULL, 0, GOOD, 1, NULL },
		{ 0, MOVE, 0, 7, 8, 0, "a0", 1, INVALID, 1, NULL },
		{ 0, MOVE, 0, 7, 8, UNREG, "b2", 1, GOOD, 2, NULL },
		{ 2, RELEASE, WE, 8, 0, 0, NULL, 0, GOOD, 2, NULL },
		{ 2, PREEMPT, WE, 8, 7, 0, NULL, 0, GOOD, 3, NULL },
		{ 2, REGISTER_AND_IGNORE, 0, 0, 9, ALL, NULL, 0, GOOD, 4, NULL },
		{ 2, CLEAR, 0, 9, 0, 0, NULL, 0, GOOD, 5, NULL },
	};

	rig_open(&rig, NULL);
	rig.nexuses = NEXUSES;
	for (unsigned i = 0; i < 3; i++)
		rig_start(&rig, i, 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct step *s = &steps[i];
		assert_int_equal(OUT(&rig, s->nexus, s->action, s->type,
			.bytes = (uint32_t)build(s, list, sizeof(list)), .list = list), s->want);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 0, 0), GOOD);
		assert_int_equal(be32_get(job.in), s->field);
	}
	rig_close(&rig);
}

/* As many as there may be, in one command; one more, and the one that asks is not registered either. */
static void limits(void **state)
{
	size_t room = 28 + (RESERVATION_REGISTRANTS + 1) * TRANSPORT_ID_MAX;
	AUTO_FREE uint8_t *list = calloc(1, room);

	for (unsigned more = 0; more < 2; more++) {
		struct writer w = wr_init(list, room);
		struct rig rig;
		struct job job;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		wr_zero(&w, 28);
		list[15] = 7;
		list[20] = SPEC;
		for (unsigned i = 1; i < RESERVATION_REGISTRANTS + more; i++) {
			uint8_t isid[6] = { 0x80, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i };
			transport_id_put(&w, "iqn.2026-11.org.example:a", isid);
		}
		be32_put(list + 24, (uint32_t)wr_len(&w) - 28);
		assert_int_equal(OUT(&rig, 0, REGISTER, .bytes = (uint32_t)wr_len(&w), .list = list),
			more ? FULL : GOOD);
		assert_int_equal(plain(&rig, 0, &job, 0x5e, 0, 0), GOOD);
		assert_int_equal(be32_get(job.in + 4), more ? 0 : 8 * RESERVATION_REGISTRANTS);
		/* Longer than any list can be. */
		assert_int_equal(OUT(&rig, 0, REGISTER, .bytes = RESERVATION_LIST_MAX + 4, .list = list),
			FULL);
		rig_close(&rig);
	}
}

/* Ports without a name, or with one that is too long, are refused, and those told before stay. */
static void ports_refused(void **state)
{
	char longest[SPT_NAME_MAX + 2];
	struct rig rig;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	assert_int_equal(spt_device_set_ports(rig.device, &(struct spt_target_port){ TARGET, 2, 2 }, 1), 0);
	assert_int_equal(spt_device_set_ports(rig.device, &(struct spt_target_port){ NULL, 3, 3 }, 1), -EINVAL);
	assert_int_equal(spt_device_set_ports(rig.device, &(struct spt_target_port){ longest, 3, 3 }, 1), -EINVAL);
	assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 7, ALL), GOOD);
	struct job job;
	assert_int_equal(plain(&rig, 0, &job, 0x5e, 0, 0), GOOD);
	assert_int_equal(be32_get(job.in + 4), 16);
	rig_close(&rig);
}

/* Without being told, a device knows the ports that nexuses have come by. */
static void ports_by_nexus(void **state)
{
	struct rig rig;
	char text[256];

	rig_open(&rig, NULL);
	rig.nexuses = NEXUSES;
	for (unsigned i = 0; i < 4; i++)
		rig_start(&rig, i, 0);
	assert_int_equal(OUT(&rig, 2, REGISTER, 0, 0, 7, ALL), GOOD);
	full_status(&rig, text);
	assert_string_equal(trimmed(text), "b2@+=7");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator_ports),
		cmocka_unit_test(target_ports),
		cmocka_unit_test(moving),
		cmocka_unit_test(applies_at_login),
		cmocka_unit_test(generation),
		cmocka_unit_test(limits),
		cmocka_unit_test(ports_refused),
		cmocka_unit_test(ports_by_nexus),
	};

	return cmocka_run_group_tests_name("core-register", tests, NULL, NULL);
}
