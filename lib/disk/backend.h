/* SPDX-License-Identifier: MIT */
/* The disk's two backends, one for each store, and their options. */
#ifndef DISK_BACKEND_H
#define DISK_BACKEND_H

#include <spt/backend.h>

extern const struct spt_backend_ops spt_backend_mem, spt_backend_file;

/* Options of every disk come first, in this order; then the store's. */
enum disk_option {
	OPTION_SIZE,
	OPTION_BLOCK_SIZE,
	OPTION_PHYSICAL_BLOCK_SIZE,
	OPTION_VENDOR,
	OPTION_PRODUCT,
	OPTION_REVISION,
	OPTION_SERIAL,
	OPTION_NAA,
	OPTION_WRITE_CACHE,
	OPTION_READ_ONLY,
	OPTION_ROTATION_RATE,
	OPTION_THIN,
	OPTION_REMOVABLE,
	DISK_MEM_OPTIONS,
	OPTION_PATH = DISK_MEM_OPTIONS,
	OPTION_DIRECT,
	OPTION_IO,
	DISK_FILE_OPTIONS,
};

extern const struct spt_option disk_mem_options[DISK_MEM_OPTIONS];
extern const struct spt_option disk_file_options[DISK_FILE_OPTIONS];
/* Block sizes that do not fit each other. */
int disk_options_check(const struct spt_option_value *values, struct spt_error *error);

int disk_open_mem(const struct spt_open *open, struct spt_error *error, void **ret_device);
int disk_open_file(const struct spt_open *open, struct spt_error *error, void **ret_device);
void disk_close(void *device);

#endif
