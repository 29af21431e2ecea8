/* SPDX-License-Identifier: MIT */
/* The service manager and the journal by libsystemd: see notify.h. */
#include "service/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
/* The place of a message is given as fields of its own. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <time.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *format, ...)
{
	char raw[256], text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	/* A line end would begin another assignment. */
	log_escape(raw, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_extend(uint64_t us)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, us);
}

uint64_t notify_watchdog_us(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

void notify_watchdog_ping(void)
{
	sd_notify(0, "WATCHDOG=1");
}

static int prepare_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static bool is_listener(int fd)
{
	return sd_is_socket(fd, AF_INET, SOCK_STREAM, 1) > 0 ||
		sd_is_socket(fd, AF_INET6, SOCK_STREAM, 1) > 0;
}

size_t notify_sockets(struct notify_socket *sockets, size_t max)
{
	char **names = NULL;
	size_t used = 0;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		const char *name = names && names[i] ? names[i] : "";

		if (used < max && is_listener(fd) && !prepare_fd(fd)) {
			struct notify_socket *s = &sockets[used++];

			s->fd = fd;
			snprintf(s->name, sizeof(s->name), "%s", name);
		} else {
			log_warning("a descriptor handed over as '%s' is no listening TCP socket, "
				"or one too many", name);
			close(fd);
		}
	}
	for (int i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
	return used;
}

bool notify_journal_available(void)
{
	return !access(JOURNAL_SOCKET, W_OK);
}

void notify_journal_sink(const struct log_message *message, bool more)
{
	char text[LOG_MESSAGE_MAX + 16], level[16], file[160], line[24], function[80];
	char fields[LOG_FIELDS_MAX][300];
	struct iovec v[5 + LOG_FIELDS_MAX];
	size_t n = 0;

#define PUT(buffer, ...)                                                                           \
	do {                                                                                       \
		snprintf(buffer, sizeof(buffer), __VA_ARGS__);                                     \
		v[n++] = (struct iovec){ buffer, strlen(buffer) };                                 \
	} while (0)
	PUT(text, "MESSAGE=%s", message->text);
	PUT(level, "PRIORITY=%d", (int)message->level);
	PUT(file, "CODE_FILE=%s", message->file);
	PUT(line, "CODE_LINE=%d", message->line);
	PUT(function, "CODE_FUNC=%s", message->function);
	for (size_t i = 0; i < message->n_fields && i < LOG_FIELDS_MAX; i++) {
		const struct log_field *f = &message->fields[i];

		if (f->value)
			PUT(fields[i], "%s=%s", f->name, f->value);
	}
#undef PUT
	if (sd_journal_sendv(v, (int)n) < 0)
		log_sink_stderr(message, more);
}
