/* SPDX-License-Identifier: MIT */
/* The iSNS client's states: see client.h. */
#include "isns/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "isns/answer.h"
#include "isns/inquiry.h"
#include "isns/link.h"
#include "isns/lookup.h"
#include "log/log.h"

#define ANSWER_US      10000000u /* how long a connection, and an answer, may take */
#define STOP_US        1000000u
#define RETRY_FIRST_US 1000000u  /* after all servers have failed, doubled each time */
#define RETRY_MOST_US  60000000u
#define HURRY_US       1000000ull /* a query because something of ours has changed */
#define PERIOD_MOST_S  86400u    /* a server may grant more; we ask once a day */
#define ESI_MOST_S     600u

enum state {
	STATE_AWAY,       /* the timer begins anew */
	STATE_CONNECTING, /* the timer is the deadline */
	STATE_ASKING,     /* the same */
	STATE_REST,       /* the timer is the next query's */
	STATE_STOPPED,
};

enum request { REQUEST_REGISTER, REQUEST_SCN, REQUEST_QUERY, REQUEST_DEREGISTER };

struct isns_client {
	struct spt_host *host;
	struct isns_params params;
	struct isns_inquiry inquiry;
	struct isns_link link;
	struct spt_timer timer;
	enum state state;
	enum request request;  /* while asking */
	size_t server;         /* the one whose turn it is */
	struct isns_lookup *lookup; /* of it, while that takes time */
	struct isns_addresses addresses[ISNS_SERVERS_MAX]; /* of each, as they were found last */
	size_t address;        /* the next one of the server to be tried */
	size_t failed;         /* servers that failed since one answered */
	uint64_t retry_us;
	uint64_t rest_since_us, idle_us; /* at rest; and how long to be away when it ends that */
	bool registered;       /* with @server, as far as we know */
	bool complained;       /* of this outage the log has heard */
	bool hurry;            /* the next query has been moved forward */
	bool again;            /* and one more is due when what is asked is answered */
	bool stopping;
	bool esi, portal_groups, scn; /* what this server takes */
	uint32_t period_s;     /* granted */
	size_t node, next;     /* of the request: its first, and the one after its last */
	uint16_t transaction;
	struct isns_endpoint *endpoints;
	uint8_t *pdu;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static const struct isns_server *server_of(const struct isns_client *c)
{
	return &c->params.servers[c->server];
}

static void wait_for(struct isns_client *c, enum state state, uint64_t us)
{
	c->state = state;
	if (!c->stopping) /* then the timer is that of the end */
		spt_host_timer_set(c->host, &c->timer, us);
}

static void over(struct isns_client *c)
{
	void (*stopped)(void *arg) = TAKE(c->stopped);

	c->state = STATE_STOPPED;
	isns_lookup_abandon(TAKE(c->lookup));
	isns_link_close(&c->link);
	isns_inquiry_close(&c->inquiry);
	spt_host_timer_clear(c->host, &c->timer);
	if (stopped)
		stopped(c->stopped_arg);
}

/* Begin again: with this server, or with the next one. */
static void away(struct isns_client *c, uint64_t us)
{
	isns_lookup_abandon(TAKE(c->lookup));
	isns_link_close(&c->link);
	if (c->stopping)
		over(c);
	else
		wait_for(c, STATE_AWAY, us);
}

/* This server will not do now; the next one, and when all have failed, later. */
static void fail(struct isns_client *c, const char *why)
{
	uint64_t us = 0;

	log_at(c->complained ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "iSNS server %s: %s",
		server_of(c)->text, why);
	c->registered = false;
	c->server = (c->server + 1) % c->params.n_servers;
	if (++c->failed >= c->params.n_servers) {
		c->complained = true;
		c->failed = 0;
		us = c->retry_us;
		c->retry_us = MIN(2 * c->retry_us, (uint64_t)RETRY_MOST_US);
	}
	away(c, us);
}

static bool build(struct isns_client *c, struct writer *w)
{
	const struct isns_entity *entity = c->params.entity;
	const struct isns_registration r = {
		.entity = entity,
		.endpoints = c->endpoints,
		.period_s = c->params.period_s,
		.esi_s = MIN(c->params.period_s / 2, ESI_MOST_S),
		.inquiry_port = c->esi ? c->inquiry.port : 0,
		.portal_groups = c->portal_groups,
	};

	switch (c->request) {
	case REQUEST_REGISTER:
		c->next = isns_put_register(w, &r, c->node, c->transaction);
		break;
	case REQUEST_SCN:
		isns_put_scn_register(w, entity, c->node, c->transaction);
		c->next = c->node + 1;
		break;
	case REQUEST_QUERY:
		isns_put_query(w, entity, c->node, c->transaction);
		c->next = c->node + 1;
		break;
	case REQUEST_DEREGISTER:
		isns_put_deregister(w, entity, c->transaction);
		break;
	}
	return !w->err;
}

static void ask(struct isns_client *c, enum request request, size_t node)
{
	struct writer w = wr_init(c->pdu, ISNS_PDU_MAX);

	c->request = request;
	c->node = node;
	c->transaction++;
	if (!build(c, &w)) {
		fail(c, "what is to be registered does not fit into a message");
		return;
	}
	if (isns_link_send(&c->link, c->pdu, wr_len(&w)) < 0) {
		fail(c, "it does not read");
		return;
	}
	wait_for(c, STATE_ASKING, ANSWER_US);
}

/* Registered, and nothing to be done before the period (RFC 4171 6.2.6) is half over. */
static void rest(struct isns_client *c)
{
	uint32_t period_s = c->period_s ? MIN(c->period_s, PERIOD_MOST_S) : c->params.period_s;

	c->hurry = c->again;
	c->again = false;
	c->complained = false;
	c->failed = 0;
	c->retry_us = RETRY_FIRST_US;
	if (c->stopping)
		ask(c, REQUEST_DEREGISTER, 0);
	else
		wait_for(c, STATE_REST, c->hurry ? HURRY_US : MAX(period_s * 1000000ull / 2, HURRY_US));
	c->rest_since_us = spt_host_now_us(c->host);
}

static void registered(struct isns_client *c)
{
	const struct isns_entity *entity = c->params.entity;

	c->registered = true;
	log_notice("iSNS server %s: registered as %s, targets: %zu, for %u s at a time",
		server_of(c)->text, entity->id, entity->n_nodes,
		c->period_s ? c->period_s : c->params.period_s);
	if (c->scn && c->esi && c->inquiry.port)
		ask(c, REQUEST_SCN, 0);
	else
		rest(c);
}

static void refused(struct isns_client *c, uint32_t status)
{
	char why[80];

	snprintf(why, sizeof(why), "refuses the registration: %s (%u)", isns_status_name(status),
		status);
	fail(c, why);
}

static void register_answered(struct isns_client *c, const struct isns_answer *answer)
{
	/* RFC 4171 5.6.5.1, 6.3.4: what this server cannot do is left out */
	if (answer->status == ISNS_ESI_UNAVAILABLE && c->esi)
		c->esi = false;
	else if (answer->status == ISNS_FEATURE_UNAVAILABLE && c->portal_groups)
		c->portal_groups = false;
	else if (answer->status) {
		refused(c, answer->status);
		return;
	} else {
		c->period_s = answer->period_s ? answer->period_s : c->period_s;
		if (c->next < c->params.entity->n_nodes)
			ask(c, REQUEST_REGISTER, c->next);
		else
			registered(c);
		return;
	}
	log_info("iSNS server %s: %s; registering without", server_of(c)->text,
		isns_status_name(answer->status));
	ask(c, REQUEST_REGISTER, 0);
}

static void scn_answered(struct isns_client *c, const struct isns_answer *answer)
{
	if (answer->status) {
		log_info("iSNS server %s: no state change notifications: %s", server_of(c)->text,
			isns_status_name(answer->status));
		c->scn = false;
	}
	if (c->scn && c->next < c->params.entity->n_nodes)
		ask(c, REQUEST_SCN, c->next);
	else
		rest(c);
}

static void query_answered(struct isns_client *c, const struct isns_answer *answer)
{
	if (!answer->status && answer->entity && answer->nodes) {
		if (c->next < c->params.entity->n_nodes) {
			ask(c, REQUEST_QUERY, c->next);
			return;
		}
		log_debug("iSNS server %s: all targets are still registered", server_of(c)->text);
		rest(c);
		return;
	}
	log_notice("iSNS server %s: our registration is gone", server_of(c)->text);
	c->registered = false;
	/* RFC 4171 6.3.4: no connection outlives the registration; the next one registers anew */
	isns_inquiry_drop(&c->inquiry);
	away(c, 0);
}

static void answered(struct isns_client *c, const struct isns_answer *answer)
{
	switch (c->request) {
	case REQUEST_REGISTER:
		register_answered(c, answer);
		break;
	case REQUEST_SCN:
		scn_answered(c, answer);
		break;
	case REQUEST_QUERY:
		query_answered(c, answer);
		break;
	case REQUEST_DEREGISTER:
		log_notice("iSNS server %s: deregistered", server_of(c)->text);
		over(c);
		break;
	}
}

static uint16_t function_of(enum request request)
{
	static const uint16_t FUNCTIONS[] = {
		[REQUEST_REGISTER] = ISNS_DEV_ATTR_REG,
		[REQUEST_SCN] = ISNS_SCN_REG,
		[REQUEST_QUERY] = ISNS_DEV_ATTR_QRY,
		[REQUEST_DEREGISTER] = ISNS_DEV_DEREG,
	};

	return FUNCTIONS[request];
}

/* Something of ours was changed or taken away at the server: ask soon, however often it says so. */
static void lost(void *arg)
{
	struct isns_client *c = arg;

	c->again = c->state == STATE_ASKING;
	if (c->hurry || c->stopping || c->state != STATE_REST)
		return;
	c->hurry = true;
	spt_host_timer_set(c->host, &c->timer, HURRY_US);
}

static void link_pdu(struct isns_link *link, const struct isns_header *h, const uint8_t *payload)
{
	struct isns_client *c = link->arg;
	bool whole = h->flags & ISNS_LAST, changed;
	struct isns_answer answer;

	if (h->sequence) /* RFC 4171 5.1.6, 5.2: the rest of a message whose first PDU was taken */
		return;
	if (!(h->function & ISNS_ANSWER)) {
		if (isns_inquiry_answer(link, c->params.entity, h, payload, &changed) && changed)
			lost(c);
		return;
	}
	/* RFC 4171 5.1.5 */
	if (c->state != STATE_ASKING || h->transaction != c->transaction)
		return; /* an answer that comes too late */
	if (h->function != (function_of(c->request) | ISNS_ANSWER) ||
		isns_answer_decode(c->params.entity, payload, h->bytes, whole, &answer) < 0)
		fail(c, "its answer is malformed");
	else
		answered(c, &answer);
}

/* The address by which this server reaches us stands for portals that listen on every one. */
static void find_endpoints(struct isns_client *c)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(a);
	uint8_t own[16] = { [10] = 0xff, [11] = 0xff };

