/* SPDX-License-Identifier: MIT */
/* Another identity than the device's own: see identity_options.h. */
#include "passthrough/identity_options.h"

#include "base/util.h"

int identity_options_apply(struct spt_device *device, const struct spt_option_value *values,
	struct spt_error *error)
{
	static const char *const names[IDENTITY_OPTIONS] = {
		[IDENTITY_VENDOR] = "vendor",
		[IDENTITY_PRODUCT] = "product",
		[IDENTITY_REVISION] = "revision",
		[IDENTITY_SERIAL] = "serial",
		[IDENTITY_NAA] = "naa",
	};
	struct spt_identity id = { .vendor = "" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int r = values[i].set ? spt_identity_parse(names[i], values[i].text, &id, error) : 0;
		if (r < 0)
			return r;
	}
	spt_device_set_identity(device, &id);
	return 0;
}
