/* SPDX-License-Identifier: MIT */
/* The first reading of an INI file: its grammar, line by line, with every fault told. */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include "config/ini.h"

/*
 * 0, -EINVAL (faults are in @errors; what could be understood is in @ini all the same) or -ENOMEM.
 * @ini is empty at first and the caller's to free.
 */
int ini_scan(const char *data, size_t bytes, struct config_errors *errors, struct ini *ini);

#endif
