/* SPDX-License-Identifier: MIT */
/* Guessing made slow: see slowdown.h. */
#include "target/slowdown.h"

#include <netinet/in.h>
#include <string.h>

#include "base/util.h"

void slowdown_init(struct slowdown *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
}

void slowdown_deinit(struct slowdown *s)
{
	pthread_mutex_destroy(&s->lock);
}

static void key_of(const struct sockaddr *peer, uint8_t *key)
{
	static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff };
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;

	memset(key, 0, 16);
	if (peer->sa_family == AF_INET) {
		memcpy(key, MAPPED, sizeof(MAPPED));
		memcpy(key + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		/* a host has all of its network's 2^64 addresses to choose from */
		memcpy(key, &six->sin6_addr, IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 16 : 8);
	}
}

static struct slowdown_entry *find(struct slowdown *s, const uint8_t *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->entries); i++) {
		struct slowdown_entry *e = &s->entries[i];

		if (e->failures && !memcmp(e->address, key, sizeof(e->address)))
			return e;
	}
	return NULL;
}

/* A free entry (its last failure is at 0), or the longest quiet one; NULL: answers wait in all. */
static struct slowdown_entry *make(struct slowdown *s, const uint8_t *key)
{
	struct slowdown_entry *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(s->entries); i++) {
		struct slowdown_entry *e = &s->entries[i];

		if (!e->waiting && (!best || e->last_us < best->last_us))
			best = e;
	}
	if (best) {
		*best = (struct slowdown_entry){ .failures = 0 };
		memcpy(best->address, key, sizeof(best->address));
	}
	return best;
}

static uint64_t delay_of(unsigned failures)
{
	uint64_t delay = SLOWDOWN_FIRST_US;

	while (--failures && delay < SLOWDOWN_MOST_US)
		delay *= 2;
	return MIN(delay, (uint64_t)SLOWDOWN_MOST_US);
}

static uint64_t count(struct slowdown_entry *e, uint64_t now_us)
{
	/* the loops' clocks are read once a turn: another one's may be a little ahead */
	if (now_us > e->last_us && now_us - e->last_us > SLOWDOWN_FORGET_US)
		e->failures = 0;
	e->failures = MIN(e->failures + 1, 1000u);
	e->last_us = now_us;
	e->waiting++;
	return delay_of(e->failures);
}

uint64_t slowdown_failed(struct slowdown *s, const struct sockaddr *peer, uint64_t now_us,
	struct slowdown_entry **ret)
{
	uint64_t delay = SLOWDOWN_MOST_US;
	struct slowdown_entry *e;
	uint8_t key[16];

	key_of(peer, key);
	pthread_mutex_lock(&s->lock);
	e = find(s, key);
	if (!e)
		e = make(s, key);
	if (e)
		delay = count(e, now_us);
	pthread_mutex_unlock(&s->lock);
	*ret = e;
	return delay;
}

void slowdown_answered(struct slowdown *s, struct slowdown_entry *entry)
{
	if (!entry)
		return;
	pthread_mutex_lock(&s->lock);
	entry->waiting--;
	pthread_mutex_unlock(&s->lock);
}

bool slowdown_allows(struct slowdown *s, const struct sockaddr *peer)
{
	const struct slowdown_entry *e;
	uint8_t key[16];
	bool allowed;

	key_of(peer, key);
	pthread_mutex_lock(&s->lock);
	e = find(s, key);
	allowed = !e || e->waiting < SLOWDOWN_WAITING;
	pthread_mutex_unlock(&s->lock);
	return allowed;
}
