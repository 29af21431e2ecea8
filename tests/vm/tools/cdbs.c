/* SPDX-License-Identifier: MIT */
/*
 * cdbs DEVICE [SECONDS]: send each CDB of a table on stdin to a SCSI generic node and print, a line each,
 * everything a pass-through must not change: host status, SCSI status, sense bytes, residual and
 * the bytes that came, those that did not come being zeros. Run on a device directly and on the same device through a target, the two
 * outputs must not differ.
 *
 * A table line is  NAME | none  | CDB...
 *                  NAME | in N  | CDB...
 *                  NAME | out N BYTE... | CDB...   N bytes go out: these, the last of them repeated
 * with the CDB in hexadecimal. Empty lines and lines that begin with # are passed over.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DATA_MAX_BYTES	(4u << 20)
#define FILL_MAX_BYTES	32u
#define SENSE_MAX_BYTES 252
#define CDB_MAX_BYTES	252
#define SHOWN_BYTES	256

struct row {
	char name[64];
	int direction;
	unsigned data_bytes;
	uint8_t fill[FILL_MAX_BYTES];
	unsigned fill_bytes;
	uint8_t cdb[CDB_MAX_BYTES];
	unsigned cdb_bytes;
};

static uint8_t data[DATA_MAX_BYTES];
static unsigned timeout_ms = 60000;
static uint8_t *reserve; /* the buffer that the driver uses again for what fits in it */
static unsigned reserve_bytes;

/* Bytes in hexadecimal up to the end of @text: how many, 0 when it is not that. */
static unsigned parse_hex(const char *text, uint8_t *bytes, unsigned max)
{
	unsigned n = 0;
	char *end;

	while (n < max) {
		unsigned long byte = strtoul(text, &end, 16);

		if (end == text)
			break;
		if (byte > 0xff)
			return 0;
		bytes[n++] = (uint8_t)byte;
		text = end;
	}
	while (isspace((unsigned char)*text))
		text++;
	return *text ? 0 : n;
}

static int parse_transfer(const char *text, struct row *row)
{
	char word[8];

	if (sscanf(text, " %7s", word) != 1)
		return -EINVAL;
	row->data_bytes = 0;
	row->fill_bytes = 0;
	if (!strcmp(word, "none")) {
		row->direction = SG_DXFER_NONE;
		return 0;
	}
	if (!strcmp(word, "in")) {
		row->direction = SG_DXFER_FROM_DEV;
		if (sscanf(text, " in %u", &row->data_bytes) != 1)
			return -EINVAL;
	} else if (!strcmp(word, "out")) {
		row->direction = SG_DXFER_TO_DEV;
		int at = 0;
		if (sscanf(text, " out %u %n", &row->data_bytes, &at) != 1)
			return -EINVAL;
		row->fill_bytes = parse_hex(text + at, row->fill, FILL_MAX_BYTES);
		if (!row->fill_bytes)
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	return row->data_bytes <= DATA_MAX_BYTES ? 0 : -EINVAL;
}

static int parse_row(char *line, struct row *row)
{
	char *transfer = strchr(line, '|');
	char *cdb = transfer ? strchr(transfer + 1, '|') : NULL;

	if (!cdb)
		return -EINVAL;
	*transfer++ = *cdb++ = '\0';
	if (sscanf(line, " %63[^\n]", row->name) != 1)
		return -EINVAL;
	for (char *p = row->name + strlen(row->name); p > row->name && p[-1] == ' ';)
		*--p = '\0';
	if (parse_transfer(transfer, row) < 0)
		return -EINVAL;
	row->cdb_bytes = parse_hex(cdb, row->cdb, CDB_MAX_BYTES);
	return row->cdb_bytes ? 0 : -EINVAL;
}

static void print_bytes(const char *label, const uint8_t *bytes, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325;

	printf(" %s=%zu:", label, count);
	if (count <= SHOWN_BYTES) {
		for (size_t i = 0; i < count; i++)
			printf("%02x", bytes[i]);
		return;
	}
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	printf("fnv-%016llx", (unsigned long long)hash);
}

/*
 * A command that fails early, at an adapter that tells no residual, brings what the driver's buffer holds: of the
 * command before, if nobody wipes it.
 */
static int map_reserve(int fd)
{
	int bytes = 0;

	if (ioctl(fd, SG_GET_RESERVED_SIZE, &bytes) < 0)
		return -1;
	reserve_bytes = (unsigned)bytes & ~4095u;
	reserve = mmap(NULL, reserve_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return reserve == MAP_FAILED ? -1 : 0;
}

static void run_row(int fd, struct row *row)
{
	uint8_t sense[SENSE_MAX_BYTES] = {0};
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = row->direction,
		.cmd_len = (unsigned char)row->cdb_bytes,
		.cmdp = row->cdb,
		.mx_sb_len = SENSE_MAX_BYTES,
		.sbp = sense,
		.dxfer_len = row->data_bytes,
		.dxferp = data,
		.timeout = timeout_ms,
	};

	memset(data, row->fill_bytes ? row->fill[row->fill_bytes - 1] : 0, row->data_bytes);
	memcpy(data, row->fill, row->fill_bytes < row->data_bytes ? row->fill_bytes : row->data_bytes);
	memset(reserve, 0, reserve_bytes);
	if (ioctl(fd, SG_IO, &io) < 0) {
		printf("%s: SG_IO: %s\n", row->name, strerror(errno));
		return;
	}
	printf("%s: host=%u status=%02x resid=%d", row->name, io.host_status, io.status, io.resid);
	print_bytes("sense", sense, io.sb_len_wr);
	if (row->direction == SG_DXFER_FROM_DEV && io.resid >= 0 && (unsigned)io.resid <= row->data_bytes)
		print_bytes("data", data, row->data_bytes - (unsigned)io.resid);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char line[2048];
	int fd;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: cdbs DEVICE [SECONDS] <TABLE\n");
		return 2;
	}
	if (argc == 3)
		timeout_ms = 1000 * (unsigned)strtoul(argv[2], NULL, 10);
	fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || map_reserve(fd) < 0) {
		fprintf(stderr, "cdbs: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (unsigned number = 1; fgets(line, sizeof(line), stdin); number++) {
		struct row row;

		if (line[strspn(line, " \t\n")] == '\0' || line[0] == '#')
			continue;
		if (parse_row(line, &row) < 0) {
			fprintf(stderr, "cdbs: line %u is not NAME | TRANSFER | CDB\n", number);
			return 2;
		}
		run_row(fd, &row);
	}
	close(fd);
	return 0;
}
