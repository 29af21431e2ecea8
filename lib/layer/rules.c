/* SPDX-License-Identifier: MIT */
/* Rules read from text: see rules.h. */
#include "layer/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct rule *rules_at(struct rules *rules, size_t i)
{
	return (struct rule *)(void *)(rules->memory + i * rules->ops->rule_bytes);
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; rules && i < rules->n; i++) {
		struct rule *rule = rules_at(rules, i);
		if (rules->ops->deinit)
			rules->ops->deinit(rule);
		match_deinit(&rule->match);
		free(rule->text);
	}
	free(rules);
}

static int take_word(const struct rules_ops *ops, struct rule *rule, char *word,
	struct spt_error *error)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	if (value) {
		int r = match_word(&rule->match, word, value, error);
		if (r)
			return r < 0 ? r : 0;
	}
	int r = ops->word(rule, word, value, error);
	if (r != -ENOENT)
		return r;
	return spt_error_set(error, -EINVAL, "'%.40s' is no word of a rule; there are op=, lba=, "
		"initiator=, every=, skip=, count=, chance=, and %s", word, ops->words);
}

static int take_rule(struct rules *rules, const char *text, size_t bytes, struct spt_error *error)
{
	struct rule *rule = rules_at(rules, rules->n++);
	char copy[RULES_TEXT_MAX + 1], *rest = copy, *word;
	size_t n = 0;

	memcpy(copy, text, bytes);
	copy[bytes] = 0;
	rule->text = strdup(copy);
	if (!rule->text)
		return -ENOMEM;
	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		int r = take_word(rules->ops, rule, word, error);
		if (r < 0)
			return r;
		n++;
	}
	if (!n)
		return spt_error_set(error, -EINVAL, "an empty rule");
	return rules->ops->check(rule, error);
}

static int parse(struct rules *rules, const char *text, struct spt_error *error)
{
	while (*text) {
		size_t n = strcspn(text, "|");
		const char *end = text + n;
		while (text < end && (*text == ' ' || *text == '\t'))
			text++;
		while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		struct spt_error why = { "out of memory" };
		int r = take_rule(rules, text, (size_t)(end - text), &why);
		if (r < 0)
			return spt_error_set(error, r, "rule %zu: %s", rules->n, why.text);
		text = end + strcspn(end, "|");
		if (!*text)
			break;
		text++;
	}
	return 0;
}

int rules_parse(const struct rules_ops *ops, const char *text, struct spt_error *error,
	struct rules **ret)
{
	size_t n = 1;

	if (strlen(text) > RULES_TEXT_MAX)
		return spt_error_set(error, -EINVAL, "rules: more than %u characters", RULES_TEXT_MAX);
	for (const char *p = text; *p; p++)
		n += *p == '|';
	if (n > RULES_MAX)
		return spt_error_set(error, -EINVAL, "more than %u rules", RULES_MAX);
	struct rules *rules = calloc(1, sizeof(*rules) + n * ops->rule_bytes);
	if (!rules)
		return spt_error_set(error, -ENOMEM, "out of memory");
	rules->ops = ops;
	int r = parse(rules, text, error);
	if (r < 0) {
		rules_free(rules);
		return r;
	}
	*ret = rules;
	return 0;
}

struct rule *rules_find(struct rules *rules, struct spt_device *device, const struct spt_task *task)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rule *rule = rules_at(rules, i);
		if (match_hits(&rule->match, device, task))
			return rule;
	}
	return NULL;
}

void rules_each(struct rules *rules, const char *name,
	void (*fn)(void *arg, const struct spt_layer_row *row), void *arg)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rule *rule = rules_at(rules, i);
		const struct spt_layer_row row = {
			.layer = name,
			.on = true,
			.rule = (unsigned)i + 1,
			.text = rule->text,
			.seen = atomic_load_explicit(&rule->match.seen, memory_order_relaxed),
			.hits = atomic_load_explicit(&rule->match.hits, memory_order_relaxed),
			.held = atomic_load_explicit(&rule->held, memory_order_relaxed),
		};
		fn(arg, &row);
	}
}
