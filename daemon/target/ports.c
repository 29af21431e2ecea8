/* SPDX-License-Identifier: MIT */
/* The target ports of each device: see ports.h. */
#include "target/ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "log/log.h"
#include "target/generation.h"

struct ports {
	struct spt_target_port *list;
	size_t n;
};

static bool maps(const struct config_target *target, size_t device)
{
	for (size_t i = 0; i < target->n_luns; i++) {
		if (target->luns[i].device == device)
			return true;
	}
	return false;
}

/* RFC 7143 4.4.1: all portals of one tag are one port of the target. */
static bool has(const struct ports *p, const char *target, uint16_t tag)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->list[i].portal_group_tag == tag && p->list[i].target_name == target)
			return true;
	}
	return false;
}

static void add_target(struct ports *p, const struct config *config,
	const struct config_target *target)
{
	for (size_t i = 0; i < target->n_portals; i++) {
		uint16_t tag = config->portals[target->portals[i]].tag;
		if (!has(p, target->name, tag))
			p->list[p->n++] = (struct spt_target_port){ target->name, tag, tag };
	}
}

static size_t count_most(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_targets; i++)
		n += config->targets[i].n_portals;
	return n;
}

void ports_tell(const struct generation *g)
{
	const struct config *config = g->config;
	AUTO_FREE struct spt_target_port *list = calloc(count_most(config) + 1, sizeof(*list));

	for (size_t d = 0; d < config->n_devices; d++) {
		struct ports ports = { .list = list };
		if (!g->devices[d])
			continue;
		for (size_t i = 0; list && i < config->n_targets; i++) {
			if (maps(&config->targets[i], d))
				add_target(&ports, config, &config->targets[i]);
		}
		if (!list || spt_device_set_ports(g->devices[d], list, ports.n) < 0)
			log_error("out of memory: device %s does not know its target ports, and ALL_TG_PT "
				"reaches those that are in use only", config->devices[d].name);
	}
}
