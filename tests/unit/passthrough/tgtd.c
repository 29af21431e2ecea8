/* SPDX-License-Identifier: MIT */
/* Starting and ending a tgtd: see tgtd.h. */
#include "tgtd.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

bool tgtd_admin(const struct tgtd *t, const char *rest)
{
	char command[512];

	snprintf(command, sizeof(command), "tgtadm -C %d --lld iscsi %s >/dev/null 2>&1",
		t->control, rest);
	return system(command) == 0;
}

static int free_port(bool ipv6)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address = ipv6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a;
	socklen_t bytes = ipv6 ? sizeof(a6) : sizeof(a);
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, bytes) < 0 || getsockname(fd, address, &bytes) < 0)
		abort();
	close(fd);
	return ntohs(ipv6 ? a6.sin6_port : a.sin_port);
}

static void become_tgtd(const struct tgtd *t)
{
	char control[16], portal[64];
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	dup2(null, 2);
	snprintf(control, sizeof(control), "%d", t->control);
	snprintf(portal, sizeof(portal), "portal=%s:%d", t->host, t->port);
	execlp("tgtd", "tgtd", "-f", "-C", control, "--iscsi", portal, (char *)NULL);
	_exit(127);
}

/* A changer with two slots, and nothing in them. */
static bool furnish(const struct tgtd *t)
{
	static const char *const params[] = { "media_home=/tmp",
		"element_type=4,start_address=1,quantity=1",
		"element_type=1,start_address=16,quantity=1",
		"element_type=2,start_address=1024,quantity=2" };
	char text[128];

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		snprintf(text, sizeof(text),
			"--op update --mode logicalunit --tid 1 --lun 1 --params %s", params[i]);
		if (!tgtd_admin(t, text))
			return false;
	}
	return true;
}

bool tgtd_restart(struct tgtd *t)
{
	char text[256];
	bool up = false;

	t->pid = fork();
	if (t->pid == 0)
		become_tgtd(t);
	for (int i = 0; i < 600 && !up; i++) {
		if (waitpid(t->pid, NULL, WNOHANG) == t->pid) {
			t->pid = 0;
			return false;
		}
		usleep(50000);
		up = tgtd_admin(t, "--op show --mode system");
	}
	snprintf(text, sizeof(text),
		"--op new --mode logicalunit --tid 1 --lun 1 --device-type %s -b %s", t->type, t->image);
	return up && tgtd_admin(t, "--op new --mode target --tid 1 -T " TGTD_TARGET) &&
		tgtd_admin(t, "--op update --mode target --tid 1 --name HeaderDigest --value CRC32C,None") &&
		tgtd_admin(t, text) &&
		(strcmp(t->type, "changer") || furnish(t)) &&
		tgtd_admin(t, "--op bind --mode target --tid 1 -I ALL");
}

/* The medium, at t->image. */
static bool make_image(struct tgtd *t)
{
	char text[256], block[4096];

	snprintf(t->image, sizeof(t->image), "/tmp/sptgt-tgtd-XXXXXX");
	int fd = mkstemp(t->image);
	if (fd < 0 || ftruncate(fd, 32 << 20) < 0)
		abort();
	memset(block, 'C', sizeof(block));
	for (int i = 0; i < 64 && !strcmp(t->type, "cd"); i++)
		(void)!write(fd, block, sizeof(block));
	close(fd);
	if (strcmp(t->type, "tape"))
		return true;
	unlink(t->image);
	snprintf(text, sizeof(text),
		"tgtimg --op new --device-type tape --barcode A00001 --size 8 --type data "
		"--file %s >/dev/null 2>&1",
		t->image);
	return system(text) == 0;
}

void tgtd_kill(struct tgtd *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

/* It does not end on SIGTERM while it has targets. */
static void tgtd_end(struct tgtd *t)
{
	if (t->pid <= 0 || waitpid(t->pid, NULL, WNOHANG) != 0)
		return;
	kill(t->pid, SIGCONT);
	tgtd_admin(t, "--op delete --mode target --tid 1 --force");
	tgtd_admin(t, "--op delete --mode system");
	for (int i = 0; i < 30; i++) {
		if (waitpid(t->pid, NULL, WNOHANG) != 0) {
			t->pid = 0;
			return;
		}
		usleep(100000);
	}
	tgtd_kill(t);
}

bool tgtd_installed(void)
{
	return system("command -v tgtd >/dev/null 2>&1 && command -v tgtadm >/dev/null 2>&1") == 0;
}

static bool start(struct tgtd *t, const char *type, const char *host, const struct tgtd *with)
{
	static int number;

	*t = (struct tgtd){ .type = type, .host = host, .borrowed = with };
	if (with)
		strcpy(t->image, with->image);
	else if (!make_image(t))
		return false;
	/* Somebody may have been faster at a port, or have a control port of that number: of these 0
	 * is the system's, and tgtd ends at one that does not fit 15 bits. */
	for (int i = 0; i < 3; i++) {
		t->control = 1 + (int)(((unsigned)getpid() * 8 + (unsigned)number++ % 8) % 32766);
		t->port = free_port(host[0] == '[');
		if (tgtd_restart(t))
			return true;
		tgtd_end(t);
	}
	tgtd_stop(t);
	return false;
}

bool tgtd_start(struct tgtd *t)
{
	return start(t, "disk", "127.0.0.1", NULL);
}

bool tgtd_start_type(struct tgtd *t, const char *type)
{
	return start(t, type, "127.0.0.1", NULL);
}

bool tgtd_start_beside(struct tgtd *t, const struct tgtd *with, const char *host)
{
	return start(t, with->type, host, with);
}

void tgtd_stop(struct tgtd *t)
{
	tgtd_end(t);
	if (!t->borrowed)
		unlink(t->image);
}
