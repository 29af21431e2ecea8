/* SPDX-License-Identifier: MIT */
/*
 * The options by which a device that is passed through gets another identity than its own: the same
 * for every backend of that kind. They stand together, last, in the backend's table.
 */
#ifndef PASSTHROUGH_IDENTITY_OPTIONS_H
#define PASSTHROUGH_IDENTITY_OPTIONS_H

#include <spt/backend.h>
#include <spt/option.h>

enum identity_option {
	IDENTITY_VENDOR,
	IDENTITY_PRODUCT,
	IDENTITY_REVISION,
	IDENTITY_SERIAL,
	IDENTITY_NAA,
	IDENTITY_OPTIONS,
};

#define IDENTITY_ROW(row_, name_, min_, max_, help_)                                               \
	[row_] = { .name = name_, .type = SPT_OPTION_STRING, .min = min_, .max = max_, .help = help_ }

/* @first: the index of the first of them, of IDENTITY_OPTIONS. */
#define IDENTITY_OPTION_ROWS(first_)                                                               \
	IDENTITY_ROW((first_) + IDENTITY_VENDOR, "vendor", 1, 8,                                   \
		"T10 VENDOR IDENTIFICATION as told to initiators; the device's own if unset"),     \
	IDENTITY_ROW((first_) + IDENTITY_PRODUCT, "product", 1, 16,                                \
		"PRODUCT IDENTIFICATION as told to initiators; the device's own if unset"),        \
	IDENTITY_ROW((first_) + IDENTITY_REVISION, "revision", 1, 4,                               \
		"PRODUCT REVISION LEVEL as told to initiators; the device's own if unset"),        \
	IDENTITY_ROW((first_) + IDENTITY_SERIAL, "serial", 1, SPT_SERIAL_MAX,                      \
		"unit serial number as told to initiators, for two devices that have the same; "   \
		"the device's own if unset"),                                                      \
	IDENTITY_ROW((first_) + IDENTITY_NAA, "naa", 16, 32,                                       \
		"NAA designator (WWN) of the logical unit as told to initiators, 16 or 32 "        \
		"hexadecimal digits: paths with the same one are joined; the device's own "        \
		"designators if unset")

/* @values: the first of the rows'. For the device that is being opened. 0 or -EINVAL with @error told. */
int identity_options_apply(struct spt_device *device, const struct spt_option_value *values,
	struct spt_error *error);

#endif
