/* SPDX-License-Identifier: MIT */
/*
 * A backend that a test makes as odd as it needs: with any adapter properties, any sense, tasks that
 * stay at the device. It is written against the installed headers, as anybody's would be, and keeps
 * what it has heard.
 */
#ifndef TESTS_LIB_ODD_BACKEND_H
#define TESTS_LIB_ODD_BACKEND_H

#include <spt/spt.h>

#define ODD_EVENTS 32

enum odd_event { ODD_START, ODD_JUDGE, ODD_COMPLETE, ODD_STOP, ODD_CHANNEL, ODD_CHANNEL_GONE };

struct odd {
	/* What it shall do. */
	struct spt_properties properties;
	int open_error;
	bool hold;    /* tasks stay until odd_release(), or cancel() where it cancels */
	bool cancels;
	uint8_t status;
	const uint8_t *sense;
	uint16_t sense_bytes;
	/* What has happened. */
	enum odd_event events[ODD_EVENTS];
	unsigned n_events;
	struct spt_task *held;
	unsigned judged, submitted;
	const uint8_t *out_data, *in_data; /* where the last task had its payload */
	uint8_t cdb[SPT_CDB_MAX];
	uint16_t cdb_bytes;
	/* The last nexus, copied. */
	char initiator_name[SPT_NAME_MAX + 1], target_name[SPT_NAME_MAX + 1];
	char peer_address[64], chap_user[64];
	bool has_chap_user, reinstated, channel_reinstated;
	uint8_t isid[6];
	uint16_t tag;
};

extern struct odd odd;
extern const struct spt_backend_ops ODD_SHARED, ODD_MIRRORED;

/* As a disk with everything: bidirectional, CDBs of any length, buffers aligned to 512 bytes. */
void odd_reset(void);
/* @escalation: of tasks that stay. NULL on -errno of odd.open_error. */
struct spt_device *odd_open(const struct spt_backend_ops *ops, uint64_t wait_us);
/* The task that is held ends. */
void odd_release(void);
/* Its place among the events, or -1. */
int odd_when(enum odd_event event);

#endif
