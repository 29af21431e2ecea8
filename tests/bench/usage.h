/* SPDX-License-Identifier: MIT */
/*
 * What the machine had spent at one moment: this process, the server under test, all processes
 * together, and the time the hypervisor took away. Two samples tell what an interval cost and
 * whether somebody else disturbed it.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
	uint64_t wall_ns;
	uint64_t client_ns; /* CPU time of this process, all threads */
	uint64_t server_ns; /* CPU time of the server's threads; 0 without a server */
	uint64_t busy_ns;   /* CPU time of everything, interrupts too (10 ms steps) */
	uint64_t steal_ns;  /* what the hypervisor took (10 ms steps) */
};

uint64_t now_ns(void);
/* @server is a process id, or 0. -errno when that process cannot be read. */
int usage_sample(pid_t server, struct usage *ret);
struct usage usage_between(const struct usage *from, const struct usage *to);

#endif
