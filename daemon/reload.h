/* SPDX-License-Identifier: MIT */
/*
 * A configuration that is read again while the daemon runs: read and checked as a whole, its new devices and sockets opened,
 * and only then put in the place of the one before. A fault in it changes nothing.
 */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>

#include <spt/host.h>

#include "config/config.h"
#include "config/plan.h"
#include "target/server.h"

struct control_query;

struct reload {
	/* Set by the owner. */
	struct server *server;
	const char *path;   /* NULL: there is no file to be read again */
	bool level_given;   /* the log level comes from the command line */
	void (*over)(void *arg, bool switched); /* @switched: another generation is in its place */
	void *arg;

	/* Its own: of the one that is under way. */
	bool under_way;
	struct control_query *query; /* who asked, or NULL */
	struct spt_work work;
	struct generation *before;
	struct config_errors errors;
	struct config *config;
	struct generation *generation;
	struct listening listening;
	struct plan plan;
	struct spt_error error;
	int result;
	struct spt_timer again;  /* something is in use, perhaps by what goes */
	uint64_t give_up_us;     /* so long that is waited for; 0: not at all, and the owner may set it so */
};

/*
 * On the first worker's loop. @query (or NULL) is answered when it is over: -EINVAL, and what is wrong in its report; or 0,
 * and what has changed.
 */
void reload_begin(struct reload *reload, struct control_query *query);

#endif
