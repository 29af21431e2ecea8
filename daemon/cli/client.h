/* SPDX-License-Identifier: MIT */
/* One question to the daemon over its control socket. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stddef.h>

#include <spt/error.h>

struct client_answer {
	int status; /* of HTTP */
	char *body; /* terminated; for free() */
	size_t bytes;
};

/* @body: JSON, or NULL. 0, or -errno with @error told. */
int client_ask(const char *socket_path, const char *method, const char *path, const char *body,
	struct client_answer *ret, struct spt_error *error);

#endif
