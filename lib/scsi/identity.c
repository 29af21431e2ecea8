/* SPDX-License-Identifier: MIT */
/* Parsing the texts of an identity: see identity.h. */
#include "scsi/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spt/device.h>

#include "base/util.h"

int identity_text(char *to, size_t bytes, const struct spt_option_value *v, const char *name,
	struct spt_error *error)
{
	for (const char *p = v->text; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return spt_error_set(error, -EINVAL, "%s: only printable ASCII is allowed",
				name);
	}
	snprintf(to, bytes, "%s", v->text);
	return 0;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return p ? (int)(p - digits) : -1;
}

int identity_naa(const char *text, uint8_t ret[16], uint8_t *ret_bytes, struct spt_error *error)
{
	size_t digits = strlen(text);
	bool right = digits == 32 ? text[0] == '6'
				  : digits == 16 && text[0] && strchr("235", text[0]);

	if (!right)
		return spt_error_set(error, -EINVAL,
			"naa: 16 digits that begin with 2, 3 or 5, or 32 that begin with 6");
	for (size_t i = 0; i < digits; i++) {
		int d = digit(text[i]);
		if (d < 0)
			return spt_error_set(error, -EINVAL, "naa: '%c' is no hexadecimal digit",
				text[i]);
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | d);
	}
	*ret_bytes = (uint8_t)(digits / 2);
	return 0;
}

int spt_identity_parse(const char *name, const char *text, struct spt_identity *identity,
	struct spt_error *error)
{
	const struct {
		const char *name;
		char *to;
		size_t bytes;
	} texts[] = {
		{ "vendor", identity->vendor, sizeof(identity->vendor) },
		{ "product", identity->product, sizeof(identity->product) },
		{ "revision", identity->revision, sizeof(identity->revision) },
		{ "serial", identity->serial, sizeof(identity->serial) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct spt_option_value v = { .set = true, .text = text };
		if (strcmp(texts[i].name, name) != 0)
			continue;
		if (strlen(text) >= texts[i].bytes)
			return spt_error_set(error, -EINVAL, "%s: longer than %zu characters", name,
				texts[i].bytes - 1);
		return identity_text(texts[i].to, texts[i].bytes, &v, name, error);
	}
	if (!strcmp(name, "naa"))
		return identity_naa(text, identity->naa, &identity->naa_bytes, error);
	return spt_error_set(error, -EINVAL, "%s: an identity has no such member", name);
}
