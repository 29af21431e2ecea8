/* SPDX-License-Identifier: MIT */
/*
 * The control socket's questions, answered. Targets and LUNs do not change; sessions and counters
 * live on their loops, so the question walks from worker to worker and back to the first.
 */
#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spt/buffer.h>
#include <spt/layer.h>
#include <spt/operate.h>

#include "base/list.h"
#include "operate.h"
#include "session/session.h"
#include "target/registry.h"
#include "target/server.h"
#include "target/target.h"
#include "target/worker.h"
#include "wire/snack.h"

static void show_targets(const struct generation *g, struct snapshot *snapshot)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		const struct target *t = &g->targets[i];
		struct snapshot_target *row = snapshot_add_target(snapshot);
		size_t used = 0;
		if (!row)
			return;
		snapshot_text(row->name, sizeof(row->name), t->config->name);
		snapshot_text(row->alias, sizeof(row->alias), t->config->alias ? t->config->alias : "");
		for (size_t p = 0; p < t->config->n_portals && used < sizeof(row->portals); p++)
			used += (size_t)snprintf(row->portals + used, sizeof(row->portals) - used, "%s%s",
				p ? "," : "", g->config->portals[t->config->portals[p]].name);
		row->luns = (uint32_t)spt_lun_map_count(t->luns);
		row->sessions = t->seat->n_sessions;
		row->max_sessions = t->config->max_sessions;
	}
}

/* The names of those that are on, each once. */
static void add_layer_name(void *arg, const struct spt_layer_row *layer)
{
	struct snapshot_lun *row = arg;
	size_t used = strlen(row->layers);

	if (layer->on && !strstr(row->layers, layer->layer))
		snprintf(row->layers + used, sizeof(row->layers) - used, "%s%s", used ? " " : "",
			layer->layer);
}

static void show_lun(const struct target *target, const struct spt_lun_entry *entry,
	struct snapshot *snapshot)
{
	struct snapshot_lun *row = snapshot_add_lun(snapshot);
	struct spt_properties p;

	if (!row)
		return;
	spt_device_properties(entry->device, &p);
	snapshot_text(row->target, sizeof(row->target), target->config->name);
	snapshot_text(row->device, sizeof(row->device), spt_device_name(entry->device));
	snapshot_text(row->backend, sizeof(row->backend), spt_device_backend(entry->device));
	row->lun = entry->lun;
	row->device_type = p.device_type;
	row->block_bytes = p.block_bytes;
	row->blocks = p.blocks;
	row->read_only = entry->read_only;
	row->fenced = spt_device_fenced(entry->device);
	char detail[SNAPSHOT_DETAIL_MAX];
	spt_device_describe(entry->device, detail, sizeof(detail));
	snapshot_text(row->detail, sizeof(row->detail), detail);
	row->fenced_ways = spt_device_fenced_ways(entry->device);
	spt_layer_each(entry->device, add_layer_name, row);
}

static void show_luns(const struct generation *g, struct snapshot *snapshot)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		const struct target *t = &g->targets[i];
		for (size_t l = 0; l < spt_lun_map_count(t->luns); l++)
			show_lun(t, spt_lun_map_at(t->luns, l), snapshot);
	}
}

struct layer_rows {
	struct snapshot *snapshot;
	const char *device;
};

static void show_layer(void *arg, const struct spt_layer_row *layer)
{
	const struct layer_rows *to = arg;
	struct snapshot_layer *row = snapshot_add_layer(to->snapshot);

	if (!row)
		return;
	snapshot_text(row->device, sizeof(row->device), to->device);
	snapshot_text(row->layer, sizeof(row->layer), layer->layer);
	row->on = layer->on;
	row->rule = layer->rule;
	snapshot_text(row->text, sizeof(row->text), layer->text);
	row->seen = layer->seen;
	row->hits = layer->hits;
	row->held = layer->held;
	row->lost = layer->lost;
}

static void show_layers(const struct generation *g, struct snapshot *snapshot)
{
	for (size_t i = 0; i < g->config->n_devices; i++) {
		struct layer_rows to = { snapshot, g->config->devices[i].name };
		if (g->devices[i])
			spt_layer_each(g->devices[i], show_layer, &to);
	}
}

