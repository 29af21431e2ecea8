/* SPDX-License-Identifier: MIT */
/* What can be asked of the control socket: one row a question. */
#ifndef CONTROL_ROUTES_H
#define CONTROL_ROUTES_H

#include "control/snapshot.h"

enum route_method {
	ROUTE_GET,
	ROUTE_DELETE,
	ROUTE_POST, /* its body, if there is one, is a struct snapshot_request as JSON */
	ROUTE_OTHER,
};

struct route {
	enum route_method method;
	const char *path; /* one that ends in '/' is followed by a number */
	unsigned what;    /* CONTROL_*; 0: known without asking */
	const char *content_type;
	/* The answer's text for free(), or NULL: out of memory. */
	char *(*render)(const struct snapshot *snapshot);
};

/*
 * 200 and the route; 404: there is no such path; 405: not with this method. @path is what stands
 * before any '?'.
 */
int route_find(enum route_method method, const char *path, const struct route **ret_route,
	uint64_t *ret_id);

#endif
