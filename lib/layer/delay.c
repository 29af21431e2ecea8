/* SPDX-License-Identifier: MIT */
/*
 * The delay layer: commands are kept back for a while, by rule, on their way to the device (before=)
 * or with their result (after=). A time is one, such as 20ms, or a range of which each command gets a part by
 * chance: 5ms-50ms. An abort does not wait for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "layer/layer.h"
#include "layer/rules.h"

struct delay_range {
	uint64_t low_us, high_us;
};

struct delay_rule {
	struct rule rule; /* first */
	struct delay_range before, after;
};

struct delay {
	struct spt_device *device;
	struct rules *rules;
};

static int take_range(const char *key, const char *value, struct delay_range *to,
	struct spt_error *error)
{
	const uint64_t most_us = UINT64_C(3600000000);
	char low[32] = "";
	size_t n = value ? strcspn(value, "-") : 0;

	if (n < sizeof(low))
		memcpy(low, value ? value : "", n);
	if (value && !parse_duration(low, &to->low_us) &&
		!parse_duration(value[n] ? value + n + 1 : low, &to->high_us) &&
		to->low_us <= to->high_us && to->high_us <= most_us)
		return 0;
	return spt_error_set(error, -EINVAL, "%s: '%.60s' is neither a time such as 20ms nor a range "
		"such as 5ms-50ms, of at most one hour", key, value ? value : "");
}

static int word(struct rule *rule, const char *key, const char *value, struct spt_error *error)
{
	struct delay_rule *r = (struct delay_rule *)rule;

	if (!strcmp(key, "before"))
		return take_range(key, value, &r->before, error);
	if (!strcmp(key, "after"))
		return take_range(key, value, &r->after, error);
	return -ENOENT;
}

static int check_rule(struct rule *rule, struct spt_error *error)
{
	const struct delay_rule *r = (struct delay_rule *)rule;

	if (r->before.high_us || r->after.high_us)
		return 0;
	return spt_error_set(error, -EINVAL, "it delays nothing: before= or after= is missing");
}

static const struct rules_ops RULES = {
	.rule_bytes = sizeof(struct delay_rule),
	.word = word,
	.check = check_rule,
	.words = "before=, after=",
};

static int delay_check(const struct spt_option_value *v, struct spt_error *error)
{
	struct spt_error why = { "" };
	struct rules *rules = NULL;
	int r = v->set ? rules_parse(&RULES, v->text, &why, &rules) : 0;

	rules_free(rules);
	return r < 0 ? spt_error_set(error, r, "delay-rules: %s", why.text) : 0;
}

static int delay_open(struct spt_device *device, const struct spt_option_value *v,
	struct spt_error *error, void **ret)
{
	struct delay *d = calloc(1, sizeof(*d));
	int r = d ? rules_parse(&RULES, v->set ? v->text : "", error, &d->rules) :
		    spt_error_set(error, -ENOMEM, "out of memory");

	if (r < 0) {
		free(d);
		return r;
	}
	d->device = device;
	*ret = d;
	return 0;
}

static void delay_close(void *state)
{
	struct delay *d = state;

	rules_free(d->rules);
	free(d);
}

static uint64_t pick(const struct delay_range *range, uint64_t serial)
{
	return range->low_us + match_random(serial, range->high_us - range->low_us + 1);
}

static enum step delay_down(void *state, struct passage *p, struct memo *memo)
{
	struct delay *d = state;
	struct delay_rule *r = (struct delay_rule *)rules_find(d->rules, d->device, p->task);

	if (!r)
		return STEP_PASS;
	memo->rule = r;
	memo->number = atomic_load_explicit(&r->rule.match.hits, memory_order_relaxed);
	return layer_hold_for(p, pick(&r->before, memo->number), &r->rule.held);
}

static enum step delay_up(void *state, struct passage *p, struct memo *memo)
{
	struct delay_rule *r = memo->rule;

	(void)state;
	/* Who wants it gone is not kept waiting. */
	if (!r || p->task->aborting)
		return STEP_PASS;
	return layer_hold_for(p, pick(&r->after, ~memo->number), &r->rule.held);
}

static void delay_each(void *state, void (*fn)(void *arg, const struct spt_layer_row *row), void *arg)
{
	struct delay *d = state;

	rules_each(d->rules, "delay", fn, arg);
}

const struct layer_ops LAYER_DELAY = {
	.name = "delay",
	.first_option = LAYER_OPTION_DELAY_RULES,
	.n_options = 1,
	.check = delay_check,
	.open = delay_open,
	.close = delay_close,
	.down = delay_down,
	.up = delay_up,
	.each = delay_each,
};
