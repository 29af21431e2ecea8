/* SPDX-License-Identifier: MIT */
/*
 * The trace layer's inside: records of commands, made on loops and written by a thread of the layer's
 * own, so that a slow disk keeps no loop waiting.
 */
#ifndef LAYER_TRACE_H
#define LAYER_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <spt/error.h>
#include <spt/sense.h>

#define TRACE_DATA_MAX 4096u
#define TRACE_CDB_MAX  260u

/* A command and what became of it; its bytes follow in this order: CDB, sense, initiator's name, peer,
 * data-out, data-in, each as long as its field says. */
struct trace_record {
	uint32_t bytes; /* with all that follows */
	uint32_t tag, generation;
	uint64_t end_us; /* since 1970 */
	uint64_t took_us;
	uint64_t session, lun;
	uint64_t in_would_bytes, out_would_bytes;
	uint32_t expected_in_bytes, expected_out_bytes;
	uint32_t in_bytes, out_bytes; /* that were moved */
	uint16_t cdb_bytes, sense_bytes, name_bytes, peer_bytes, out_kept, in_kept;
	uint8_t attribute, outcome, status, device_type;
	bool refused; /* by the backend's judgement, before any data */
};

/* Where each piece of a record is. */
struct trace_pieces {
	const uint8_t *cdb, *sense, *out, *in;
	const char *name, *peer; /* not terminated */
};

struct trace_pieces trace_pieces(const struct trace_record *record);

/* A file that is begun anew when it is full; what was in it is then in PATH.1. */
struct trace_file {
	char *path; /* NULL: not wanted */
	FILE *to;
	uint64_t bytes, most_bytes;
	bool failed;
	void (*begin)(FILE *to); /* writes the head of a new file; may be NULL */
};

int trace_file_open(struct trace_file *file, struct spt_error *error);
/* Room for what comes next: a new file, if need be. NULL: it cannot be written. */
FILE *trace_file_get(struct trace_file *file);
/* What was written since. */
void trace_file_put(struct trace_file *file);
void trace_file_close(struct trace_file *file);

/* trace_text.c: a line */
void trace_text(FILE *to, const struct trace_record *record);

/* trace_pcap.c: packets */
struct trace_pcap;
struct trace_pcap *trace_pcap_new(void);
void trace_pcap_head(FILE *to);
void trace_pcap(struct trace_pcap *pcap, FILE *to, const struct trace_record *record);

#endif
