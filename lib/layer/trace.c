/* SPDX-License-Identifier: MIT */
/*
 * The trace layer: every command that comes by is recorded when it is over. Records go into a ring of
 * bounded size; a thread writes them. When it does not keep up, records are lost, counted and told.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "layer/layer.h"
#include "layer/trace.h"

#define RING_BYTES (4u << 20)

enum { VALUE_FILE, VALUE_PCAP, VALUE_SIZE, VALUE_DATA };

struct trace {
	struct spt_device *device;
	uint32_t data_bytes;
	char *told; /* what spt_layer_each() shows: the files */
	atomic_ullong seen, lost;
	pthread_t thread;
	pthread_mutex_t lock; /* the ring; held for a copy */
	pthread_cond_t more;
	uint8_t *ring;
	size_t used;
	bool stop;
	uint8_t *writing; /* the thread's: the ring of before */
	struct trace_file text, packets;
	struct trace_pcap *pcap;
	unsigned long long told_lost;
};

static uint64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int trace_check(const struct spt_option_value *v, struct spt_error *error)
{
	(void)v;
	(void)error;
	return 0;
}

static void write_record(struct trace *t, const struct trace_record *r)
{
	FILE *to = trace_file_get(&t->text);

	if (to) {
		trace_text(to, r);
		trace_file_put(&t->text);
	}
	to = trace_file_get(&t->packets);
	if (to) {
		trace_pcap(t->pcap, to, r);
		trace_file_put(&t->packets);
	}
}

static void tell_lost(struct trace *t)
{
	unsigned long long lost = atomic_load_explicit(&t->lost, memory_order_relaxed);
	FILE *to = trace_file_get(&t->text);

	if (lost == t->told_lost)
		return;
	if (to)
		fprintf(to, "# %llu commands are missing here: they came faster than they could be written\n",
			lost - t->told_lost);
	if (!t->told_lost)
		spt_device_event(t->device, "trace: commands are missing, writing does not keep up");
	t->told_lost = lost;
}

static void write_all(struct trace *t, size_t bytes)
{
	bool failed = t->text.failed || t->packets.failed;

	for (size_t at = 0; at < bytes;) {
		const struct trace_record *r = (const struct trace_record *)(void *)(t->writing + at);
		write_record(t, r);
		at += ROUND_UP((size_t)r->bytes, 8u);
	}
	tell_lost(t);
	if (t->text.to)
		fflush(t->text.to);
	if (t->packets.to)
		fflush(t->packets.to);
	if (!failed && (t->text.failed || t->packets.failed))
		spt_device_event(t->device, "trace: %s cannot be written any more",
			t->text.failed ? t->text.path : t->packets.path);
}

static void *run(void *arg)
{
	struct trace *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stop || t->used) {
		if (!t->used) {
			pthread_cond_wait(&t->more, &t->lock);
			continue;
		}
		uint8_t *full = t->ring;
		size_t bytes = t->used;
		t->ring = t->writing;
		t->writing = full;
		t->used = 0;
		pthread_mutex_unlock(&t->lock);
		write_all(t, bytes);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void trace_free(struct trace *t)
{
	trace_file_close(&t->text);
	trace_file_close(&t->packets);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->more);
	free(t->pcap);
	free(t->ring);
	free(t->writing);
	free(t->told);
	free(t);
}

