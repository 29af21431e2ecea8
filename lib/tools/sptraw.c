/* SPDX-License-Identifier: MIT */
/*
 * sptraw: sends one command to a device of any backend, with data from and to files. The counterpart
 * of sg_raw, with its options and exit codes.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spt/spt.h>

#include "base/parse.h"
#include "base/util.h"
#include "tools/calls.h"
#include "tools/exits.h"

#define TIMEOUT_S 20u
#define BLOCK	  4096u /* of the buffers' alignment: more than any adapter asks for */

struct options {
	const char *device;
	const char *infile, *outfile, *cmdfile;
	uint64_t send, request, skip, timeout_s;
	bool binary, no_sense, properties, verbose;
	raw_call call;
};

static const struct option LONG[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "binary", no_argument, NULL, 'b' },
	{ "call", required_argument, NULL, 'C' },
	{ "cmdfile", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "infile", required_argument, NULL, 'i' },
	{ "skip", required_argument, NULL, 'k' },
	{ "nosense", no_argument, NULL, 'n' },
	{ "outfile", required_argument, NULL, 'o' },
	{ "properties", no_argument, NULL, 'p' },
	{ "request", required_argument, NULL, 'r' },
	{ "send", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: sptraw --device BACKEND:KEY=VALUE,... [OPTION...] CDB0 CDB1 ...\n\n"
		"Sends the command, whose bytes are hexadecimal, to the device.\n\n"
		"  -d, --device TEXT     the backend and its options, as in sptgt.conf(5)\n"
		"  -s, --send BYTES      send data to the device\n"
		"  -i, --infile FILE     ... from FILE, instead of standard input\n"
		"  -k, --skip BYTES      ... from this place in FILE\n"
		"  -r, --request BYTES   take data from the device\n"
		"  -o, --outfile FILE    ... into FILE, instead of showing it\n"
		"  -b, --binary          show data as it is, not in hexadecimal\n"
		"  -c, --cmdfile FILE    take the command's bytes from FILE\n"
		"  -t, --timeout SECONDS (%u)\n"
		"  -n, --nosense         do not show sense\n"
		"      --call NAME       by the call buffered, direct, ex or direct-ex (the default)\n"
		"      --properties      show what the adapter takes; no command is needed\n"
		"  -v, --verbose\n"
		"  -V, --version\n"
		"  -h, --help\n",
		TIMEOUT_S);
}

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "sptraw: %s: %s\n", what, value);
	return EXIT_SYNTAX;
}

static int set_number(const char *name, const char *text, uint64_t max, uint64_t *ret)
{
	return parse_u64_range(text, 0, max, ret) < 0 ? wrong(name, text) : 0;
}

/* EXIT_GOOD: go on. */
static int set_option(struct options *o, int c)
{
	switch (c) {
	case 'd':
		o->device = optarg;
		return 0;
	case 'b':
		o->binary = true;
		return 0;
	case 'C':
		o->call = raw_call_find(optarg);
		return o->call ? 0 : wrong("no such call", optarg);
	case 'c':
		o->cmdfile = optarg;
		return 0;
	case 'i':
		o->infile = optarg;
		return 0;
	case 'k':
		return set_number("--skip", optarg, INT64_MAX, &o->skip);
	case 'n':
		o->no_sense = true;
		return 0;
	case 'o':
		o->outfile = optarg;
		return 0;
	case 'p':
		o->properties = true;
		return 0;
	case 'r':
		return set_number("--request", optarg, SPT_BUFFER_MAX, &o->request);
	case 's':
		return set_number("--send", optarg, SPT_BUFFER_MAX, &o->send);
	case 't':
		return set_number("--timeout", optarg, UINT32_MAX, &o->timeout_s);
	case 'v':
		o->verbose = true;
		return 0;
	default:
		usage(stderr);
		return EXIT_SYNTAX;
	}
}

static int add_byte(struct raw_command *c, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 16);

	if (end == text || *end || n > 0xff || text[0] == '-' || text[0] == '+')
		return wrong("not a byte in hexadecimal", text);
	if (c->cdb_bytes == sizeof(c->cdb))
		return wrong("the command is too long", text);
	c->cdb[c->cdb_bytes++] = (uint8_t)n;
	return 0;
}

