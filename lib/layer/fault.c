/* SPDX-License-Identifier: MIT */
/*
 * The fault layer: what goes wrong with a device, by rule, so that those above can be seen to bear
 * it. The first rule that means a task does something to it; all others pass by.
 *
 *   check=KEY/ASC/ASCQ     CHECK CONDITION, the device never hears of it
 *   status=NAME            another status, likewise
 *   drop                   it is lost on the way: there is no status at all
 *   hang[=abort|reset|fence]  it stays until it is aborted, the logical unit is reset (that is meant when nothing is
 *                          said), or nothing but fencing or the operator ends it
 *   corrupt=OFFSET[:HEX]   the device executes it, with data changed on the way, in or out
 *   short=BYTES            the device executes it, and less data seems to have been moved
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spt/buffer.h>

#include "base/parse.h"
#include "base/util.h"
#include "layer/layer.h"
#include "layer/rules.h"

#define CORRUPT_MAX 32u

enum action {
	ACTION_NONE,
	ACTION_CHECK,
	ACTION_STATUS,
	ACTION_DROP,
	ACTION_HANG,
	ACTION_CORRUPT,
	ACTION_SHORT,
};

struct fault_rule {
	struct rule rule; /* first */
	enum action action;
	uint8_t key, status;
	spt_asc_t asc;
	enum hold hold;
	uint64_t bytes; /* of ACTION_SHORT; the offset of ACTION_CORRUPT */
	uint8_t mask[CORRUPT_MAX];
	unsigned mask_bytes;
};

struct fault {
	struct spt_device *device;
	struct rules *rules;
};

static bool same_word(const char *word, const char *name)
{
	for (; *word && *name; word++, name++) {
		bool gap = *name == ' ' && (*word == '-' || *word == '_');
		if (!gap && tolower((unsigned char)*word) != tolower((unsigned char)*name))
			return false;
	}
	return !*word && !*name;
}

static int parse_hex(const char *text, size_t n, unsigned *ret)
{
	char copy[5], *end;

	if (!n || n >= sizeof(copy) || !isxdigit((unsigned char)text[0]))
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	*ret = (unsigned)strtoul(copy, &end, 16);
	return *end ? -EINVAL : 0;
}

/* "3/11/00", "medium-error/11/00" */
static int take_check(struct fault_rule *r, const char *value, struct spt_error *error)
{
	size_t n = value ? strcspn(value, "/") : 0;
	unsigned key = 16, asc = 0x100, ascq = 0x100;
	char name[24] = "";

	if (value && n < sizeof(name))
		memcpy(name, value, n);
	for (unsigned k = 0; k < 16 && key == 16; k++) {
		if (same_word(name, spt_sense_key_name((uint8_t)k)))
			key = k;
	}
	if (value && key == 16 && parse_hex(value, n, &key) < 0)
		key = 16;
	if (value && value[n] == '/') {
		const char *p = value + n + 1;
		size_t m = strcspn(p, "/");
		if (parse_hex(p, m, &asc) == 0 && p[m] == '/' &&
			parse_hex(p + m + 1, strlen(p + m + 1), &ascq) < 0)
			ascq = 0x100;
	}
	if (key > 15 || asc > 0xff || ascq > 0xff)
		return spt_error_set(error, -EINVAL, "check: '%.60s' is not KEY/ASC/ASCQ, such as 3/11/00 "
			"or medium-error/11/00", value ? value : "");
	r->key = (uint8_t)key;
	r->asc = (spt_asc_t)(asc << 8 | ascq);
	return 0;
}

static int take_status(struct fault_rule *r, const char *value, struct spt_error *error)
{
	static const struct {
		const char *name;
		uint8_t status;
	} names[] = {
		{ "busy", SPT_BUSY },
		{ "task set full", SPT_TASK_SET_FULL },
		{ "reservation conflict", SPT_RESERVATION_CONFLICT },
		{ "task aborted", SPT_TASK_ABORTED },
		{ "condition met", SPT_CONDITION_MET },
		{ "aca active", SPT_ACA_ACTIVE },
		{ "good", SPT_GOOD },
	};

	for (size_t i = 0; value && i < ARRAY_SIZE(names); i++) {
		if (same_word(value, names[i].name)) {
			r->status = names[i].status;
			return 0;
		}
	}
	return spt_error_set(error, -EINVAL, "status: '%.60s' is not busy, task-set-full, "
		"reservation-conflict, task-aborted, condition-met, aca-active or good", value ? value : "");
}

