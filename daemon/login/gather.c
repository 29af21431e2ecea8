/* SPDX-License-Identifier: MIT */
/* Joining a text: see gather.h. */
#include "login/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int gather_add(struct gather *gather, const void *data, size_t bytes)
{
	if (bytes > gather->limit_bytes - gather->bytes)
		return -EMSGSIZE;
	if (!bytes)
		return 0;
	char *grown = realloc(gather->data, gather->bytes + bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + gather->bytes, data, bytes);
	gather->data = grown;
	gather->bytes += bytes;
	return 0;
}

void gather_reset(struct gather *gather)
{
	free(gather->data);
	gather->data = NULL;
	gather->bytes = 0;
}
