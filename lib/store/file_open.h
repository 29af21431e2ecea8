/* SPDX-License-Identifier: MIT */
/* Opening the file store's medium: what is there, may we have it, and what can it do. */
#ifndef STORE_FILE_OPEN_H
#define STORE_FILE_OPEN_H

#include "store/store.h"

struct file_medium {
	int fd;
	uint64_t bytes;
	bool block_device;
	bool direct;
	bool punches;
};

int file_medium_open(const struct store_file_params *params, struct spt_error *error,
	struct file_medium *ret);

#endif