static int take_hang(struct fault_rule *r, const char *value, struct spt_error *error)
{
	static const struct {
		const char *name;
		enum hold hold;
	} ends[] = { { "abort", HOLD_ABORT }, { "reset", HOLD_RESET }, { "fence", HOLD_FENCE } };

	r->hold = HOLD_RESET;
	if (!value)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!strcmp(value, ends[i].name)) {
			r->hold = ends[i].hold;
			return 0;
		}
	}
	return spt_error_set(error, -EINVAL, "hang: '%.60s' is not what ends it: abort, reset or fence",
		value);
}

static int take_corrupt(struct fault_rule *r, const char *value, struct spt_error *error)
{
	size_t n = value ? strcspn(value, ":") : 0;
	char offset[24] = "";
	unsigned byte;

	if (n < sizeof(offset))
		memcpy(offset, value ? value : "", n);
	if (!value || parse_u64_range(offset, 0, UINT32_MAX, &r->bytes) < 0)
		return spt_error_set(error, -EINVAL, "corrupt: '%.60s' is not OFFSET or OFFSET:HEX, such as "
			"512:ff00", value ? value : "");
	r->mask[0] = 0xff;
	r->mask_bytes = 1;
	if (!value[n])
		return 0;
	const char *p = value + n + 1;
	for (r->mask_bytes = 0; *p && r->mask_bytes < CORRUPT_MAX; p += 2) {
		if (!p[1] || parse_hex(p, 2, &byte) < 0)
			break;
		r->mask[r->mask_bytes++] = (uint8_t)byte;
	}
	if (*p || !r->mask_bytes)
		return spt_error_set(error, -EINVAL, "corrupt: after the offset stand 1 to %u bytes in "
			"hexadecimal, which are XORed", CORRUPT_MAX);
	return 0;
}

static int take_drop(struct fault_rule *r, const char *value, struct spt_error *error)
{
	(void)r;
	return value ? spt_error_set(error, -EINVAL, "drop takes no value") : 0;
}

static int take_short(struct fault_rule *r, const char *value, struct spt_error *error)
{
	if (value && !parse_size(value, &r->bytes))
		return 0;
	return spt_error_set(error, -EINVAL, "short: '%.60s' is not a number of bytes",
		value ? value : "");
}

static const struct {
	const char *key;
	enum action action;
	int (*take)(struct fault_rule *rule, const char *value, struct spt_error *error);
} ACTIONS[] = {
	{ "check", ACTION_CHECK, take_check },
	{ "status", ACTION_STATUS, take_status },
	{ "drop", ACTION_DROP, take_drop },
	{ "hang", ACTION_HANG, take_hang },
	{ "corrupt", ACTION_CORRUPT, take_corrupt },
	{ "short", ACTION_SHORT, take_short },
};

static int word(struct rule *rule, const char *key, const char *value, struct spt_error *error)
{
	struct fault_rule *r = (struct fault_rule *)rule;

	for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++) {
		if (strcmp(key, ACTIONS[i].key))
			continue;
		if (r->action)
			return spt_error_set(error, -EINVAL, "a rule does one thing, and '%s' is a second",
				key);
		r->action = ACTIONS[i].action;
		return ACTIONS[i].take(r, value, error);
	}
	return -ENOENT;
}

#define WORDS "check=, status=, drop, hang, corrupt=, short="

static int check_rule(struct rule *rule, struct spt_error *error)
{
	if (((struct fault_rule *)rule)->action)
		return 0;
	return spt_error_set(error, -EINVAL, "it does nothing: one of " WORDS " is missing");
}

static const struct rules_ops RULES = {
	.rule_bytes = sizeof(struct fault_rule),
	.word = word,
	.check = check_rule,
	.words = WORDS,
};

static int fault_check(const struct spt_option_value *v, struct spt_error *error)
{
	struct spt_error why = { "" };
	struct rules *rules = NULL;
	int r = v->set ? rules_parse(&RULES, v->text, &why, &rules) : 0;

	rules_free(rules);
	return r < 0 ? spt_error_set(error, r, "fault-rules: %s", why.text) : 0;
}

