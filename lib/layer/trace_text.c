/* SPDX-License-Identifier: MIT */
/* A command as a line for a person: who, what, and what became of it. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <spt/task.h>

#include "base/util.h"
#include "layer/trace.h"
#include "scsi/cdb.h"
#include "scsi/extent.h"

struct trace_pieces trace_pieces(const struct trace_record *r)
{
	struct trace_pieces p;

	p.cdb = (const uint8_t *)(r + 1);
	p.sense = p.cdb + r->cdb_bytes;
	p.name = (const char *)(p.sense + r->sense_bytes);
	p.peer = p.name + r->name_bytes;
	p.out = (const uint8_t *)(p.peer + r->peer_bytes);
	p.in = p.out + r->out_kept;
	return p;
}

static void print_time(FILE *to, uint64_t us)
{
	time_t s = (time_t)(us / 1000000);
	struct tm tm;
	char text[40] = "";

	if (gmtime_r(&s, &tm))
		strftime(text, sizeof(text), "%FT%T", &tm);
	fprintf(to, "%s.%06uZ", text, (unsigned)(us % 1000000));
}

/* Fields that a person looks for, besides the blocks. */
static const struct {
	uint8_t opcode;
	const char *name;
	uint8_t byte, shift, mask, bytes;
} FIELDS[] = {
	{ 0x12, "evpd", 1, 0, 0x01, 1 },      { 0x12, "page", 2, 0, 0xff, 1 },
	{ 0x1a, "page", 2, 0, 0x3f, 1 },      { 0x5a, "page", 2, 0, 0x3f, 1 },
	{ 0x1b, "start", 4, 0, 0x01, 1 },     { 0x1b, "loej", 4, 1, 0x01, 1 },
	{ 0x1e, "prevent", 4, 0, 0x03, 1 },   { 0x4d, "page", 2, 0, 0x3f, 1 },
	{ 0xa5, "from", 4, 0, 0xff, 2 },      { 0xa5, "to", 6, 0, 0xff, 2 },
};

static void print_fields(FILE *to, const struct trace_record *r, const uint8_t *cdb)
{
	struct cdb_extent e;

	if (cdb_extent(cdb, r->cdb_bytes, cdb_families_of(r->device_type), &e))
		fprintf(to, " lba %" PRIu64 " blocks %" PRIu64, e.lba, e.blocks);
	for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++) {
		if (FIELDS[i].opcode != cdb[0] || FIELDS[i].byte + FIELDS[i].bytes > r->cdb_bytes)
			continue;
		unsigned v = cdb[FIELDS[i].byte] >> FIELDS[i].shift & FIELDS[i].mask;
		if (FIELDS[i].bytes == 2)
			v = v << 8 | cdb[FIELDS[i].byte + 1];
		fprintf(to, " %s %02xh", FIELDS[i].name, v);
	}
	fputs(" [", to);
	for (unsigned i = 0; i < r->cdb_bytes; i++)
		fprintf(to, "%s%02x", i ? " " : "", cdb[i]);
	fputc(']', to);
}

static const char *status_name(uint8_t status)
{
	switch (status) {
	case SPT_GOOD:
		return "GOOD";
	case SPT_CHECK_CONDITION:
		return "CHECK CONDITION";
	case SPT_CONDITION_MET:
		return "CONDITION MET";
	case SPT_BUSY:
		return "BUSY";
	case SPT_RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT";
	case SPT_TASK_SET_FULL:
		return "TASK SET FULL";
	case SPT_TASK_ABORTED:
		return "TASK ABORTED";
	default:
		return NULL;
	}
}

static void print_result(FILE *to, const struct trace_record *r, const uint8_t *sense)
{
	const char *name = status_name(r->status);
	char text[200];

	if (r->outcome == SPT_ABORTED)
		fputs(" aborted", to);
	else if (r->outcome == SPT_DELIVERY_FAILURE)
		fputs(" lost: no status", to);
	else if (name)
		fprintf(to, " %s", name);
	else
		fprintf(to, " status %02xh", r->status);
	if (r->outcome == SPT_COMPLETED && r->sense_bytes) {
		spt_sense_print(sense, r->sense_bytes, text, sizeof(text));
		fprintf(to, " (%s)", text);
	}
	if (r->refused)
		fputs(" refused", to);
}

/* Less than expected is an underflow, more an overflow (SAM-5 5.4.2). */
static void print_data(FILE *to, const char *way, uint32_t moved, uint32_t expected, uint64_t would)
{
	if (!expected)
		return;
	fprintf(to, " %s %" PRIu32, way, moved);
	if (would < expected)
		fprintf(to, " (%" PRIu64 " less than expected)", expected - would);
	else if (would > expected)
		fprintf(to, " (%" PRIu64 " more than expected)", would - expected);
}

void trace_text(FILE *to, const struct trace_record *r)
{
	struct trace_pieces p = trace_pieces(r);
	char name[40];

	print_time(to, r->end_us - r->took_us);
	fprintf(to, " %.*s lun %016" PRIx64 " tag %08" PRIx32 " %s", (int)r->name_bytes, p.name, r->lun,
		r->tag, cdb_name(p.cdb, r->cdb_bytes, cdb_families_of(r->device_type), name, sizeof(name)));
	print_fields(to, r, p.cdb);
	print_result(to, r, p.sense);
	print_data(to, "out", r->out_bytes, r->expected_out_bytes, r->out_would_bytes);
	print_data(to, "in", r->in_bytes, r->expected_in_bytes, r->in_would_bytes);
	fprintf(to, " %" PRIu64 "us\n", r->took_us);
}
