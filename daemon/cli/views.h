/* SPDX-License-Identifier: MIT */
/* What sptgtctl shows of targets, logical units and sessions. */
#ifndef CLI_VIEWS_H
#define CLI_VIEWS_H

#include "cli/table.h"

extern const struct table VIEW_TARGETS, VIEW_LUNS, VIEW_SESSIONS, VIEW_LAYERS;

/* 1536 as "1.5K": three digits at most in front of the point. */
void view_size(uint64_t bytes, char *text, size_t text_bytes);

#endif
