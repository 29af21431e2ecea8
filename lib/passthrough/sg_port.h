/* SPDX-License-Identifier: MIT */
/* The way of backend sg: descriptors of the SCSI generic node, *ports*, of 16 requests each. */
#ifndef PASSTHROUGH_SG_PORT_H
#define PASSTHROUGH_SG_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/host.h>
#include <spt/task.h>

#define SG_PORT_SLOTS 16u /* the driver's SG_MAX_QUEUE */
#define SG_PORTS_MAX  16u

struct sg_channel;

struct sg_port {
	struct sg_channel *channel;
	struct spt_watch watch; /* fd -1: closed */
	struct spt_task *tasks[SG_PORT_SLOTS];
	unsigned in_flight;
	bool hung; /* hung up by the kernel: no longer watched, polled until it is empty */
};

struct sg_ports {
	struct spt_timer hangup; /* looks after ports that are hung */
	uint64_t hangup_deadline_us;
	int new_fds[SG_PORTS_MAX]; /* between open() and use(); -1: none */
	struct sg_port *port;      /* n of them; NULL with backend bsg */
	size_t n;
};

/* Ports for @depth commands, closed. 0 or -ENOMEM. */
int sg_ports_init(struct sg_channel *channel, unsigned depth);
void sg_ports_deinit(struct sg_channel *channel);

#endif
