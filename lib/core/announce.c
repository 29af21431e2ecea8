/* SPDX-License-Identifier: MIT */
/*
 * Unit attention conditions that are told to whoever runs the session when they are established, not only
 * when a command comes and takes them. They are raised from any loop with the device's lock held; what is
 * new is noted at the I_T_L nexus, and the session's loop looks through its nexuses a moment later. Telling
 * changes nothing: the condition waits for a command as it would otherwise.
 */
#include "base/util.h"
#include "core/core.h"
#include "scsi/lun.h"

/* Is a command of the session outstanding at @itl? One that waits for its turn has no I_T_L nexus yet: its LUN tells. */
static bool busy(const struct spt_session *s, const struct spt_itl *itl)
{
	const struct spt_task *t;

	list_foreach (t, &s->tasks, session_link) {
		bool has_result = t->state == SPT_TASK_DONE || t->state == SPT_TASK_HELD;
		if (!has_result && (t->itl == itl || lun_find(t->session, t->aux.lun) == itl))
			return true;
	}
	return false;
}

/* What is new and still waits, which a command may have changed meanwhile. How many. */
static unsigned take_news(struct spt_itl *itl, spt_asc_t news[CORE_ATTENTIONS])
{
	unsigned n = 0;

	pthread_mutex_lock(&itl->device->lock);
	unsigned waiting = atomic_load_explicit(&itl->attention_count, memory_order_relaxed);
	unsigned n_news = atomic_load_explicit(&itl->news_count, memory_order_relaxed);
	for (unsigned i = 0; i < n_news; i++) {
		for (unsigned k = 0; k < waiting; k++) {
			if (itl->attentions[k] == itl->news[i]) {
				news[n++] = itl->news[i];
				break;
			}
		}
	}
	atomic_store_explicit(&itl->news_count, 0, memory_order_relaxed);
	pthread_mutex_unlock(&itl->device->lock);
	return n;
}

static void announce_at(struct spt_session *s, struct spt_itl *itl)
{
	const struct spt_device *device = itl->device;
	spt_asc_t news[CORE_ATTENTIONS];
	uint8_t data[SPT_SENSE_MAX];

	if (!atomic_load_explicit(&itl->news_count, memory_order_relaxed))
		return;
	unsigned n = take_news(itl, news);
	/* Who has a command there hears of it soon. */
	if (busy(s, itl))
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct spt_sense sense = { .key = SPT_KEY_UNIT_ATTENTION, .asc = news[i] };
		int bytes = spt_sense_encode(&sense,
			atomic_load_explicit(&device->descriptor_sense, memory_order_relaxed), data, sizeof(data));
		if (bytes > 0)
			s->attention(s->arg, lun_encode(itl->lun), data, (size_t)bytes);
	}
}

static void announce(struct spt_post *post)
{
	struct spt_session *s = post->arg;

	s->closing++; /* held by this function */
	/* First of all: what is raised from here on has a post of its own. */
	atomic_store(&s->announcing, false);
	for (size_t i = 0; i < s->n_itls && !s->stopping; i++)
		announce_at(s, s->itls[i]);
	session_itl_gone(s);
}

void announce_init(struct spt_session *s)
{
	s->announce = (struct spt_post){ .fn = announce, .arg = s };
	atomic_init(&s->announcing, false);
}

/* The post is said to be on its way, so that nobody sends it; what is new is noted all the same. */
bool announcing_stop(struct spt_session *s)
{
	return !atomic_exchange(&s->announcing, true);
}

void announcing_go_on(struct spt_session *s)
{
	spt_host_post(s->context->host, &s->announce);
}

void announce_attention_locked(struct spt_itl *itl, spt_asc_t asc)
{
	struct spt_session *s = itl->session;
	unsigned n = atomic_load_explicit(&itl->news_count, memory_order_relaxed);

	if (!s->attention || n == CORE_ATTENTIONS)
		return;
	itl->news[n] = asc;
	atomic_store_explicit(&itl->news_count, n + 1, memory_order_relaxed);
	if (atomic_exchange(&s->announcing, true))
		return;
	/* It goes to another loop with announcing set only: what is read here is what that loop has left. */
	spt_host_post(s->context->host, &s->announce);
}
