/* SPDX-License-Identifier: MIT */
/*
 * Target ports that lead to a device. A host that has a configuration tells them; a nexus always comes by
 * one, though, also when it does so by a port that the configuration has no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"

int spt_device_set_ports(struct spt_device *device, const struct spt_target_port *ports, size_t n)
{
	AUTO_FREE struct device_port *copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!ports[i].target_name || strlen(ports[i].target_name) > SPT_NAME_MAX)
			return -EINVAL;
		strcpy(copy[i].target, ports[i].target_name);
		copy[i].tag = ports[i].portal_group_tag;
		copy[i].relative = ports[i].relative_port;
	}
	pthread_mutex_lock(&device->lock);
	struct device_port *old = device->ports;
	device->ports = TAKE(copy);
	device->n_ports = n;
	pthread_mutex_unlock(&device->lock);
	free(old);
	return 0;
}

static void add_of(const struct spt_nexus *nexus, struct device_port *ports, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		if (ports[i].tag == nexus->target_portal_group_tag &&
			!strcmp(ports[i].target, nexus->target_name))
			return;
	}
	strcpy(ports[*n].target, nexus->target_name);
	ports[*n].tag = nexus->target_portal_group_tag;
	ports[*n].relative = nexus->relative_port;
	++*n;
}

int ports_known(struct spt_device *device, struct device_port **ret, size_t *ret_n)
{
	size_t n = device->n_ports;
	struct spt_itl *itl;

	list_foreach (itl, &device->itls, device_link)
		n++;
	struct device_port *ports = calloc(n + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	n = device->n_ports;
	if (n)
		memcpy(ports, device->ports, n * sizeof(*ports));
	list_foreach (itl, &device->itls, device_link)
		add_of(&itl->session->nexus, ports, &n);
	*ret = ports;
	*ret_n = n;
	return 0;
}
