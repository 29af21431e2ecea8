/* SPDX-License-Identifier: MIT */
/* The configuration keys of the backends sg and bsg: one table, one reading of it. */
#ifndef PASSTHROUGH_SG_OPTIONS_H
#define PASSTHROUGH_SG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/option.h>

#include "passthrough/identity_options.h"
#include "passthrough/sg_timeouts.h"

#define SG_OPTION_IDENTITY 12u /* the first of them */
#define SG_OPTIONS         (SG_OPTION_IDENTITY + IDENTITY_OPTIONS)

extern const struct spt_option SG_OPTION_ROWS[SG_OPTIONS];

struct sg_settings {
	bool force;
	bool wait; /* a device that is not there at the start may come */
	bool reset_escalates;
	bool third_party_copy;
	unsigned queue_depth; /* 0: the backend's own */
	unsigned queue_limit;
	struct sg_timeout_rules timeouts;
};

/* @ret_path belongs to the reader of the configuration. -EINVAL. */
int sg_settings_read(const struct spt_option_value *values, struct sg_settings *ret,
	const char **ret_path, struct spt_error *error);
/* The same, of which only the faults matter. */
int sg_settings_check(const struct spt_option_value *values, struct spt_error *error);

#endif
