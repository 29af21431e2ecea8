/* SPDX-License-Identifier: MIT */
/*
 * The writer: a ring of finished messages and the thread that hands them to the sink. Loggers
 * copy their message under a lock that is never held across a system call that could block, so
 * that logging costs an event loop a copy and nothing more. A full ring drops the message and
 * counts it. What comes within a moment is written together: in a busy time, when a thousand
 * initiators log in, a wake-up for every line would cost more than the login does.
 */
#include "log/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RING_SLOTS        512u
#define FIELD_VALUE_BYTES 256u
#define BATCH_SLOTS       64u
#define MOMENT_US         1000u

struct slot {
	struct log_message message; /* its pointers lead into this slot */
	char text[LOG_MESSAGE_MAX + 4];
	struct log_field fields[LOG_FIELDS_MAX];
	char values[LOG_FIELDS_MAX][FIELD_VALUE_BYTES];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_mutex_t sink_lock; /* one sink call at a time; taken after, never inside, lock */
	log_sink sink;
	struct slot *ring; /* NULL: no thread, messages are written in place */
	size_t head, count;
	size_t dropped;
	bool sleeping; /* the thread, until something is there */
	bool stopping;
	pthread_t thread;
} writer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
	.sink_lock = PTHREAD_MUTEX_INITIALIZER,
	.sink = log_sink_stderr,
};

void log_set_sink(log_sink sink)
{
	pthread_mutex_lock(&writer.sink_lock);
	writer.sink = sink;
	pthread_mutex_unlock(&writer.sink_lock);
}

static void sink_call(const struct log_message *message)
{
	pthread_mutex_lock(&writer.sink_lock);
	writer.sink(message, false);
	pthread_mutex_unlock(&writer.sink_lock);
}

/* The @n messages of the ring from @first on. */
static void sink_call_all(const struct slot *ring, size_t first, size_t n)
{
	pthread_mutex_lock(&writer.sink_lock);
	for (size_t i = 0; i < n; i++)
		writer.sink(&ring[(first + i) % RING_SLOTS].message, i + 1 < n);
	pthread_mutex_unlock(&writer.sink_lock);
}

/* As much as there is room for. */
static void copy_text(char *out, size_t out_bytes, const char *text)
{
	size_t n = strnlen(text, out_bytes - 1);

	memcpy(out, text, n);
	out[n] = 0;
}

/* @message copied into @slot; a field value that is too long is cut. */
static void slot_fill(struct slot *slot, const struct log_message *message)
{
	size_t n = 0;

	slot->message = *message;
	copy_text(slot->text, sizeof(slot->text), message->text);
	slot->message.text = slot->text;
	for (size_t i = 0; i < message->n_fields; i++) {
		if (!message->fields[i].value)
			continue;
		copy_text(slot->values[n], FIELD_VALUE_BYTES, message->fields[i].value);
		slot->fields[n] = (struct log_field){ message->fields[i].name, slot->values[n] };
		n++;
	}
	slot->message.fields = slot->fields;
	slot->message.n_fields = n;
}

/* Under the lock. */
static void wake_thread(void)
{
	if (writer.sleeping)
		pthread_cond_signal(&writer.filled);
	writer.sleeping = false;
}

/* True: the message is in the ring, or was counted as dropped. */
static bool enqueue(const struct log_message *message)
{
	bool taken = false;

	pthread_mutex_lock(&writer.lock);
	if (writer.ring && writer.count < RING_SLOTS) {
		slot_fill(&writer.ring[(writer.head + writer.count) % RING_SLOTS], message);
		writer.count++;
		wake_thread();
		taken = true;
	} else if (writer.ring) {
		writer.dropped++;
		taken = true;
	}
	pthread_mutex_unlock(&writer.lock);
	return taken;
}

void log_writer_put(const struct log_message *message)
{
	if (!enqueue(message))
		sink_call(message);
}

static void report_dropped(size_t dropped)
{
	char text[80];

	snprintf(text, sizeof(text), "%zu messages were not logged: the log is too slow", dropped);
	sink_call(&(struct log_message){
		.level = LOG_LEVEL_WARNING,
		.text = text,
		.file = LOG_FILE,
		.function = __func__,
		.line = __LINE__,
	});
}

/* Until there is something to do; the lock is held before and after. */
static void wait_filled(void)
{
	bool slept = false;

	while (!writer.count && !writer.dropped && !writer.stopping) {
		writer.sleeping = slept = true;
		pthread_cond_wait(&writer.filled, &writer.lock);
	}
	writer.sleeping = false;
	if (!slept || writer.stopping)
		return;
	pthread_mutex_unlock(&writer.lock);
	usleep(MOMENT_US);
	pthread_mutex_lock(&writer.lock);
}

static void *writer_main(void *arg)
{
	pthread_mutex_lock(&writer.lock);
	for (;;) {
		wait_filled();
		if (writer.count) {
			/* The slots stay ours until count goes down. */
			size_t n = MIN(writer.count, (size_t)BATCH_SLOTS);
			const struct slot *ring = writer.ring;
			size_t first = writer.head;

			pthread_mutex_unlock(&writer.lock);
			sink_call_all(ring, first, n);
			pthread_mutex_lock(&writer.lock);
			writer.head = (first + n) % RING_SLOTS;
			writer.count -= n;
		} else if (writer.dropped) {
			size_t dropped = writer.dropped;

			writer.dropped = 0;
			pthread_mutex_unlock(&writer.lock);
			report_dropped(dropped);
			pthread_mutex_lock(&writer.lock);
		} else {
			break;
		}
	}
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

int log_writer_start(void)
{
	sigset_t all, old;

	if (writer.ring)
		return 0;
	struct slot *ring = calloc(RING_SLOTS, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	pthread_mutex_lock(&writer.lock);
	writer.ring = ring;
	writer.head = writer.count = writer.dropped = 0;
	writer.stopping = false;
	pthread_mutex_unlock(&writer.lock);

	/* Signals are for the loops. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&writer.thread, NULL, writer_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		writer.ring = NULL;
		free(ring);
	}
	return -r;
}

void log_writer_stop(void)
{
	if (!writer.ring)
		return;
	pthread_mutex_lock(&writer.lock);
	writer.stopping = true;
	wake_thread();
	pthread_mutex_unlock(&writer.lock);
	pthread_join(writer.thread, NULL);

	/* Between the thread's last look and now others may have logged. */
	pthread_mutex_lock(&writer.lock);
	struct slot *ring = TAKE(writer.ring);
	size_t head = writer.head, count = writer.count;
	writer.count = 0;
	pthread_mutex_unlock(&writer.lock);
	sink_call_all(ring, head, count);
	free(ring);
}
