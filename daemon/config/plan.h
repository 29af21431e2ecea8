/* SPDX-License-Identifier: MIT */
/*
 * What is different between two configurations, and what each change costs: from the rows of the schema.
 */
#ifndef CONFIG_PLAN_H
#define CONFIG_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/schema.h"

enum plan_kind { PLAN_ADDED, PLAN_REMOVED, PLAN_CHANGED };

struct plan_change {
	enum schema_section section;
	enum plan_kind kind;
	const char *name; /* of the section: NULL for [daemon]; the configurations' */
	const char *key;  /* of what is changed; the schema's, or "options" of a backend */
	enum schema_reload cost;
};

struct plan {
	struct plan_change *list;
	size_t n;
};

/* 0 or -ENOMEM. @ret points into both configurations. */
int plan_make(const struct config *before, const struct config *after, struct plan *ret);
void plan_deinit(struct plan *plan);
/* "[target-disk] queue-depth is changed: for new logins"; always terminated. */
void plan_text(const struct plan_change *change, char *text, size_t bytes);

/* Would both be opened alike? The name is not compared. */
bool plan_device_equal(const struct config_device *a, const struct config_device *b);

#endif
