/* SPDX-License-Identifier: MIT */
/* Names of iSNS servers: see lookup.h. */
#include "isns/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct isns_lookup {
	struct spt_work work;
	char host[NI_MAXHOST], port[8];
	struct isns_addresses addresses;
	int result; /* of getaddrinfo() */
	void (*done)(void *arg, const struct isns_addresses *addresses, const char *why); /* NULL: abandoned */
	void *arg;
};

static void split(const char *text, char *host, size_t host_bytes, char *port, size_t port_bytes)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (*text == '[' && n >= 2) {
		text++;
		n -= 2;
	}
	snprintf(host, host_bytes, "%.*s", (int)n, text);
	snprintf(port, port_bytes, "%s", colon ? colon + 1 : "");
}

static int look_up(const char *host, const char *port, int flags, struct isns_addresses *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
	struct addrinfo *list;

	ret->n = 0;
	int r = getaddrinfo(host, port, &hints, &list);
	if (r)
		return r;
	for (const struct addrinfo *a = list; a && ret->n < ISNS_ADDRESSES_MAX; a = a->ai_next) {
		memcpy(&ret->list[ret->n].sockaddr, a->ai_addr, a->ai_addrlen);
		ret->list[ret->n++].bytes = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}

void isns_numeric(const char *text, struct isns_addresses *ret)
{
	char host[NI_MAXHOST], port[8];

	split(text, host, sizeof(host), port, sizeof(port));
	(void)look_up(host, port, AI_NUMERICHOST, ret);
}

static void work(struct spt_work *w)
{
	struct isns_lookup *l = w->arg;

	l->result = look_up(l->host, l->port, AI_ADDRCONFIG, &l->addresses);
}

static void over(struct spt_work *w)
{
	struct isns_lookup *l = w->arg;

	if (l->done)
		l->done(l->arg, &l->addresses, l->result ? gai_strerror(l->result) : "it has no address");
	free(l);
}

int isns_lookup_begin(struct spt_host *host, const char *text,
	void (*done)(void *arg, const struct isns_addresses *addresses, const char *why), void *arg,
	struct isns_lookup **ret)
{
	struct isns_lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	split(text, l->host, sizeof(l->host), l->port, sizeof(l->port));
	l->done = done;
	l->arg = arg;
	l->work = (struct spt_work){ .work = work, .done = over, .arg = l };
	*ret = l;
	spt_host_offload(host, &l->work);
	return 0;
}

void isns_lookup_abandon(struct isns_lookup *l)
{
	if (l)
		l->done = NULL;
}
