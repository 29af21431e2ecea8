/* SPDX-License-Identifier: MIT */
/*
 * The control socket: HTTP by libevent. A request becomes a query that the daemon holds until it
 * is answered; the client may go away before, and control itself may be freed before, so a query
 * in the daemon's hands outlives both and belongs to whoever is last.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "control/control.h"
#include "control/json.h"
#include "control/listen.h"
#include "control/routes.h"
#include "log/log.h"

#define HEADERS_MAX  8192
#define BODY_MAX     4096
#define IDLE_SECONDS 30
#define QUERIES_MAX  64u /* in the daemon's hands at a time */

struct control {
	struct evhttp *http;
	char *path;
	struct listen_mark mark;
	const struct control_ops *ops;
	void *arg;
	struct spt_link pending;
	unsigned n_pending;
};

struct pending {
	struct control_query query;
	const struct route *route;
	struct control *control;        /* NULL: it is gone */
	struct evhttp_request *request; /* NULL: the client is gone */
	struct spt_link link;
};

static void send_text(struct evhttp_request *request, int status, const char *type,
	const char *text)
{
	struct evbuffer *buffer = evbuffer_new();

	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
	if (buffer && text) {
		size_t n = strlen(text);

		evbuffer_add(buffer, text, n);
		if (!n || text[n - 1] != '\n')
			evbuffer_add(buffer, "\n", 1);
	}
	/* Without a reason the library says the usual one. */
	evhttp_send_reply(request, status, NULL, buffer);
	if (buffer)
		evbuffer_free(buffer);
}

static void send_error(struct evhttp_request *request, int status, const char *text)
{
	AUTO_FREE char *body = json_write_error(text);

	send_text(request, status, "application/json", body);
}

static const struct {
	int result;
	int status;
	const char *text;
} RESULTS[] = {
	{ -ENOENT, 404, "there is no such session" },
	{ -EINVAL, 400, "this cannot be asked for" },
	{ -EALREADY, 409, "there is nothing to be done" },
	{ -EBUSY, 409, "it is in use" },
	{ -ENOMEM, 503, "out of memory" },
	{ -ESHUTDOWN, 503, "the daemon is stopping" },
	{ -EAGAIN, 503, "too many questions at once" },
};

/* @told: what the daemon has to say about it, or NULL. */
static void send_failure(struct evhttp_request *request, int result, const char *told)
{
	bool tells = told && *told;

	for (size_t i = 0; i < ARRAY_SIZE(RESULTS); i++) {
		if (RESULTS[i].result == result) {
			send_error(request, RESULTS[i].status, tells ? told : RESULTS[i].text);
			return;
		}
	}
	send_error(request, 500, tells ? told : strerror(-result));
}

static void send_result(struct evhttp_request *request, const struct route *route,
	const struct snapshot *snapshot, int result, const char *told)
{
	AUTO_FREE char *text = result < 0 ? NULL : route->render(snapshot);

	if (result == -EINVAL && snapshot && snapshot->report)
		send_error(request, 422, snapshot->report);
	else if (text)
		send_text(request, 200, route->content_type, text);
	else
		send_failure(request, result < 0 ? result : -ENOMEM, told);
}

static void forget_client(struct pending *p)
{
	struct evhttp_request *request = TAKE(p->request);

	if (request)
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
}

static void on_close(struct evhttp_connection *connection, void *arg)
{
	struct pending *p = arg;

	/* The library frees the request with the connection. */
	p->request = NULL;
}

void control_answer(struct control_query *query, int result)
{
	struct pending *p = container_of(query, struct pending, query);
	struct evhttp_request *request = p->request;

	forget_client(p);
	if (p->control) {
		list_del(&p->link);
		p->control->n_pending--;
	}
	if (request)
		send_result(request, p->route, &p->query.snapshot, result, p->query.error.text);
	snapshot_deinit(&p->query.snapshot);
	free(p);
}

/* False: answered. */
static bool read_body(struct evhttp_request *request, const struct route *route,
	struct snapshot_request *ret)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(body);
	struct spt_error error;

	if (!(route->what & (CONTROL_CHANGE_LAYER | CONTROL_UNFENCE | CONTROL_RESET)) ||
		json_read_request(n ? (const char *)evbuffer_pullup(body, -1) : "", n, ret, &error) == 0)
		return true;
	send_error(request, 400, error.text);
	return false;
}

static void ask(struct control *control, struct evhttp_request *request, const struct route *route,
	uint64_t id)
{
	struct pending *p = control->n_pending < QUERIES_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		send_failure(request, control->n_pending < QUERIES_MAX ? -ENOMEM : -EAGAIN, NULL);
		return;
	}
	if (!read_body(request, route, &p->query.request)) {
		free(p);
		return;
	}
	p->query.what = route->what;
	p->query.session_id = id;
	p->route = route;
	p->control = control;
	p->request = request;
	list_append(&control->pending, &p->link);
	control->n_pending++;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, p);
	control->ops->ask(control->arg, &p->query);
}

static enum route_method method_of(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
		return ROUTE_GET;
	case EVHTTP_REQ_DELETE:
		return ROUTE_DELETE;
	case EVHTTP_REQ_POST:
		return ROUTE_POST;
	default:
		return ROUTE_OTHER;
	}
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	const struct route *route;
	uint64_t id;
	int status = route_find(method_of(request), path ? path : "", &route, &id);

	if (status == 404)
		send_error(request, 404, "there is no such path");
	else if (status == 405)
		send_error(request, 405, "not with this method");
	else if (route->what)
		ask(control, request, route, id);
	else
		send_result(request, route, NULL, 0, NULL);
}

static void control_destroy(struct control *control)
{
	if (control->http)
		evhttp_free(control->http);
	free(control->path);
	free(control);
}

static void cleanup_control(struct control **control)
{
	if (*control)
		control_destroy(*control);
}

int control_new(const struct control_params *params, struct spt_error *error, struct control **ret)
{
	struct control *control CLEANUP(cleanup_control) = calloc(1, sizeof(*control));

	if (!control)
		return spt_error_set(error, -ENOMEM, "out of memory");
	control->ops = params->ops;
	control->arg = params->arg;
	control->path = strdup(params->path);
	control->http = evhttp_new(params->base);
	list_init(&control->pending);
	if (!control->path || !control->http)
		return spt_error_set(error, -ENOMEM, "out of memory");
	evhttp_set_max_headers_size(control->http, HEADERS_MAX);
	evhttp_set_max_body_size(control->http, BODY_MAX);
	evhttp_set_timeout(control->http, IDLE_SECONDS);
	evhttp_set_allowed_methods(control->http,
		EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	evhttp_set_gencb(control->http, on_request, control);

	int fd = listen_unix(control->path, &control->mark, error);
	if (fd < 0)
		return fd;
	if (evhttp_accept_socket(control->http, fd) < 0) {
		listen_remove(control->path, &control->mark);
		close(fd);
		return spt_error_set(error, -EIO, "%s cannot be watched", control->path);
	}
	*ret = TAKE(control);
	return 0;
}

void control_free(struct control *control)
{
	struct pending *p, *next;

	if (!control)
		return;
	list_foreach_safe(p, next, &control->pending, link) {
		forget_client(p);
		list_del(&p->link);
		p->control = NULL;
	}
	listen_remove(control->path, &control->mark);
	control_destroy(control);
}