static void show_session(const struct worker *w, const struct session *s,
	struct snapshot *snapshot)
{
	const struct login_params *p = &s->params;
	struct snapshot_session *row = snapshot_add_session(snapshot);

	if (!row)
		return;
	row->id = s->id;
	snapshot_text(row->initiator, sizeof(row->initiator), p->initiator_name);
	snapshot_text(row->user, sizeof(row->user), p->user);
	snprintf(row->isid, sizeof(row->isid), "%02x%02x%02x%02x%02x%02x", p->isid[0], p->isid[1],
		p->isid[2], p->isid[3], p->isid[4], p->isid[5]);
	row->tsih = p->tsih;
	if (p->session_type != SESSION_DISCOVERY)
		snapshot_text(row->target, sizeof(row->target), p->target_name);
	snapshot_text(row->portal, sizeof(row->portal), s->portal);
	row->portal_group_tag = p->portal_group_tag;
	snapshot_text(row->peer, sizeof(row->peer), s->peer);
	snapshot_text(row->local, sizeof(row->local), s->local);
	row->login_time = s->login_time;
	row->connections = s->n_conns;
	row->max_connections = p->max_connections;
	row->error_recovery_level = p->error_recovery_level;
	row->commands = s->commands;
	row->bytes_in = s->bytes_in;
	row->bytes_out = s->bytes_out;
	row->tasks = s->has_nexus ? spt_session_tasks(w->context, s->cookie) : 0;
	row->loop = loop_number(w->loop);
	row->header_digest = p->header_digest == DIGEST_CRC32C;
	row->data_digest = p->data_digest == DIGEST_CRC32C;
}

/* Counters are summed over the workers: the first one makes the rows. */
static void add_counter(struct snapshot *snapshot, size_t *row, const char *name, const char *help,
	bool gauge, const char *label, const char *label_value, uint64_t value)
{
	if (*row < snapshot->n_counters)
		snapshot->counters[*row].value += value;
	else
		snapshot_count(snapshot, name, help, gauge, label, label_value, value);
	++*row;
}

static void show_counters(const struct worker *w, struct snapshot *snapshot)
{
	const struct env_counters *c = &w->env.counters;
	const struct {
		const char *name, *help;
		bool gauge;
		uint64_t value;
	} rows[] = {
		{ "connections_total", "Connections accepted", false, c->connections },
		{ "connections", "Connections that are open", true, w->env.n_conns },
		{ "sessions", "Sessions, those included that are ending", true, w->env.n_sessions },
		{ "logins_total", "Logins that reached full feature phase", false, c->logins },
		{ "commands_total", "SCSI commands", false, c->commands },
		{ "rejects_total", "PDUs that were rejected", false, c->rejects },
		{ "task_management_total", "Task management requests", false, c->tmfs },
		{ "data_out_discarded_total", "Data-Out PDUs that no task waited for", false,
			c->data_discarded },
		{ "data_out_timeouts_total", "Commands that ended because their data did not come", false,
			c->data_timeouts },
		{ "data_digest_errors_total", "PDUs whose data digest was wrong", false,
			c->data_digest_errors },
		{ "recovery_r2ts_total", "R2Ts that asked again for data that was lost", false,
			c->recovery_r2ts },
		{ "connections_recovered_total",
			"Lost connections that were logged out so that their commands can go on", false,
			c->conns_recovered },
		{ "commands_reassigned_total", "Commands that went on on another connection", false,
			c->reassigned },
		{ "sessions_moved_total", "Sessions that went on on another loop", false, c->sessions_moved },
		{ "session_moves_given_up_total", "Sessions that were to go and did not come to rest", false,
			c->moves_given_up },
		{ "response_fences_total", "Responses that were fenced", false, c->fences },
		{ "buffer_bytes", "Memory that the payload of commands holds", true,
			spt_pool_used(w->env.host->pool) },
		{ "buffer_kept_bytes", "Memory kept for the payload of the next commands", true,
			spt_pool_kept(w->env.host->pool) },
		{ "buffers_denied_total", "Buffers for payload that the memory limit denied", false,
			spt_pool_denied(w->env.host->pool) },
	};
	size_t row = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_counter(snapshot, &row, rows[i].name, rows[i].help, rows[i].gauge, NULL, NULL,
			rows[i].value);
	for (unsigned i = 0; i < ARRAY_SIZE(c->snacks); i++)
		add_counter(snapshot, &row, "snacks_total", "SNACK Requests, by type", false, "type",
			snack_type_name((uint8_t)i), c->snacks[i]);
	for (unsigned r = 0; r < CLOSE_REASONS; r++)
		add_counter(snapshot, &row, "connections_closed_total", "Connections closed, by reason",
			false, "reason", close_info(r)->counter, c->closed[r]);
}

