/* SPDX-License-Identifier: MIT */
/* What holds between sections: names and addresses that must differ, and what nobody uses. */
#include <string.h>

#include "config/build.h"

static unsigned section_line(const struct build *b, const char *kind, const char *name,
	const char *key)
{
	char full[INI_NAME_MAX + 16];

	snprintf(full, sizeof(full), "%s-%s", kind, name);
	for (size_t i = 0; i < b->ini->n_sections; i++) {
		if (!strcmp(b->ini->sections[i].name, full))
			return key ? build_line(&b->ini->sections[i], key) :
				b->ini->sections[i].line;
	}
	return 0;
}

static void check_names(struct build *b)
{
	const struct config *c = b->config;

	for (size_t i = 0; i < c->n_targets; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!c->targets[i].name || !c->targets[k].name ||
				strcmp(c->targets[i].name, c->targets[k].name))
				continue;
			config_error_add(b->errors,
				section_line(b, "target", c->targets[i].label, "name"),
				"%s is the name of [target-%s] too", c->targets[i].name,
				c->targets[k].label);
			break;
		}
	}
}

static uint16_t port_of(const struct config_address *a)
{
	return a->sockaddr.ss_family == AF_INET6 ?
		((const struct sockaddr_in6 *)&a->sockaddr)->sin6_port :
		((const struct sockaddr_in *)&a->sockaddr)->sin_port;
}

static bool is_any(const struct config_address *a)
{
	return a->sockaddr.ss_family == AF_INET6 ?
		IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&a->sockaddr)->sin6_addr) :
		((const struct sockaddr_in *)&a->sockaddr)->sin_addr.s_addr == INADDR_ANY;
}

/* Who listens on @a listens on @b as well: [::] is every address, 0.0.0.0 every IPv4 address. */
static bool covers(const struct config_address *a, const struct config_address *b)
{
	if (port_of(a) != port_of(b))
		return false;
	if (is_any(a) && (a->sockaddr.ss_family == AF_INET6 || b->sockaddr.ss_family == AF_INET))
		return true;
	return a->bytes == b->bytes && !memcmp(&a->sockaddr, &b->sockaddr, a->bytes);
}

/* An address before @n of portal @p that cannot be used together with its n-th, and whose it is. */
static const struct config_address *find_address(const struct config *c, size_t p, size_t n,
	const struct config_portal **ret_portal)
{
	const struct config_address *a = &c->portals[p].listen.list[n];

	for (size_t i = 0; i <= p; i++) {
		size_t end = i == p ? n : c->portals[i].listen.n;

		for (size_t k = 0; k < end; k++) {
			const struct config_address *other = &c->portals[i].listen.list[k];

			if (!covers(other, a) && !covers(a, other))
				continue;
			*ret_portal = &c->portals[i];
			return other;
		}
	}
	return NULL;
}

static void check_addresses(struct build *b)
{
	const struct config *c = b->config;

	for (size_t p = 0; p < c->n_portals; p++) {
		for (size_t n = 0; n < c->portals[p].listen.n; n++) {
			const struct config_address *a = &c->portals[p].listen.list[n];
			const struct config_portal *owner;
			const struct config_address *other =
				port_of(a) ? find_address(c, p, n, &owner) : NULL;

			if (other)
				config_error_add(b->errors,
					section_line(b, "portal", c->portals[p].name, "listen"),
					"%s: portal %s listens on %s already", a->text, owner->name,
					other->text);
		}
	}
}

static bool portal_used(const struct config *c, size_t portal)
{
	for (size_t i = 0; i < c->n_targets; i++) {
		for (size_t k = 0; k < c->targets[i].n_portals; k++) {
			if (c->targets[i].portals[k] == portal)
				return true;
		}
	}
	return false;
}

static bool device_used(const struct config *c, size_t device)
{
	for (size_t i = 0; i < c->n_targets; i++) {
		for (size_t k = 0; k < c->targets[i].n_luns; k++) {
			if (c->targets[i].luns[k].device == device)
				return true;
		}
	}
	return false;
}

static void check_used(struct build *b)
{
	const struct config *c = b->config;

	if (!c->n_targets)
		config_warning_add(b->errors, 0, "there is no target: nothing is exported");
	for (size_t i = 0; i < c->n_portals && c->n_targets; i++) {
		if (!portal_used(c, i))
			config_warning_add(b->errors,
				section_line(b, "portal", c->portals[i].name, NULL),
				"no target uses portal %s", c->portals[i].name);
	}
	for (size_t i = 0; i < c->n_devices && c->n_targets; i++) {
		if (!device_used(c, i))
			config_warning_add(b->errors,
				section_line(b, "device", c->devices[i].name, NULL),
				"no target uses device %s", c->devices[i].name);
	}
}

void build_check(struct build *b)
{
	check_names(b);
	check_addresses(b);
	if (!b->errors->n_fatal)
		check_used(b);
}