	(void)getsockname(c->link.watch.fd, (struct sockaddr *)&a, &bytes);
	if (a.ss_family == AF_INET6)
		memcpy(own, &((struct sockaddr_in6 *)&a)->sin6_addr, sizeof(own));
	else
		memcpy(own + 12, &((struct sockaddr_in *)&a)->sin_addr, 4);
	if (isns_endpoints(c->params.entity, own, c->endpoints) == 0)
		log_warning("iSNS server %s: no portal has an address of its family",
			server_of(c)->text);
}

static void link_connected(struct isns_link *link)
{
	struct isns_client *c = link->arg;

	if (c->stopping) {
		over(c);
		return;
	}
	find_endpoints(c);
	if (c->registered) {
		ask(c, REQUEST_QUERY, 0);
		return;
	}
	c->esi = c->portal_groups = c->scn = true;
	c->period_s = 0;
	ask(c, REQUEST_REGISTER, 0);
}

/* An address of the server is of no use: the next one, if there is one, and else the server is not either. */
static void try_address(struct isns_client *c, const char *why)
{
	const struct isns_addresses *a = &c->addresses[c->server];

	isns_link_close(&c->link);
	while (c->address < a->n) {
		size_t i = c->address++;
		wait_for(c, STATE_CONNECTING, ANSWER_US);
		int r = isns_link_connect(&c->link, (const struct sockaddr *)&a->list[i].sockaddr,
			a->list[i].bytes);
		if (r == 0)
			return;
		why = strerror(-r);
	}
	fail(c, why);
}