/* query->daemon: the server, and the number of the worker that is being visited. */
static void visit(struct spt_post *post)
{
	struct control_query *q = container_of(post, struct control_query, post);
	struct server *server = (struct server *)(uintptr_t)q->daemon[0];
	uint64_t n = q->daemon[1]++;

	if (n == server->n_workers) { /* on the first one again */
		migrations_release(server);
		control_answer(q, 0);
		return;
	}
	const struct worker *w = &server->workers[n];
	const struct session *s;
	if (q->what & CONTROL_SESSIONS) {
		list_foreach (s, &w->env.sessions, link)
			show_session(w, s, &q->snapshot);
	}
	if (q->what & CONTROL_COUNTERS)
		show_counters(w, &q->snapshot);
	uint64_t next = n + 1 < server->n_workers ? n + 1 : 0;
	spt_host_post(loop_host(server->workers[next].loop), post);
}

void show_walk(struct server *server, struct control_query *q)
{
	q->daemon[0] = (uintptr_t)server;
	q->daemon[1] = 0;
	q->post = (struct spt_post){ .fn = visit };
	/* Each session once: none goes from loop to loop, and one on its way to this one arrives before. */
	migrations_hold(server);
	spt_host_post(loop_host(server->workers[0].loop), &q->post);
}

static void end_session(struct server *server, struct control_query *q)
{
	struct worker *w = registry_find(&server->registry, q->session_id);

	if (w)
		worker_end_session(w, q->session_id, CLOSE_ENDED_BY_CONTROL);
	control_answer(q, w ? 0 : -ENOENT);
}

static void ask_logout(struct server *server, struct control_query *q)
{
	struct worker *w = registry_find(&server->registry, q->session_id);

	if (w)
		worker_ask_session(w, q->session_id, CLOSE_ENDED_BY_CONTROL);
	control_answer(q, w ? 0 : -ENOENT);
}

static void moved(void *arg, int result)
{
	struct control_query *q = arg;

	if (result < 0)
		spt_error_set(&q->error, result, "%s", migration_error(result));
	control_answer(q, result);
}

static void ask(void *arg, struct control_query *q)
{
	struct server *server = arg;

	if (q->what & CONTROL_END_SESSION) {
		end_session(server, q);
		return;
	}
	if (q->what & (CONTROL_CHANGE_LAYER | CONTROL_UNFENCE | CONTROL_RESET)) {
		operate(server, q);
		return;
	}
	if (q->what & CONTROL_ASK_LOGOUT) {
		ask_logout(server, q);
		return;
	}
	if (q->what & CONTROL_MOVE_SESSION) {
		migrate_session(server, q->session_id, moved, q);
		return;
	}
	if (q->what & CONTROL_TARGETS)
		show_targets(server->generation, &q->snapshot);
	if (q->what & CONTROL_LUNS)
		show_luns(server->generation, &q->snapshot);
	if (q->what & CONTROL_LAYERS)
		show_layers(server->generation, &q->snapshot);
	if (!(q->what & (CONTROL_SESSIONS | CONTROL_COUNTERS))) {
		control_answer(q, 0);
		return;
	}
	show_walk(server, q);
}

const struct control_ops SHOW_OPS = { .ask = ask };
