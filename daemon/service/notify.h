/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told (sd_notify(3)) and what it hands over: readiness, status, the
 * watchdog, listening sockets. Without a service manager, or built without libsystemd, all of it
 * does nothing.
 */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "log/log.h"

void notify_ready(void);
/* RELOADING=1 with the monotonic clock; notify_ready() ends it. */
void notify_reloading(void);
void notify_stopping(void);
/* One line for `systemctl status`. */
void notify_status(const char *format, ...) PRINTF_LIKE(1, 2);
/* Starting or stopping takes up to @us more from now. */
void notify_extend(uint64_t us);

/* The watchdog's interval, or 0: nobody watches. Ping at half of it, from the loop. */
uint64_t notify_watchdog_us(void);
void notify_watchdog_ping(void);

#define NOTIFY_NAME_MAX 256u
#define NOTIFY_SOCKETS_MAX 64u

struct notify_socket {
	int fd;
	char name[NOTIFY_NAME_MAX]; /* FileDescriptorName= of the socket unit */
};

/*
 * The listening stream sockets that were handed over, at most @max; anything else handed over is
 * closed with a warning. Sets close-on-exec and non-blocking. The descriptors are the caller's.
 * Call once, before threads.
 */
size_t notify_sockets(struct notify_socket *sockets, size_t max);

/* Whether messages can go to the journal, and the sink that sends them there with their fields. */
bool notify_journal_available(void);
void notify_journal_sink(const struct log_message *message, bool more);

#endif
