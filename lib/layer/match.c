/* SPDX-License-Identifier: MIT */
/* Which tasks a rule means: see match.h. */
#include "layer/match.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "scsi/cdb.h"
#include "scsi/extent.h"

#define MILLION 1000000u

/* Names are written in one word: "test-unit-ready" is TEST UNIT READY. */
static void plain(const char *from, char *to, size_t bytes)
{
	size_t n = 0;

	for (; *from && n + 1 < bytes; from++)
		to[n++] = *from == ' ' || *from == '_' ? '-' : (char)tolower((unsigned char)*from);
	to[n] = 0;
}

static int add_code(struct match *m, uint8_t opcode, uint16_t action)
{
	for (size_t i = 0; i < m->n_codes; i++) {
		if (m->codes[i].opcode == opcode && m->codes[i].service_action == action)
			return 0;
	}
	struct match_code *more = reallocarray(m->codes, m->n_codes + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->codes = more;
	m->codes[m->n_codes++] = (struct match_code){ opcode, action };
	return 0;
}

static int hex(const char *text, const char *end, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (end - text > 2 && text[0] == '0' && text[1] == 'x')
		text += 2;
	else if (end - text > 1 && end[-1] == 'h')
		end--;
	if (text == end)
		return -EINVAL;
	for (; text < end; text++) {
		if (!isxdigit((unsigned char)*text))
			return -EINVAL;
		v = v * 16 + (unsigned)(isdigit((unsigned char)*text) ? *text - '0' : *text - 'a' + 10);
		if (v > max)
			return -EINVAL;
	}
	*ret = v;
	return 0;
}

/* "2a", "2ah", "0x2a", each with a service action after a slash. -EINVAL: it is no number. */
static int take_number(struct match *m, const char *text)
{
	const char *slash = strchr(text, '/'), *end = text + strlen(text);
	unsigned opcode, action = CDB_NO_SERVICE_ACTION;

	if (hex(text, slash ? slash : end, 0xff, &opcode) < 0)
		return -EINVAL;
	if (slash && hex(slash + 1, end, 0xfffe, &action) < 0)
		return -EINVAL;
	return add_code(m, (uint8_t)opcode, (uint16_t)action);
}

/* A name, or a pattern of names. */
static int take_names(struct match *m, const char *pattern)
{
	const struct cdb_command *c;
	size_t before = m->n_codes;
	char name[80];

	for (size_t i = 0; (c = cdb_row(i)); i++) {
		plain(c->name, name, sizeof(name));
		if (fnmatch(pattern, name, 0))
			continue;
		int r = add_code(m, c->opcode, c->service_action);
		if (r < 0)
			return r;
	}
	return m->n_codes > before ? 0 : -ENOENT;
}

static int take_codes(struct match *m, const char *value, struct spt_error *error)
{
	char word[80];

	while (*value) {
		size_t n = strcspn(value, ",");
		char one[80];
		if (n >= sizeof(one))
			n = sizeof(one) - 1;
		memcpy(one, value, n);
		one[n] = 0;
		plain(one, word, sizeof(word));
		int r = take_number(m, word);
		if (r == -EINVAL)
			r = take_names(m, word);
		if (r == -ENOENT)
			return spt_error_set(error, -EINVAL,
				"op: '%s' is neither a command's name nor an operation code such as 28h "
				"or 9e/10", one);
		if (r < 0)
			return r;
		value += n;
		value += *value == ',';
	}
	return m->n_codes ? 0 : spt_error_set(error, -EINVAL, "op: which command?");
}

static int take_lba(struct match *m, const char *value, struct spt_error *error)
{
	char first[32];
	size_t n = strcspn(value, "-");

	if (n < sizeof(first)) {
		memcpy(first, value, n);
		first[n] = 0;
		if (!parse_u64(first, &m->first_lba) &&
			!parse_u64(value[n] ? value + n + 1 : first, &m->last_lba) &&
			m->first_lba <= m->last_lba) {
			m->has_lba = true;
			return 0;
		}
	}
	return spt_error_set(error, -EINVAL, "lba: '%.60s' is neither a block nor a range such as "
		"100-199", value);
}

/* "5%", "0.25%" */
static int take_chance(struct match *m, const char *value, struct spt_error *error)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || strcmp(end, "%") || !(percent > 0 && percent <= 100))
		return spt_error_set(error, -EINVAL, "chance: '%.60s' is not a percentage such as 5%%",
			value);
	m->chance = MAX((uint32_t)(percent * (MILLION / 100)), 1u);
	return 0;
}