static void link_broken(struct isns_link *link, const char *why)
{
	struct isns_client *c = link->arg;

	if (c->state == STATE_CONNECTING) {
		try_address(c, why);
		return;
	}
	if (c->state != STATE_REST) {
		fail(c, why);
		return;
	}
	/*
	 * A server may close what is idle, or have been restarted: then it has to be asked soon; but
	 * not again and again if it closes after every answer.
	 */
	bool often = spt_host_now_us(c->host) - c->rest_since_us < RETRY_MOST_US;
	c->idle_us = often ? MIN(2 * c->idle_us, (uint64_t)RETRY_MOST_US) : RETRY_FIRST_US;
	away(c, c->idle_us);
}

static const struct isns_link_ops LINK_OPS = {
	.connected = link_connected, .pdu = link_pdu, .broken = link_broken };

static void found(struct isns_client *c, const struct isns_addresses *addresses, const char *why)
{
	c->addresses[c->server] = *addresses;
	try_address(c, why);
}

static void looked_up(void *arg, const struct isns_addresses *addresses, const char *why)
{
	struct isns_client *c = arg;

	c->lookup = NULL;
	found(c, addresses, why);
}

static void connect_server(struct isns_client *c)
{
	struct isns_addresses numeric;

	wait_for(c, STATE_CONNECTING, ANSWER_US);
	c->address = 0;
	isns_numeric(server_of(c)->text, &numeric);
	if (numeric.n)
		found(c, &numeric, NULL);
	else if (isns_lookup_begin(c->host, server_of(c)->text, looked_up, c, &c->lookup) < 0)
		fail(c, strerror(ENOMEM));
}

