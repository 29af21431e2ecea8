/* SPDX-License-Identifier: MIT */
/* The texts of an identity as a person writes them: ASCII fields and NAA designators. */
#ifndef SCSI_IDENTITY_H
#define SCSI_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/option.h>

/* @v's text into @to of @bytes; -EINVAL with @error told: not printable ASCII (SPC-5 4.3.1). @name: the key's. */
int identity_text(char *to, size_t bytes, const struct spt_option_value *v, const char *name,
	struct spt_error *error);
/* SPC-5 7.7.6.6: NAA 2h, 3h and 5h have 8 bytes, 6h has 16. -EINVAL with @error told. */
int identity_naa(const char *text, uint8_t ret[16], uint8_t *ret_bytes, struct spt_error *error);

#endif