static int take_initiator(struct match *m, const char *value, struct spt_error *error)
{
	if (!*value)
		return spt_error_set(error, -EINVAL, "initiator: which name?");
	free(m->initiator);
	m->initiator = strdup(value);
	return m->initiator ? 0 : -ENOMEM;
}

static int take_positive(const char *key, const char *value, uint64_t *to, struct spt_error *error)
{
	if (!parse_u64_range(value, 1, UINT64_MAX, to))
		return 0;
	return spt_error_set(error, -EINVAL, "%s: '%.60s' is not a number from 1 on", key, value);
}

int match_word(struct match *m, const char *key, const char *value, struct spt_error *error)
{
	int r;

	if (!strcmp(key, "op"))
		r = take_codes(m, value, error);
	else if (!strcmp(key, "lba"))
		r = take_lba(m, value, error);
	else if (!strcmp(key, "initiator"))
		r = take_initiator(m, value, error);
	else if (!strcmp(key, "chance"))
		r = take_chance(m, value, error);
	else if (!strcmp(key, "every"))
		r = take_positive(key, value, &m->every, error);
	else if (!strcmp(key, "count"))
		r = take_positive(key, value, &m->count, error);
	else if (!strcmp(key, "skip"))
		r = take_positive(key, value, &m->skip, error);
	else
		return 0;
	return r < 0 ? r : 1;
}

void match_deinit(struct match *m)
{
	free(m->codes);
	free(m->initiator);
}

static bool code_meant(const struct match *m, const struct spt_task *task)
{
	uint16_t action = CDB_NO_SERVICE_ACTION;

	if (!m->n_codes)
		return true;
	for (size_t i = 0; i < m->n_codes; i++) {
		const struct match_code *c = &m->codes[i];
		if (c->opcode != task->cdb[0])
			continue;
		if (c->service_action == CDB_NO_SERVICE_ACTION)
			return true;
		if (action == CDB_NO_SERVICE_ACTION)
			action = cdb_service_action(task->cdb, task->cdb_bytes);
		if (c->service_action == action)
			return true;
	}
	return false;
}

static bool lba_meant(const struct match *m, struct spt_device *device, const struct spt_task *task)
{
	struct spt_properties p;
	struct cdb_extent e;

	if (!m->has_lba)
		return true;
	spt_device_properties(device, &p);
	if (!cdb_extent(task->cdb, task->cdb_bytes, cdb_families_of(p.device_type), &e))
		return false;
	uint64_t last = e.lba + (e.blocks ? e.blocks - 1 : 0);
	return e.lba <= m->last_lba && (last < e.lba || last >= m->first_lba);
}

/* The finalizer of a well-known mixer (splitmix64): neighbours come out unlike each other. */
uint64_t match_random(uint64_t serial, uint64_t below)
{
	uint64_t z = (serial + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return below ? z % below : 0;
}

static bool take_hit(struct match *m)
{
	unsigned long long n = atomic_load_explicit(&m->hits, memory_order_relaxed);

	do {
		if (m->count && n >= m->count)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&m->hits, &n, n + 1, memory_order_relaxed,
		memory_order_relaxed));
	return true;
}

bool match_hits(struct match *m, struct spt_device *device, const struct spt_task *task)
{
	if (!code_meant(m, task) || !lba_meant(m, device, task) ||
		(m->initiator && fnmatch(m->initiator, spt_task_nexus(task)->initiator_name, 0)))
		return false;
	uint64_t n = atomic_fetch_add_explicit(&m->seen, 1, memory_order_relaxed);
	if (n < m->skip)
		return false;
	if (m->every && (n - m->skip) % m->every != m->every - 1)
		return false;
	if (m->chance && match_random(n, MILLION) >= m->chance)
		return false;
	return take_hit(m);
}
