/* SPDX-License-Identifier: MIT */
/* The identity of this machine's disks: see identity.h. */
#include "target/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buckets.h"
#include "base/util.h"
#include "log/log.h"

static uint64_t of_machine(void)
{
	uint64_t h = 0xcbf29ce484222325ull;
	FILE *f = fopen("/etc/machine-id", "re");
	int c;

	while (f && (c = fgetc(f)) != EOF)
		h = hash_add(h, &(uint8_t){ (uint8_t)c }, 1);
	if (f)
		fclose(f);
	return h;
}

static int read_identity(int dir, uint64_t *ret)
{
	AUTO_FD int fd = openat(dir, "identity", O_RDONLY | O_CLOEXEC);
	char text[18] = "";

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) != 17 || text[16] != '\n' ||
		sscanf(text, "%16" SCNx64, ret) != 1)
		return -EINVAL;
	return 0;
}

/* Complete or not there at all, whenever the power fails. */
static int write_identity(int dir, uint64_t identity)
{
	AUTO_FD int fd = openat(dir, "identity.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char text[18];

	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%016" PRIx64 "\n", identity);
	if (write(fd, text, 17) != 17 || fsync(fd) < 0 ||
		renameat(dir, "identity.new", dir, "identity") < 0 || fsync(dir) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

uint64_t identity_get(const char *state_dir)
{
	AUTO_FD int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t identity;

	if (dir < 0)
		return of_machine();
	int r = read_identity(dir, &identity);
	if (r == -ENOENT && getrandom(&identity, sizeof(identity), 0) == sizeof(identity))
		r = write_identity(dir, identity);
	if (r == 0)
		return identity;
	log_error("%s/identity: %s; serial numbers are made from the machine's identity", state_dir,
		strerror(-r));
	return of_machine();
}
