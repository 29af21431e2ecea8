/* SPDX-License-Identifier: MIT */
/* The daemon's configuration file, as bytes. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"

#include "config/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_errors errors;
	struct ini *ini = NULL;
	char text[700];
	size_t keys = 0;

	if (size > INI_BYTES_MAX)
		return 0;
	config_errors_init(&errors, "fuzz.conf");
	int r = ini_parse(data, size, &errors, &ini);
	CHECK(r == 0 || r == -EINVAL || r == -ENOMEM);
	CHECK((r == -EINVAL) == (errors.n_fatal > 0));
	CHECK(errors.n <= CONFIG_ERRORS_MAX);
	for (size_t i = 0; i < errors.n; i++) {
		config_error_format(&errors, i, text, sizeof(text));
		CHECK(memchr(text, 0, sizeof(text)));
	}
	for (size_t s = 0; ini && s < ini->n_sections; s++) {
		CHECK(strlen(ini->sections[s].name) <= INI_NAME_MAX);
		for (size_t k = 0; k < ini->sections[s].n_keys; k++) {
			CHECK(strlen(ini->sections[s].keys[k].name) <= INI_NAME_MAX);
			CHECK(strlen(ini->sections[s].keys[k].value) <= INI_LINE_MAX);
			keys++;
		}
	}
	CHECK(keys <= INI_KEYS_MAX);
	ini_free(ini);
	return 0;
}