static void tick(struct spt_timer *timer)
{
	struct isns_client *c = timer->arg;

	if (c->stopping) {
		log_info("iSNS server %s: does not answer the deregistration", server_of(c)->text);
		over(c);
		return;
	}
	switch (c->state) {
	case STATE_AWAY:
		connect_server(c);
		break;
	case STATE_REST:
		ask(c, REQUEST_QUERY, 0);
		break;
	case STATE_CONNECTING:
		if (c->lookup)
			fail(c, "looking its name up takes too long");
		else
			try_address(c, "no answer");
		break;
	default:
		fail(c, "no answer");
	}
}

int isns_client_new(struct spt_host *host, const struct isns_params *params,
	struct isns_client **ret)
{
	struct isns_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->endpoints = calloc(params->entity->n_portals, sizeof(*c->endpoints));
	c->pdu = malloc(ISNS_PDU_MAX);
	c->host = host;
	c->params = *params;
	c->retry_us = c->idle_us = RETRY_FIRST_US;
	c->timer = (struct spt_timer){ .fn = tick, .arg = c };
	isns_link_init(&c->link, host, &LINK_OPS, c);
	for (size_t i = 0; i < params->n_servers; i++)
		isns_numeric(params->servers[i].text, &c->addresses[i]);
	c->inquiry.watch.fd = -1;
	if (!c->endpoints || !c->pdu) {
		isns_client_free(c);
		return -ENOMEM;
	}
	int r = isns_inquiry_open(&c->inquiry, host, &c->params, c->addresses, lost, c);
	if (r < 0)
		log_warning("iSNS: no port for the servers' inquiries: %s", strerror(-r));
	wait_for(c, STATE_AWAY, 0);
	*ret = c;
	return 0;
}

void isns_client_stop(struct isns_client *c, void (*stopped)(void *arg), void *arg)
{
	c->stopping = true;
	c->stopped = stopped;
	c->stopped_arg = arg;
	if (c->state == STATE_STOPPED || c->state == STATE_AWAY || c->state == STATE_CONNECTING) {
		over(c);
		return;
	}
	spt_host_timer_set(c->host, &c->timer, STOP_US);
	if (c->state == STATE_REST)
		ask(c, REQUEST_DEREGISTER, 0);
	/* asking: the answer leads to rest, and that to the deregistration */
}

void isns_client_free(struct isns_client *c)
{
	if (!c)
		return;
	spt_host_timer_clear(c->host, &c->timer);
	isns_lookup_abandon(TAKE(c->lookup));
	isns_link_close(&c->link);
	isns_inquiry_close(&c->inquiry);
	free(c->endpoints);
	free(c->pdu);
	free(c);
}
