/* SPDX-License-Identifier: MIT */
/* PDUs of the misbehaving target: see hostile_link.h. */
#include "hostile_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/write_all.h"

#define WINDOW 63u

void link_put(struct link *l, const uint8_t *bhs, const void *data, uint32_t bytes)
{
	uint8_t head[48], pad[4] = { 0 };

	memcpy(head, bhs, 48);
	be24_put(head + 5, bytes);
	/* A process that was stopped meanwhile goes on with a part sent. */
	if (!write_all(l->fd, head, 48) && !write_all(l->fd, data, bytes))
		write_all(l->fd, pad, -bytes & 3);
}

void link_answer(struct link *l, uint8_t *bhs, uint8_t opcode, uint8_t flags)
{
	memset(bhs, 0, 48);
	bhs[0] = opcode;
	bhs[1] = flags;
	memcpy(bhs + 16, l->bhs + 16, 4); /* ITT */
	be32_put(bhs + 24, l->stat_sn);
	be32_put(bhs + 28, l->exp_cmd_sn);
	be32_put(bhs + 32, l->exp_cmd_sn + WINDOW);
}

void link_respond(struct link *l, uint8_t response, uint8_t status, uint8_t flags,
	uint32_t residual, const void *data, uint32_t bytes)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x21, 0x80 | flags);
	bhs[2] = response;
	bhs[3] = status;
	be32_put(bhs + 44, residual);
	link_put(l, bhs, data, bytes);
	l->stat_sn++;
}

void link_data_in(struct link *l, uint32_t itt, uint32_t offset, uint32_t bytes, bool with_status)
{
	uint8_t bhs[48], *data = malloc(bytes ? bytes : 1);

	memset(data, 0x55, bytes);
	link_answer(l, bhs, 0x25, with_status ? 0x81 : 0x80);
	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, 0xffffffff);
	be32_put(bhs + 40, offset);
	link_put(l, bhs, data, bytes);
	free(data);
	if (with_status)
		l->stat_sn++;
}

void link_r2t(struct link *l, uint32_t itt, uint32_t offset, uint32_t bytes)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x31, 0x80);
	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, 7); /* TTT */
	be32_put(bhs + 40, offset);
	be32_put(bhs + 44, bytes);
	link_put(l, bhs, NULL, 0);
}

void link_good(struct link *l, bool read, uint32_t expected)
{
	if (read && expected)
		link_data_in(l, be32_get(l->bhs + 16), 0, expected, true);
	else
		link_respond(l, 0, 0, 0, 0, NULL, 0);
}