static int copy_texts(struct trace *t, const struct spt_option_value *v)
{
	const char *text = v[VALUE_FILE].set ? v[VALUE_FILE].text : "";
	const char *pcap = v[VALUE_PCAP].set ? v[VALUE_PCAP].text : "";

	t->text.path = *text ? strdup(text) : NULL;
	t->packets.path = *pcap ? strdup(pcap) : NULL;
	if ((*text && !t->text.path) || (*pcap && !t->packets.path))
		return -ENOMEM;
	if (asprintf(&t->told, "%s%s%s", text, *text && *pcap ? " " : "", pcap) < 0) {
		t->told = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int trace_open(struct spt_device *device, const struct spt_option_value *v,
	struct spt_error *error, void **ret)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return spt_error_set(error, -ENOMEM, "out of memory");
	t->device = device;
	t->data_bytes = (uint32_t)v[VALUE_DATA].number;
	t->text.most_bytes = t->packets.most_bytes = v[VALUE_SIZE].number;
	t->packets.begin = trace_pcap_head;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	t->ring = malloc(RING_BYTES);
	t->writing = malloc(RING_BYTES);
	t->pcap = trace_pcap_new();
	int r = t->ring && t->writing && t->pcap ? copy_texts(t, v) : -ENOMEM;
	if (r < 0)
		spt_error_set(error, r, "out of memory");
	else if (!t->text.path && !t->packets.path)
		r = spt_error_set(error, -EINVAL, "trace: neither trace-file nor trace-pcap is set");
	else
		r = trace_file_open(&t->text, error);
	if (r == 0)
		r = trace_file_open(&t->packets, error);
	if (r == 0 && (r = -pthread_create(&t->thread, NULL, run, t)) < 0)
		spt_error_set(error, r, "trace: no thread: %s", strerror(-r));
	if (r < 0) {
		trace_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

static void trace_close(void *state)
{
	struct trace *t = state;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	trace_free(t);
}

static void *put(uint8_t *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
	return to + bytes;
}

static void fill(struct trace *t, struct trace_record *r, const struct spt_task *task,
	uint64_t began_us, bool refused)
{
	const struct spt_nexus *nexus = spt_task_nexus(task);
	const char *peer = nexus->peer_address ? nexus->peer_address : "";
	struct spt_properties p;

	spt_device_properties(t->device, &p);
	*r = (struct trace_record){
		.tag = task->aux.task.tag,
		.generation = task->aux.task.generation,
		.end_us = clock_us(CLOCK_REALTIME),
		.took_us = began_us ? clock_us(CLOCK_MONOTONIC) - began_us : 0,
		.session = task->aux.session.v,
		.lun = task->aux.lun,
		.in_would_bytes = task->in_would_bytes,
		.out_would_bytes = task->out_would_bytes,
		.expected_in_bytes = task->expected_in_bytes,
		.expected_out_bytes = task->expected_out_bytes,
		.in_bytes = task->in.bytes,
		.out_bytes = refused ? 0 : task->out.bytes,
		.cdb_bytes = task->cdb_bytes,
		.sense_bytes = task->sense_bytes,
		.name_bytes = (uint16_t)strlen(nexus->initiator_name),
		.peer_bytes = (uint16_t)MIN(strlen(peer), (size_t)80),
		.attribute = task->attribute,
		.outcome = task->outcome,
		.status = task->status,
		.device_type = p.device_type,
		.refused = refused,
	};
	r->in_kept = (uint16_t)MIN(r->in_bytes, t->data_bytes);
	r->out_kept = (uint16_t)MIN(r->out_bytes, t->data_bytes);
	r->bytes = (uint32_t)(sizeof(*r) + r->cdb_bytes + r->sense_bytes + r->name_bytes + r->peer_bytes +
		r->out_kept + r->in_kept);
	r->session = task->aux.session.v;
}

static void record(struct trace *t, const struct spt_task *task, uint64_t began_us, bool refused)
{
	const struct spt_nexus *nexus = spt_task_nexus(task);
	struct trace_record r;

	fill(t, &r, task, began_us, refused);
	atomic_fetch_add_explicit(&t->seen, 1, memory_order_relaxed);
	pthread_mutex_lock(&t->lock);
	size_t room = ROUND_UP((size_t)r.bytes, 8u);
	bool fits = t->used + room <= RING_BYTES;
	if (fits) {
		uint8_t *to = put(t->ring + t->used, &r, sizeof(r));
		to = put(to, task->cdb, r.cdb_bytes);
		to = put(to, task->sense, r.sense_bytes);
		to = put(to, nexus->initiator_name, r.name_bytes);
		to = put(to, nexus->peer_address, r.peer_bytes);
		to = put(to, task->out.data, r.out_kept);
		put(to, task->in.data, r.in_kept);
		if (!t->used)
			pthread_cond_signal(&t->more);
		t->used += room;
	}
	pthread_mutex_unlock(&t->lock);
	if (!fits)
		atomic_fetch_add_explicit(&t->lost, 1, memory_order_relaxed);
}

static enum step trace_down(void *state, struct passage *p, struct memo *memo)
{
	(void)state;
	(void)p;
	memo->number = clock_us(CLOCK_MONOTONIC);
	return STEP_PASS;
}

static enum step trace_up(void *state, struct passage *p, struct memo *memo)
{
	record(state, p->task, memo->number, false);
	return STEP_PASS;
}

static void trace_refused(void *state, const struct spt_task *task)
{
	record(state, task, 0, true);
}

static void trace_each(void *state, void (*fn)(void *arg, const struct spt_layer_row *row), void *arg)
{
	struct trace *t = state;
	const struct spt_layer_row row = {
		.layer = "trace",
		.on = true,
		.text = t->told,
		.seen = atomic_load_explicit(&t->seen, memory_order_relaxed),
		.lost = atomic_load_explicit(&t->lost, memory_order_relaxed),
	};

	fn(arg, &row);
}

const struct layer_ops LAYER_TRACE = {
	.name = "trace",
	.first_option = LAYER_OPTION_TRACE_FILE,
	.n_options = 4,
	.check = trace_check,
	.open = trace_open,
	.close = trace_close,
	.down = trace_down,
	.up = trace_up,
	.refused = trace_refused,
	.each = trace_each,
};
