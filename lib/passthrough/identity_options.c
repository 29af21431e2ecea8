/* SPDX-License-Identifier: MIT */
/* Another identity than the device's own: see identity_options.h. */
#include "passthrough/identity_options.h"

#include "base/util.h"
#include "scsi/identity.h"

int identity_options_apply(struct spt_device *device, const struct spt_option_value *values,
	struct spt_error *error)
{
	struct spt_identity id = { .vendor = "" };
	const struct {
		enum identity_option option;
		const char *name;
		char *to;
		size_t bytes;
	} texts[] = {
		{ IDENTITY_VENDOR, "vendor", id.vendor, sizeof(id.vendor) },
		{ IDENTITY_PRODUCT, "product", id.product, sizeof(id.product) },
		{ IDENTITY_REVISION, "revision", id.revision, sizeof(id.revision) },
		{ IDENTITY_SERIAL, "serial", id.serial, sizeof(id.serial) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct spt_option_value *v = &values[texts[i].option];
		int r = v->set ? identity_text(texts[i].to, texts[i].bytes, v, texts[i].name, error) : 0;
		if (r < 0)
			return r;
	}
	if (values[IDENTITY_NAA].set) {
		int r = identity_naa(values[IDENTITY_NAA].text, id.naa, &id.naa_bytes, error);
		if (r < 0)
			return r;
	}
	spt_device_set_identity(device, &id);
	return 0;
}
