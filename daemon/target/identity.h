/* SPDX-License-Identifier: MIT */
/* One number a machine, from which emulated disks make their serial numbers and designators. */
#ifndef TARGET_IDENTITY_H
#define TARGET_IDENTITY_H

#include <stdint.h>

/*
 * What @state_dir/identity says; made at the first start. Without that directory it comes from the
 * machine's own identity (/etc/machine-id).
 */
uint64_t identity_get(const char *state_dir);

#endif
