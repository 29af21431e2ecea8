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

static bool same_address(const struct config_address *a, const struct config_address *b)
{
	return a->bytes == b->bytes && !memcmp(&a->sockaddr, &b->sockaddr, a->bytes);
}

static bool any_port(const struct config_address *a)
{
	return a->sockaddr.ss_family == AF_INET6 ?
		!((const struct sockaddr_in6 *)&a->sockaddr)->sin6_port :
		!((const struct sockaddr_in *)&a->sockaddr)->sin_port;
}

/* Does an address before @n of portal @p equal its n-th? */
static const struct config_portal *find_address(const struct config *c, size_t p, size_t n)
{
	const struct config_address *a = &c->portals[p].listens[n];

	for (size_t i = 0; i <= p; i++) {
		size_t end = i == p ? n : c->portals[i].n_listens;

		for (size_t k = 0; k < end; k++) {
			if (same_address(&c->portals[i].listens[k], a))
				return &c->portals[i];
		}
	}
	return NULL;
}

static void check_addresses(struct build *b)
{
	const struct config *c = b->config;

	for (size_t p = 0; p < c->n_portals; p++) {
		for (size_t n = 0; n < c->portals[p].n_listens; n++) {
			const struct config_address *a = &c->portals[p].listens[n];
			const struct config_portal *other =
				any_port(a) ? NULL : find_address(c, p, n);

			if (other)
				config_error_add(b->errors,
					section_line(b, "portal", c->portals[p].name, "listen"),
					"portal %s listens on %s already", other->name, a->text);
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
