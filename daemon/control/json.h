/* SPDX-License-Identifier: MIT */
/* Rows of a snapshot as JSON and back: {"sessions": [{"id": 1, ...}]}. */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include <spt/error.h>

#include "control/fields.h"

/* All: text for free(), or NULL: out of memory. */
char *json_write_rows(const struct snapshot *snapshot, enum rows_kind kind);
/* {"error": "..."} */
char *json_write_error(const char *text);
/* {"report": "..."}; NULL is "". */
char *json_write_report(const char *text);
/* {"version": "..."} */
char *json_write_version(const char *version);

/*
 * Adds what @text holds of @kind to @ret. Fields that are not there stay zero, unknown ones are
 * passed over. 0, -EBADMSG, -ENOMEM.
 */
int json_read_rows(const char *text, size_t bytes, enum rows_kind kind, struct snapshot *ret);
/* {"device": "...", ...}: text for free(), or NULL: out of memory. */
char *json_write_request(const struct snapshot_request *request);
/*
 * Strictly: every key is one of the request's, every value a text that fits. 0, -EINVAL with @error
 * told.
 */
int json_read_request(const char *text, size_t bytes, struct snapshot_request *ret,
	struct spt_error *error);
/* What a report says, for free(); NULL: it is none. */
char *json_read_report(const char *text, size_t bytes);
/* What an answer says went wrong, cut to @out_bytes. -EBADMSG: it says nothing. */
int json_read_error(const char *text, size_t bytes, char *out, size_t out_bytes);

#endif
