/* SPDX-License-Identifier: MIT */
/* notify.h in a build without libsystemd: nobody manages us. */
#include "service/notify.h"

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_status(const char *format, ...)
{
}

void notify_extend(uint64_t us)
{
}

uint64_t notify_watchdog_us(void)
{
	return 0;
}

void notify_watchdog_ping(void)
{
}

size_t notify_sockets(struct notify_socket *sockets, size_t max)
{
	return 0;
}

bool notify_journal_available(void)
{
	return false;
}

void notify_journal_sink(const struct log_message *message, bool more)
{
	log_sink_stderr(message, more);
}
