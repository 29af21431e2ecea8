/* SPDX-License-Identifier: MIT */
/* Which commands a disk has: the families' rows joined with the rows of scsi/cdb.def. */
#include <assert.h>

#include "base/util.h"
#include "disk/disk.h"

static const struct disk_family *const FAMILIES[] = {
	&disk_misc,
	&disk_inquiry,
	&disk_mode,
	&disk_opcodes,
	&disk_read_write,
	&disk_cache,
	&disk_capacity,
	&disk_verify,
	&disk_unmap,
	&disk_write_same,
	&disk_compare,
	&disk_start_stop,
};

static bool comes_after(const struct disk_row *a, const struct disk_row *b)
{
	if (a->opcode != b->opcode)
		return a->opcode > b->opcode;
	return a->service_action > b->service_action;
}

/* Keeps the order of operation code and service action. */
static void insert(struct disk *d, const struct disk_row *row, const struct cdb_command *cdb)
{
	size_t at = d->n_commands;

	assert(d->n_commands < DISK_COMMANDS_MAX);
	while (at > 0 && comes_after(d->commands[at - 1].row, row)) {
		d->commands[at] = d->commands[at - 1];
		at--;
	}
	d->commands[at] = (struct disk_command){ row, cdb };
	d->n_commands++;
}

void disk_commands_init(struct disk *d)
{
	for (size_t f = 0; f < ARRAY_SIZE(FAMILIES); f++) {
		for (size_t i = 0; i < FAMILIES[f]->n_rows; i++) {
			const struct disk_row *row = &FAMILIES[f]->rows[i];
			const struct cdb_command *cdb =
				cdb_lookup(row->opcode, row->service_action, CDB_SBC);
			assert(cdb && cdb->bytes);
			if ((!(row->flags & DISK_NEEDS_THIN) || d->thin) &&
				(!(row->flags & DISK_NEEDS_REMOVABLE) || d->removable))
				insert(d, row, cdb);
		}
	}
	for (size_t i = d->n_commands; i > 0; i--)
		d->first[d->commands[i - 1].row->opcode] = (uint8_t)i;
}

const struct disk_command *disk_command_find(const struct disk *d, uint8_t opcode,
	uint16_t service_action)
{
	if (!d->first[opcode])
		return NULL;
	for (size_t i = d->first[opcode] - 1u; i < d->n_commands; i++) {
		const struct disk_row *row = d->commands[i].row;
		if (row->opcode != opcode)
			break;
		if (row->service_action == CDB_NO_SERVICE_ACTION ||
			row->service_action == service_action)
			return &d->commands[i];
	}
	return NULL;
}

bool disk_has_service_action(const struct disk *d, uint8_t opcode)
{
	return d->first[opcode] &&
		d->commands[d->first[opcode] - 1].row->service_action != CDB_NO_SERVICE_ACTION;
}