/* Bytes between blanks and commas; the rest of a line after # is a remark. */
static int read_command(const char *path, struct raw_command *c)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;
	FILE *f = fopen(path, "re");

	if (!f) {
		fprintf(stderr, "sptraw: %s: %s\n", path, strerror(errno));
		return EXIT_FILE;
	}
	while (!r && getline(&line, &size, f) > 0) {
		line[strcspn(line, "#")] = 0;
		for (char *rest = line, *word; !r && (word = strsep(&rest, " \t\r\n,"));)
			r = *word ? add_byte(c, word) : 0;
	}
	fclose(f);
	return r;
}

static int take_command(const struct options *o, char **words, struct raw_command *c)
{
	int r = o->cmdfile ? read_command(o->cmdfile, c) : 0;

	while (!r && *words)
		r = add_byte(c, *words++);
	if (!r && c->cdb_bytes < 6 && !o->properties)
		r = wrong("a command has 6 bytes at least", c->cdb_bytes ? "too short" : "none given");
	return r;
}

static uint8_t *buffer_new(uint64_t bytes)
{
	void *p = NULL;

	if (!bytes)
		return NULL;
	if (posix_memalign(&p, BLOCK, ROUND_UP(bytes, (uint64_t)BLOCK))) {
		fprintf(stderr, "sptraw: out of memory\n");
		exit(EXIT_OS + ENOMEM);
	}
	return memset(p, 0, bytes);
}

/* Leaves out --skip bytes, from what cannot be positioned, too. */
static bool skip(FILE *f, uint64_t bytes)
{
	if (!bytes || fseeko(f, (off_t)bytes, SEEK_SET) == 0)
		return true;
	while (bytes && getc(f) != EOF)
		bytes--;
	return bytes == 0;
}

static int read_data(const struct options *o, struct raw_command *c)
{
	FILE *f = o->infile && strcmp(o->infile, "-") ? fopen(o->infile, "re") : stdin;

	if (!c->out_bytes)
		return 0;
	if (!f) {
		fprintf(stderr, "sptraw: %s: %s\n", o->infile, strerror(errno));
		return EXIT_FILE;
	}
	bool whole = skip(f, o->skip) && fread(c->out, 1, c->out_bytes, f) == c->out_bytes;
	if (f != stdin)
		fclose(f);
	if (whole)
		return 0;
	fprintf(stderr, "sptraw: %s has no %u bytes to send\n", o->infile ? o->infile : "standard input",
		c->out_bytes);
	return EXIT_FILE;
}

static void show_hex(const uint8_t *data, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 16) {
		uint32_t n = MIN(bytes - at, 16u);
		char text[17] = "";

		printf(" %02x    ", at);
		for (uint32_t i = 0; i < 16; i++) {
			if (i < n) {
				uint8_t b = data[at + i];
				text[i] = b >= 0x20 && b < 0x7f ? (char)b : '.';
				printf(" %02x", b);
			} else {
				printf("   ");
			}
		}
		printf("    %s\n", text);
	}
}

static int write_data(const struct options *o, const struct raw_command *c)
{
	if (!c->in_bytes)
		return 0;
	if (!o->outfile && !o->binary) {
		printf("Received %u bytes of data:\n", c->in_moved);
		show_hex(c->in, c->in_moved);
		return fflush(stdout) ? EXIT_FILE : 0;
	}
	bool own = o->outfile && strcmp(o->outfile, "-");
	FILE *f = own ? fopen(o->outfile, "we") : stdout;
	bool good = f && fwrite(c->in, 1, c->in_moved, f) == c->in_moved;
	if (f && (own ? fclose(f) : fflush(f)))
		good = false;
	if (good)
		return 0;
	fprintf(stderr, "sptraw: %s: %s\n", own ? o->outfile : "standard output", strerror(errno));
	return EXIT_FILE;
}

