/* SPDX-License-Identifier: MIT */
/* Opening the file store's medium: what is there, may we have it, and what can it do. */
#ifndef STORE_FILE_OPEN_H
#define STORE_FILE_OPEN_H

#include "store/file_claim.h"
#include "store/store.h"

struct file_medium {
	int fd;
	struct file_claim claim;
	uint64_t bytes;
	bool block_device;
	bool direct;
	bool punches;
};

/* @leaving: see store_file_params; or NULL. @ret stays where it is until it is closed. */
int file_medium_open(const struct store_file_params *params, struct file_medium *leaving,
	struct spt_error *error, struct file_medium *ret);
void file_medium_close(struct file_medium *medium);

#endif
