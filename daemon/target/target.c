/* SPDX-License-Identifier: MIT */
/* Targets: see target.h. */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "fullfeature/command.h"
#include "wire/names.h"

static uint8_t digests(const struct config_digests *d)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < d->n; i++)
		set |= d->list[i] == CONFIG_DIGEST_CRC32C ? DIGEST_CRC32C : DIGEST_NONE;
	return set;
}

static uint8_t reportings(uint8_t config)
{
	return (config & CONFIG_REPORTING_RFC3720 ? REPORTING_RFC3720 : 0) |
		(config & CONFIG_REPORTING_RESPONSE_FENCE ? REPORTING_RESPONSE_FENCE : 0) |
		(config & CONFIG_REPORTING_FAST_ABORT ? REPORTING_FAST_ABORT : 0);
}

static struct login_limits limits_of(const struct config_negotiation *n)
{
	struct login_limits l = login_limits_default();

	l.header_digest = digests(&n->header_digest);
	l.data_digest = digests(&n->data_digest);
	l.max_recv_data_segment_bytes = n->max_recv_data_segment_length;
	l.max_burst_bytes = n->max_burst_length;
	l.first_burst_bytes = MIN(n->first_burst_length, n->max_burst_length);
	l.max_outstanding_r2t = (uint16_t)MIN(n->max_outstanding_r2t, COMMAND_R2T_MAX);
	l.default_time2wait_s = (uint16_t)n->time_to_wait_s;
	l.default_time2retain_s = (uint16_t)n->time_to_retain_s;
	l.initial_r2t = n->initial_r2t;
	l.immediate_data = n->immediate_data;
	l.max_connections = (uint16_t)n->max_connections;
	l.error_recovery_level = (uint8_t)n->error_recovery_level;
	l.data_pdu_in_order = n->data_pdu_in_order;
	l.data_sequence_in_order = n->data_sequence_in_order;
	l.protocol_level = (uint8_t)n->protocol_level;
	l.task_reporting = reportings(n->task_reporting);
	return l;
}

static const struct spt_identity *identity_of(const struct config_lun *l)
{
	const struct spt_identity *i = &l->identity;

	return i->vendor[0] || i->product[0] || i->revision[0] || i->serial[0] || i->naa_bytes ? i : NULL;
}

static bool has_several_ports(const struct config *config, const struct config_target *target)
{
	for (size_t i = 1; i < target->n_portals; i++) {
		if (config->portals[target->portals[i]].tag != config->portals[target->portals[0]].tag)
			return true;
	}
	return false;
}

struct seat *seat_ref(struct seat *seat)
{
	atomic_fetch_add_explicit(&seat->refs, 1, memory_order_relaxed);
	return seat;
}

void seat_unref(struct seat *seat)
{
	if (seat && atomic_fetch_sub_explicit(&seat->refs, 1, memory_order_acq_rel) == 1)
		free(seat);
}

int target_init(struct target *target, const struct config *all, size_t index,
	struct spt_device *const *devices, struct seat *seat)
{
	const struct config_target *config = &all->targets[index];
	AUTO_FREE struct spt_lun_entry *entries = calloc(config->n_luns + 1, sizeof(*entries));
	size_t n = 0;

	target->seat = seat ? seat_ref(seat) : calloc(1, sizeof(*seat));
	if (!entries || !target->seat)
		return -ENOMEM;
	if (!seat)
		atomic_init(&target->seat->refs, 1);
	target->config = config;
	target->limits = limits_of(&config->negotiation);
	target->several_ports = has_several_ports(all, config);
	atomic_init(&target->n_redirects, 0);
	for (size_t i = 0; i < config->n_luns; i++) {
		struct spt_device *device = devices[config->luns[i].device];
		target->luns_differ |= config->luns[i].n_initiators || config->luns[i].addresses.n;
		if (device)
			entries[n++] = (struct spt_lun_entry){
				config->luns[i].lun, device, config->luns[i].read_only,
				identity_of(&config->luns[i]) };
	}
	int r = authentication_init(&target->auth, &config->auth);
	return r < 0 ? r : spt_lun_map_new(entries, n, &target->luns);
}

void target_deinit(struct target *target)
{
	authentication_deinit(&target->auth);
	spt_lun_map_unref(TAKE(target->luns));
	seat_unref(TAKE(target->seat));
}

static bool names(char *const *patterns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (name_match(patterns[i], name))
			return true;
	}
	return false;
}

/* The map lacks those whose devices could not be opened, the configuration has all. */
static bool sees(const struct target *target, uint16_t lun, struct visitor v)
{
	const struct config_lun *l = target->config->luns;

	while (l->lun != lun)
		l++;
	return (!l->n_initiators || names(l->initiators, l->n_initiators, v.initiator_name)) &&
		prefixes_match(&l->addresses, v.address);
}

struct spt_lun_map *target_luns_of(const struct target *target, struct visitor v)
{
	size_t all = spt_lun_map_count(target->luns), n = 0;
	struct spt_lun_map *map = NULL;

	if (!target->luns_differ)
		return spt_lun_map_ref(target->luns);
	AUTO_FREE struct spt_lun_entry *entries = calloc(all + 1, sizeof(*entries));
	for (size_t i = 0; entries && i < all; i++) {
		const struct spt_lun_entry *e = spt_lun_map_at(target->luns, i);
		if (sees(target, e->lun, v))
			entries[n++] = *e;
	}
	return entries && spt_lun_map_new(entries, n, &map) == 0 ? map : NULL;
}

const char *target_denies(const struct target *target, struct visitor v)
{
	const struct config_target *c = target->config;

	if (!names(c->initiators, c->n_initiators, v.initiator_name))
		return "the initiator is not on the target's access list";
	if (!prefixes_match(&c->addresses, v.address))
		return "the address is not on the target's access list";
	return NULL;
}

bool target_visible(const struct target *target, struct visitor v)
{
	const struct config_target *c = target->config;

	return c->state != CONFIG_STATE_REMOVED && !target_denies(target, v) &&
		(!c->auth.chap || chap_admits(&target->auth.chap, v.initiator_name));
}

const char *target_redirect(struct target *target)
{
	const struct config_texts *places = &target->config->redirect;

	if (!places->n)
		return NULL;
	return places->list[atomic_fetch_add(&target->n_redirects, 1) % places->n];
}

bool target_has_portal(const struct target *target, size_t index)
{
	const struct config_target *c = target->config;

	for (size_t i = 0; i < c->n_portals; i++) {
		if (c->portals[i] == index)
			return true;
	}
	return false;
}