static const char *status_name(uint8_t status)
{
	switch (status) {
	case SPT_GOOD:
		return "Good";
	case SPT_CHECK_CONDITION:
		return "Check Condition";
	case SPT_CONDITION_MET:
		return "Condition Met";
	case SPT_BUSY:
		return "Busy";
	case SPT_RESERVATION_CONFLICT:
		return "Reservation Conflict";
	case SPT_TASK_SET_FULL:
		return "Task Set Full";
	case SPT_ACA_ACTIVE:
		return "ACA Active";
	case SPT_TASK_ABORTED:
		return "Task Aborted";
	default:
		return "unknown";
	}
}

static void show_status(const struct options *o, const struct raw_command *c)
{
	char text[256];

	fprintf(stderr, "SCSI Status: %s\n", status_name(c->status));
	if (c->sense_bytes && !o->no_sense) {
		spt_sense_print(c->sense, c->sense_bytes, text, sizeof(text));
		fprintf(stderr, "Sense: %s\n", text);
	}
	if (o->verbose)
		fprintf(stderr, "moved: %u of %u bytes out, %u of %u bytes in, %u bytes of sense\n",
			c->out_moved, c->out_bytes, c->in_moved, c->in_bytes, c->sense_bytes);
}

static int show_properties(struct spt_handle *handle)
{
	struct spt_adapter_properties p = { .length = sizeof(p) };
	int r = spt_adapter_properties(handle, &p);

	if (r < 0)
		return exit_of_error(r);
	printf("alignment mask: 0x%x\nmaximum transfer: %u bytes\nlongest CDB: %u bytes\n"
	       "extended requests: %s\nbidirectional: %s\n",
		p.alignment_mask, p.max_transfer_bytes, p.max_cdb_bytes,
		p.srb_type == SPT_STORAGE_REQUEST_BLOCK ? "yes" : "no",
		p.bidirectional ? "yes" : "no");
	return 0;
}

static int send_command(const struct options *o, struct spt_handle *handle, struct raw_command *c)
{
	c->out_bytes = (uint32_t)o->send;
	c->in_bytes = (uint32_t)o->request;
	c->timeout_s = (uint32_t)o->timeout_s;
	c->out = buffer_new(o->send);
	c->in = buffer_new(o->request);
	int e = read_data(o, c);
	if (e)
		return e;
	int r = o->call(handle, c);
	if (r < 0) {
		fprintf(stderr, "sptraw: the command was not executed: %s\n", strerror(-r));
		return exit_of_error(r);
	}
	show_status(o, c);
	e = write_data(o, c);
	return e ? e : exit_of_status(c->status, c->sense, c->sense_bytes);
}

static int run(const struct options *o, struct raw_command *c)
{
	/* After the time is over: the system may need some more to take the command back. */
	static const struct spt_escalation escalation = { .wait_us = 30000000 };
	struct spt_device *device;
	struct spt_handle *handle;
	struct spt_error error = { .text = "" };

	int r = spt_device_open_text(o->device, &escalation, &error, &device);
	if (r < 0) {
		fprintf(stderr, "sptraw: %s\n", error.text[0] ? error.text : strerror(-r));
		return exit_of_error(r);
	}
	r = spt_handle_open(device, NULL, &handle);
	spt_device_unref(device);
	if (r < 0) {
		fprintf(stderr, "sptraw: %s\n", strerror(-r));
		return exit_of_error(r);
	}
	int status = o->properties ? show_properties(handle) : 0;
	if (!status && c->cdb_bytes)
		status = send_command(o, handle, c);
	spt_handle_close(handle);
	free(c->out);
	free(c->in);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = { .timeout_s = TIMEOUT_S, .call = raw_call_find("direct-ex") };
	struct raw_command command = { .cdb_bytes = 0 };
	int c, r = 0;

	/* What begins the command ends the options. */
	while (!r && (c = getopt_long(argc, argv, "+d:bc:hi:k:no:r:s:t:vV", LONG, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return 0;
		}
		if (c == 'V') {
			printf("sptraw %s\n", SPTGT_VERSION);
			return 0;
		}
		r = set_option(&o, c);
	}
	if (!r && !o.device)
		r = wrong("--device", "not given");
	if (!r)
		r = take_command(&o, argv + optind, &command);
	return r ? r : run(&o, &command);
}
