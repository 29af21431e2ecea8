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

static bool admin(const struct tgtd *t, const char *rest)
{
	char command[512];

	snprintf(command, sizeof(command), "tgtadm -C %d --lld iscsi %s >/dev/null 2>&1",
		t->control, rest);
	return system(command) == 0;
}

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &bytes) < 0)
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

static void become_tgtd(const struct tgtd *t)
{
	char control[16], portal[64];
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	dup2(null, 2);
	snprintf(control, sizeof(control), "%d", t->control);
	snprintf(portal, sizeof(portal), "portal=127.0.0.1:%d", t->port);
	execlp("tgtd", "tgtd", "-f", "-C", control, "--iscsi", portal, (char *)NULL);
	_exit(127);
}

bool tgtd_restart(struct tgtd *t)
{
	char text[256];
	bool up = false;

	t->pid = fork();
	if (t->pid == 0)
		become_tgtd(t);
	for (int i = 0; i < 50 && !up; i++) {
		if (waitpid(t->pid, NULL, WNOHANG) == t->pid)
			return false;
		usleep(100000);
		up = admin(t, "--op show --mode system");
	}
	snprintf(text, sizeof(text), "--op new --mode logicalunit --tid 1 --lun 1 -b %s", t->image);
	return up && admin(t, "--op new --mode target --tid 1 -T " TGTD_TARGET) &&
		admin(t, "--op update --mode target --tid 1 --name HeaderDigest --value CRC32C,None") &&
		admin(t, text) &&
		admin(t, "--op bind --mode target --tid 1 -I ALL");
}

bool tgtd_start(struct tgtd *t)
{
	if (system("command -v tgtd tgtadm >/dev/null 2>&1") != 0)
		return false;
	/* Of its control ports 0 is the system's. */
	*t = (struct tgtd){ .control = 1000 + (int)(getpid() % 20000), .port = free_port() };
	snprintf(t->image, sizeof(t->image), "/tmp/sptgt-tgtd-XXXXXX");
	int fd = mkstemp(t->image);
	if (fd < 0 || ftruncate(fd, 32 << 20) < 0)
		abort();
	close(fd);
	if (tgtd_restart(t))
		return true;
	tgtd_stop(t);
	return false;
}

void tgtd_kill(struct tgtd *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

/* It does not end on SIGTERM while it has targets. */
void tgtd_stop(struct tgtd *t)
{
	if (t->pid > 0 && waitpid(t->pid, NULL, WNOHANG) == 0) {
		kill(t->pid, SIGCONT);
		admin(t, "--op delete --mode target --tid 1 --force");
		admin(t, "--op delete --mode system");
		for (int i = 0; i < 30 && waitpid(t->pid, NULL, WNOHANG) == 0; i++)
			usleep(100000);
		if (kill(t->pid, 0) == 0)
			tgtd_kill(t);
	}
	unlink(t->image);
}
