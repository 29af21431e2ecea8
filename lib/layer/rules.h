/* SPDX-License-Identifier: MIT */
/*
 * The rules of a layer as text: rules with "|" between them, each of words. Words that tell which tasks
 * are meant are the same for all layers (match.h); what becomes of these is the layer's to read.
 *
 *   op=READ(10),READ(16) lba=1000-1999 every=10 check=3/11/00 | op=START-STOP-UNIT hang
 */
#ifndef LAYER_RULES_H
#define LAYER_RULES_H

#include <spt/layer.h>

#include "layer/match.h"

#define RULES_MAX      32u
#define RULES_TEXT_MAX 900u

/* At the beginning of the layer's own. */
struct rule {
	struct match match;
	char *text;
	atomic_uint held; /* tasks that stay with it now */
};

struct rules_ops {
	size_t rule_bytes;
	/* One word; @value: NULL when there was no "=". 0, or -EINVAL with @error told, -ENOMEM. */
	int (*word)(struct rule *rule, const char *key, const char *value, struct spt_error *error);
	/* All words of a rule were read. */
	int (*check)(struct rule *rule, struct spt_error *error);
	void (*deinit)(struct rule *rule); /* or NULL */
	const char *words;		   /* what may be written, for messages */
};

struct rules {
	const struct rules_ops *ops;
	size_t n;
	_Alignas(max_align_t) unsigned char memory[]; /* n times rule_bytes */
};

/* 0; -EINVAL with @error told; -ENOMEM. An empty text is no rule at all. */
int rules_parse(const struct rules_ops *ops, const char *text, struct spt_error *error,
	struct rules **ret);
void rules_free(struct rules *rules);
struct rule *rules_at(struct rules *rules, size_t i);
/* The first rule that means @task, or NULL. */
struct rule *rules_find(struct rules *rules, struct spt_device *device,
	const struct spt_task *task);
/* A row for each rule of layer @name: see spt_layer_each(). */
void rules_each(struct rules *rules, const char *name,
	void (*fn)(void *arg, const struct spt_layer_row *row), void *arg);

#endif
