/* SPDX-License-Identifier: MIT */
/* A disk behind the real core, on the tests' host loop, with two nexuses that send it commands. */
#ifndef TESTS_DISK_RIG_H
#define TESTS_DISK_RIG_H

#include <spt/spt.h>

#include "fake_host.h"

#define RIG_NEXUSES 2

struct rig {
	struct fake_host fake;
	struct spt_context *context;
	struct spt_device *device;
	struct spt_lun_map *map;
	spt_session_cookie session[RIG_NEXUSES];
	uint32_t tag;
};

struct rig_result {
	uint8_t status;
	struct spt_sense sense; /* decoded, when there is any */
	uint8_t sense_code;	/* response code, 0: none */
	uint64_t in_would, out_would;
	uint32_t in_bytes;
	uint8_t in[1 << 20];
};

/* A command and its data, for rig_send(). */
struct rig_command {
	const uint8_t *cdb;
	size_t cdb_bytes;
	const void *out;
	uint32_t out_bytes;
	uint32_t in_bytes;
	uint8_t nexus;
};

/* "key=value" strings, NULL-terminated. 0 or -errno of spt_device_open(), with @error told. */
int rig_open(struct rig *rig, const struct spt_backend_ops *backend, const char *const *options,
	struct spt_error *error);
void rig_close(struct rig *rig);
/* Runs to completion; the result is overwritten by the next one. */
const struct rig_result *rig_send(struct rig *rig, const struct rig_command *command);

/* LOGICAL UNIT RESET of the first nexus, and the unit attention that tells it of it. */
void rig_reset(struct rig *rig);

#define CDB(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

const struct rig_result *rig_in(struct rig *rig, const uint8_t *cdb, size_t cdb_bytes,
	uint32_t bytes);
const struct rig_result *rig_out(struct rig *rig, const uint8_t *cdb, size_t cdb_bytes,
	const void *data, uint32_t bytes);

#define assert_good(r) assert_int_equal((r)->status, SPT_GOOD)
#define assert_check(r, key_, asc_)                                                                \
	do {                                                                                       \
		const struct rig_result *r_ = (r);                                                 \
		assert_int_equal(r_->status, SPT_CHECK_CONDITION);                                 \
		assert_int_equal(r_->sense.key, key_);                                             \
		assert_int_equal(r_->sense.asc, asc_);                                             \
	} while (0)

#endif
