/* SPDX-License-Identifier: MIT */
/*
 * Replies that are changed on their way from the device to the initiator. What is changed in place
 * (standard INQUIRY data) is asked for as the initiator did. What may change its length (a vital
 * product data page) is asked for as a whole, whatever the initiator has room for, and made anew;
 * the initiator then gets its cut with residuals as if the device had said so.
 *
 * A page is a row of the table in rewrite.c; its maker is in identity.c, or beside it.
 */
#ifndef CORE_REWRITE_H
#define CORE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "core/core.h"

/* The most that a page grows by. */
#define REWRITE_ROOM 2048u

/* What the device said to the question for a page. */
struct rewrite_page {
	const struct spt_task *task;
	uint8_t code;
	const uint8_t *data; /* behind the four bytes of its header; NULL: it has no such page */
	size_t bytes;
};

struct rewrite_row {
	uint8_t code;
	/* Is it made anew for this task's nexus and device? */
	bool (*wanted)(const struct spt_task *task);
	/* Puts what stands behind the header into @w. False: the device's answer stands as it is. */
	bool (*make)(const struct rewrite_page *page, struct writer *w);
};

/* identity.c */
bool identity_of_ports(const struct spt_task *task);
bool identity_overridden(const struct spt_task *task);
bool identity_any(const struct spt_task *task);
bool identity_make_supported(const struct rewrite_page *page, struct writer *w);
bool identity_make_serial(const struct rewrite_page *page, struct writer *w);
bool identity_make_designators(const struct rewrite_page *page, struct writer *w);
bool identity_make_ports(const struct rewrite_page *page, struct writer *w);
/* @data: standard INQUIRY data, as much of it as the initiator gets. */
void identity_edit_standard(const struct spt_task *task, uint8_t *data, size_t bytes);

#endif
