/* SPDX-License-Identifier: MIT */
/* Finding a command's row: see cdb.h. The rows are sorted by operation code. */
#include "scsi/cdb.h"

#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

static const struct cdb_command COMMANDS[] = {
#define CDB(opcode_, name_, direction_, families_, flags_, ...)                                    \
	{ .opcode = opcode_,                                                                       \
		.service_action = CDB_NO_SERVICE_ACTION,                                           \
		.name = name_,                                                                     \
		.direction = direction_,                                                           \
		.families = families_,                                                             \
		.flags = flags_,                                                                   \
		.bytes = sizeof((uint8_t[]){ opcode_, __VA_ARGS__ }),                              \
		.usage = { opcode_, __VA_ARGS__ } },
#define CDB_SA(opcode_, action_, name_, direction_, families_, flags_, b1, ...)                    \
	{ .opcode = opcode_,                                                                       \
		.service_action = action_,                                                         \
		.name = name_,                                                                     \
		.direction = direction_,                                                           \
		.families = families_,                                                             \
		.flags = flags_,                                                                   \
		.bytes = sizeof((uint8_t[]){ opcode_, b1, __VA_ARGS__ }),                          \
		.usage = { opcode_, (b1) | action_, __VA_ARGS__ } },
/* SPC-5 4.2.3: CONTROL, GROUP NUMBER, ADDITIONAL CDB LENGTH and SERVICE ACTION have their places. */
#define CDB_32(action_, name_, direction_, families_, flags_, ...)                                 \
	{ .opcode = 0x7f,                                                                          \
		.service_action = action_,                                                         \
		.name = name_,                                                                     \
		.direction = direction_,                                                           \
		.families = families_,                                                             \
		.flags = flags_,                                                                   \
		.bytes = 10 + sizeof((uint8_t[]){ __VA_ARGS__ }),                                  \
		.usage = { 0x7f, 0, 0, 0, 0, 0, 0x3f, 0x18, (action_) >> 8, (action_) & 0xff,      \
			__VA_ARGS__ } },
#define CDB_NAME(opcode_, action_, name_, direction_, families_, flags_)                           \
	{ .opcode = opcode_,                                                                       \
		.service_action = action_,                                                         \
		.name = name_,                                                                     \
		.direction = direction_,                                                           \
		.families = families_,                                                             \
		.flags = flags_ },
#define NO_SA CDB_NO_SERVICE_ACTION
#include "scsi/cdb.def"
#undef NO_SA
#undef CDB_NAME
#undef CDB_32
#undef CDB_SA
#undef CDB
};

static size_t first_row(uint8_t opcode)
{
	size_t low = 0, high = ARRAY_SIZE(COMMANDS);

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (COMMANDS[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool in_families(const struct cdb_command *c, unsigned families)
{
	return c->families & (families | CDB_SPC);
}

const struct cdb_command *cdb_lookup(uint8_t opcode, uint16_t service_action, unsigned families)
{
	const struct cdb_command *general = NULL;

	for (size_t i = first_row(opcode); i < ARRAY_SIZE(COMMANDS); i++) {
		const struct cdb_command *c = &COMMANDS[i];
		if (c->opcode != opcode)
			break;
		if (!in_families(c, families))
			continue;
		if (c->service_action == service_action)
			return c;
		if (c->service_action == CDB_NO_SERVICE_ACTION && !general)
			general = c;
	}
	return general;
}

const struct cdb_command *cdb_row(size_t i)
{
	return i < ARRAY_SIZE(COMMANDS) ? &COMMANDS[i] : NULL;
}

bool cdb_has_service_action(uint8_t opcode, unsigned families)
{
	for (size_t i = first_row(opcode); i < ARRAY_SIZE(COMMANDS); i++) {
		const struct cdb_command *c = &COMMANDS[i];
		if (c->opcode != opcode)
			break;
		if (in_families(c, families) && c->service_action != CDB_NO_SERVICE_ACTION)
			return true;
	}
	return false;
}

/* SPC-5 4.2.5.1: byte 1 bits 4..0; bytes 8 and 9 of a variable length CDB. */
uint16_t cdb_service_action(const uint8_t *cdb, size_t bytes)
{
	if (bytes >= 10 && cdb[0] == 0x7f)
		return be16_get(cdb + 8);
	if (bytes < 2 || !cdb_has_service_action(cdb[0], CDB_ANY))
		return CDB_NO_SERVICE_ACTION;
	return cdb[1] & 0x1f;
}

const struct cdb_command *cdb_find(const uint8_t *cdb, size_t bytes, unsigned families)
{
	if (bytes < 1)
		return NULL;
	return cdb_lookup(cdb[0], cdb_service_action(cdb, bytes), families);
}

unsigned cdb_families_of(uint8_t device_type)
{
	static const uint8_t families[32] = {
		[0x00] = CDB_SPC | CDB_SBC,
		[0x01] = CDB_SPC | CDB_SSC,
		[0x04] = CDB_SPC | CDB_SBC,
		[0x05] = CDB_SPC | CDB_MMC,
		[0x07] = CDB_SPC | CDB_SBC,
		[0x08] = CDB_SPC | CDB_SMC,
		[0x0d] = CDB_SPC | CDB_SES,
		[0x0e] = CDB_SPC | CDB_SBC,
		[0x14] = CDB_SPC | CDB_SBC,
	};
	uint8_t f = families[device_type & 0x1f];

	return f ? f : CDB_SPC;
}

unsigned cdb_length(uint8_t opcode)
{
	static const uint8_t lengths[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return lengths[opcode >> 5];
}

enum cdb_direction cdb_direction(const uint8_t *cdb, size_t bytes, unsigned families)
{
	const struct cdb_command *c = cdb_find(cdb, bytes, families);

	return c ? (enum cdb_direction)c->direction : CDB_UNKNOWN;
}

const char *cdb_name(const uint8_t *cdb, size_t bytes, unsigned families, char *text, size_t size)
{
	const struct cdb_command *c = cdb_find(cdb, bytes, families);

	if (c)
		return c->name;
	if (bytes < 1)
		return "empty CDB";
	uint16_t action = cdb_service_action(cdb, bytes);
	if (action == CDB_NO_SERVICE_ACTION)
		snprintf(text, size, "opcode %02Xh", cdb[0]);
	else
		snprintf(text, size, "opcode %02Xh/%02Xh", cdb[0], action);
	return text;
}

int cdb_reserved_bit(const struct cdb_command *command, const uint8_t *cdb, int *ret_bit)
{
	for (int i = 0; i < command->bytes; i++) {
		unsigned extra = cdb[i] & ~(unsigned)command->usage[i];
		if (!extra)
			continue;
		*ret_bit = 31 - __builtin_clz(extra);
		return i;
	}
	return -1;
}
