/* SPDX-License-Identifier: MIT */
/* The routes: see routes.h. */
#include "control/routes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "control/control.h"
#include "control/json.h"
#include "control/metrics.h"

static char *render_targets(const struct snapshot *snapshot)
{
	return json_write_rows(snapshot, ROWS_TARGETS);
}

static char *render_luns(const struct snapshot *snapshot)
{
	return json_write_rows(snapshot, ROWS_LUNS);
}

static char *render_sessions(const struct snapshot *snapshot)
{
	return json_write_rows(snapshot, ROWS_SESSIONS);
}

static char *render_counters(const struct snapshot *snapshot)
{
	return json_write_rows(snapshot, ROWS_COUNTERS);
}

static char *render_layers(const struct snapshot *snapshot)
{
	return json_write_rows(snapshot, ROWS_LAYERS);
}

static char *render_version(const struct snapshot *snapshot)
{
	return json_write_version(SPTGT_VERSION);
}

static char *render_nothing(const struct snapshot *snapshot)
{
	return strdup("{}");
}

static char *render_report(const struct snapshot *snapshot)
{
	return json_write_report(snapshot->report);
}

#define JSON "application/json"

static const struct route ROUTES[] = {
	{ ROUTE_GET, "/v1/targets", CONTROL_TARGETS, JSON, render_targets },
	{ ROUTE_GET, "/v1/luns", CONTROL_LUNS, JSON, render_luns },
	{ ROUTE_GET, "/v1/sessions", CONTROL_SESSIONS, JSON, render_sessions },
	{ ROUTE_GET, "/v1/counters", CONTROL_COUNTERS, JSON, render_counters },
	{ ROUTE_GET, "/v1/version", 0, JSON, render_version },
	{ ROUTE_DELETE, "/v1/sessions/", CONTROL_END_SESSION, JSON, render_nothing },
	{ ROUTE_GET, "/v1/layers", CONTROL_LAYERS, JSON, render_layers },
	{ ROUTE_POST, "/v1/layers", CONTROL_CHANGE_LAYER, JSON, render_nothing },
	{ ROUTE_POST, "/v1/unfence", CONTROL_UNFENCE, JSON, render_nothing },
	{ ROUTE_POST, "/v1/reset", CONTROL_RESET, JSON, render_nothing },
	{ ROUTE_POST, "/v1/sessions/logout/", CONTROL_ASK_LOGOUT, JSON, render_nothing },
	{ ROUTE_POST, "/v1/sessions/move/", CONTROL_MOVE_SESSION, JSON, render_nothing },
	{ ROUTE_POST, "/v1/reload", CONTROL_RELOAD, JSON, render_report },
	{ ROUTE_GET, "/metrics",
		CONTROL_TARGETS | CONTROL_LUNS | CONTROL_SESSIONS | CONTROL_COUNTERS,
		"text/plain; version=0.0.4; charset=utf-8", metrics_write },
};

static bool matches(const struct route *route, const char *path, uint64_t *id)
{
	size_t n = strlen(route->path);

	if (route->path[n - 1] != '/')
		return !strcmp(route->path, path);
	return !strncmp(route->path, path, n) && isdigit((unsigned char)path[n]) &&
		!strchr(path + n, 'x') && !parse_u64(path + n, id);
}

int route_find(enum route_method method, const char *path, const struct route **ret_route,
	uint64_t *ret_id)
{
	int status = 404;
	uint64_t id = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ROUTES); i++) {
		if (!matches(&ROUTES[i], path, &id))
			continue;
		status = 405;
		if (ROUTES[i].method != method)
			continue;
		*ret_route = &ROUTES[i];
		*ret_id = id;
		return 200;
	}
	return status;
}
