/* SPDX-License-Identifier: MIT */
/* The way of backend sg: descriptors of the SCSI generic node, *ports*, of 16 requests each. */
#ifndef PASSTHROUGH_SG_PORT_H
#define PASSTHROUGH_SG_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/host.h>
#include <spt/task.h>

#include "passthrough/sg_reserve.h"

#define SG_PORT_SLOTS 16u /* the driver's SG_MAX_QUEUE */
#define SG_PORTS_MAX  16u

struct sg_channel;

struct sg_port {
	struct sg_channel *channel;
	struct spt_watch watch; /* fd -1: closed */
	struct spt_task *tasks[SG_PORT_SLOTS];
	unsigned in_flight;
	struct sg_reserve reserve;
	bool hung; /* hung up by the kernel: no longer watched, polled until it is empty */
};

struct sg_ports {
	struct spt_timer hangup; /* looks after ports that are hung */
	uint64_t hangup_deadline_us;
	struct sg_new_port {
		int fd; /* -1: none */
		struct sg_reserve reserve;
	} new_ports[SG_PORTS_MAX]; /* between open() and use() */
	struct sg_port *port;      /* n of them; NULL with backend bsg */
	size_t n;
};

/* Ports for @depth commands, closed. 0 or -ENOMEM. */
int sg_ports_init(struct sg_channel *channel, unsigned depth);
void sg_ports_deinit(struct sg_channel *channel);

#endif
