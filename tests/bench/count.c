/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a daemon: counts the system calls, allocations and large copies that it makes, in a file (COUNT_FILE) that
 * others map or read meanwhile. Where strace would slow the daemon down and so change what is counted, this
 * costs an addition for each.
 *
 * System calls by name of libc's functions for them: those of the path of a command, and what a loop does
 * beside it. A function that is missing here is not counted; tests/bench/counts.py compares with what
 * commands must at least take.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define COPY_BYTES 512u /* smaller ones are headers, text and bookkeeping */

struct counts {
	atomic_uint_least64_t system_calls, receives, sends, waits, allocations, copied_bytes;
};

static struct counts nowhere, *counts = &nowhere;

#define COUNT(what, n) atomic_fetch_add_explicit(&counts->what, (n), memory_order_relaxed)

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COUNT_FILE");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, sizeof(*counts)) < 0)
		return;
	void *p = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		counts = p;
	close(fd);
}

/* The libc's own function of this name. */
#define NEXT(name)                                                                                 \
	static __typeof__(name) *next;                                                             \
	if (!next)                                                                                 \
		*(void **)&next = dlsym(RTLD_NEXT, #name)

#define CALL(what, name, ...)                                                                      \
	NEXT(name);                                                                                \
	COUNT(system_calls, 1);                                                                    \
	COUNT(what, 1);                                                                            \
	return next(__VA_ARGS__)

#define PLAIN(name, ...)                                                                           \
	NEXT(name);                                                                                \
	COUNT(system_calls, 1);                                                                    \
	return next(__VA_ARGS__)

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	CALL(receives, recvmsg, fd, m, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	CALL(sends, sendmsg, fd, m, flags);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	CALL(waits, epoll_wait, fd, events, n, timeout);
}

int epoll_ctl(int fd, int op, int of, struct epoll_event *event)
{
	PLAIN(epoll_ctl, fd, op, of, event);
}

ssize_t read(int fd, void *data, size_t n)
{
	PLAIN(read, fd, data, n);
}

ssize_t write(int fd, const void *data, size_t n)
{
	PLAIN(write, fd, data, n);
}

ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	PLAIN(preadv2, fd, iov, n, offset, flags);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	PLAIN(pwritev2, fd, iov, n, offset, flags);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	va_list args;
	long a[6];

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	va_start(args, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	COUNT(system_calls, 1);
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
	COUNT(allocations, 1);
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	COUNT(allocations, 1);
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	COUNT(allocations, 1);
	return __libc_realloc(p, n);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
	void *p = __libc_memalign(align, n);

	COUNT(allocations, 1);
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

static void count_copy(size_t n)
{
	if (n >= COPY_BYTES)
		COUNT(copied_bytes, n);
}

#define COPY(name)                                                                                 \
	void *name(void *to, const void *from, size_t n)                                           \
	{                                                                                          \
		static void *(*next)(void *, const void *, size_t);                                \
		if (!next)                                                                         \
			*(void **)&next = dlsym(RTLD_NEXT, #name);                                 \
		count_copy(n);                                                                     \
		return next(to, from, n);                                                          \
	}

COPY(memcpy)
COPY(memmove)