static int fault_open(struct spt_device *device, const struct spt_option_value *v,
	struct spt_error *error, void **ret)
{
	struct fault *f = calloc(1, sizeof(*f));
	int r = f ? rules_parse(&RULES, v->set ? v->text : "", error, &f->rules) :
		    spt_error_set(error, -ENOMEM, "out of memory");

	if (r < 0) {
		free(f);
		return r;
	}
	f->device = device;
	*ret = f;
	return 0;
}

static void fault_close(void *state)
{
	struct fault *f = state;

	rules_free(f->rules);
	free(f);
}

static void apply_mask(const struct fault_rule *r, uint8_t *data, uint32_t bytes)
{
	for (unsigned i = 0; i < r->mask_bytes && r->bytes + i < bytes; i++)
		data[r->bytes + i] ^= r->mask[i];
}

/* Data on the way to the device. The caller's own memory is not ours to change: a copy then. */
static void corrupt_out(const struct fault_rule *r, struct spt_task *task, struct memo *memo)
{
	if (!task->out.bytes)
		return;
	if (!task->out_pooled) {
		memo->memory = malloc(task->out.bytes);
		if (!memo->memory)
			return;
		memcpy(memo->memory, task->out.data, task->out.bytes);
		uint8_t *own = task->out.data;
		task->out.data = memo->memory;
		memo->number = (uintptr_t)own;
	}
	apply_mask(r, task->out.data, task->out.bytes);
}

static void corrupt_out_over(struct spt_task *task, struct memo *memo)
{
	if (memo->memory)
		task->out.data = (uint8_t *)(uintptr_t)memo->number;
}

/* What is lent is somebody's medium: the initiator gets a copy. False: there is no memory for one. */
static bool own_in(struct spt_task *task)
{
	const struct spt_data lent = task->in;
	void (*release)(struct spt_task *) = task->lent_release;

	if (task->in_pooled || task->in.data == task->direct_in.data)
		return true;
	task->in = (struct spt_data){ NULL, 0 };
	uint8_t *copy = spt_task_take_in(task, lent.bytes);
	if (!copy) {
		task->in = lent;
		return false;
	}
	memcpy(copy, lent.data, lent.bytes);
	task->lent_release = NULL;
	if (release)
		release(task);
	return true;
}

static void shorten(const struct fault_rule *r, struct spt_task *task)
{
	task->in.bytes = (uint32_t)MIN((uint64_t)task->in.bytes, r->bytes);
	task->in_would_bytes = MIN(task->in_would_bytes, r->bytes);
	task->out_would_bytes = MIN(task->out_would_bytes, r->bytes);
}

static enum step fault_down(void *state, struct passage *p, struct memo *memo)
{
	struct fault *f = state;
	struct fault_rule *r = (struct fault_rule *)rules_find(f->rules, f->device, p->task);

	if (!r)
		return STEP_PASS;
	memo->rule = r;
	switch (r->action) {
	case ACTION_CHECK:
		return layer_check(p, r->key, r->asc);
	case ACTION_STATUS:
		return layer_status(p, r->status);
	case ACTION_DROP:
		p->task->outcome = SPT_DELIVERY_FAILURE;
		return STEP_DONE;
	case ACTION_HANG:
		return layer_hold(p, r->hold, &r->rule.held);
	case ACTION_CORRUPT:
		corrupt_out(r, p->task, memo);
		return STEP_PASS;
	default:
		return STEP_PASS;
	}
}

static enum step fault_up(void *state, struct passage *p, struct memo *memo)
{
	const struct fault_rule *r = memo->rule;

	(void)state;
	if (!r)
		return STEP_PASS;
	if (r->action == ACTION_CORRUPT) {
		corrupt_out_over(p->task, memo);
		if (p->task->in.bytes && own_in(p->task))
			apply_mask(r, p->task->in.data, p->task->in.bytes);
	} else if (r->action == ACTION_SHORT) {
		shorten(r, p->task);
	}
	return STEP_PASS;
}

static void fault_each(void *state, void (*fn)(void *arg, const struct spt_layer_row *row), void *arg)
{
	struct fault *f = state;

	rules_each(f->rules, "fault", fn, arg);
}

const struct layer_ops LAYER_FAULT = {
	.name = "fault",
	.first_option = LAYER_OPTION_FAULT_RULES,
	.n_options = 1,
	.check = fault_check,
	.open = fault_open,
	.close = fault_close,
	.down = fault_down,
	.up = fault_up,
	.each = fault_each,
};
