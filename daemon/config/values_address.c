/* SPDX-License-Identifier: MIT */
/* Addresses in values of the schema: see values.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "config/config.h"
#include "config/grow.h"
#include "config/values.h"

/*
 * @word, "ADDRESS[:PORT]" or "[V6ADDRESS][:PORT]", cut in two; *@port is NULL when there is none.
 */
static bool split_address(char *word, char **host, char **port, int *family)
{
	char *rest;

	*port = NULL;
	if (*word == '[') {
		*family = AF_INET6;
		*host = word + 1;
		char *close = strchr(word, ']');
		if (!close || (close[1] && close[1] != ':'))
			return false;
		rest = close + 1;
		*close = 0;
		if (*rest)
			*port = rest + 1;
		return true;
	}
	*family = AF_INET;
	*host = word;
	rest = strchr(word, ':');
	if (!rest)
		return true;
	*rest = 0;
	*port = rest + 1;
	return !strchr(*port, ':');
}

/* Numeric only: a name would have to be looked up, and may be another address tomorrow. */
static bool resolve(const char *host, int family, uint16_t port, struct config_address *a)
{
	struct addrinfo *info, hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
	};
	struct in_addr dotted;

	/* getaddrinfo() would read "127.1" and "010.0.0.1" as well. */
	if (family == AF_INET && inet_pton(AF_INET, host, &dotted) != 1)
		return false;
	if (getaddrinfo(host, NULL, &hints, &info))
		return false;
	memcpy(&a->sockaddr, info->ai_addr, info->ai_addrlen);
	a->bytes = info->ai_addrlen;
	freeaddrinfo(info);
	if (family == AF_INET6)
		((struct sockaddr_in6 *)&a->sockaddr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&a->sockaddr)->sin_port = htons(port);
	return true;
}

/* What an address of some key may be. */
struct form {
	uint16_t port;     /* when none is told */
	uint16_t port_min; /* 0: a free one may be taken */
};

static int parse_address(const struct schema_key *key, const char *text, const struct form *form,
	struct config_address *a, struct spt_error *error)
{
	char word[sizeof(a->text)], *host, *port_text;
	uint64_t port = form->port;
	int family;

	snprintf(word, sizeof(word), "%s", text);
	if (!split_address(word, &host, &port_text, &family))
		return spt_error_set(error, -EINVAL, "%s: '%s' is not ADDRESS:PORT; "
			"an IPv6 address stands in brackets: [::1]:3260", key->option.name, text);
	if (port_text && parse_u64_range(port_text, form->port_min, 65535, &port) < 0)
		return spt_error_set(error, -EINVAL, "%s: '%s' is not a port (%u to 65535)",
			key->option.name, port_text, form->port_min);
	if (!resolve(host, family, (uint16_t)port, a))
		return spt_error_set(error, -EINVAL, "%s: '%s' is not an address in numbers",
			key->option.name, host);
	snprintf(a->text, sizeof(a->text), family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		(unsigned)port);
	return 0;
}

static int parse_addresses(const struct schema_key *key, const char *text, const struct form *form,
	struct config_addresses *ret, struct spt_error *error)
{
	struct config_addresses a = { .n = 0 };
	char word[sizeof(a.list->text) - 6]; /* the default port may be added to it */

	for (const char *words = text; value_next_word(&words, word, sizeof(word));) {
		struct config_address *place = GROW(a.list, a.n);
		int r = place ? parse_address(key, word, form, place, error) : -ENOMEM;

		if (r < 0) {
			free(a.list);
			return r;
		}
		a.n++;
	}
	free(ret->list);
	*ret = a;
	return 0;
}

int value_listens(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	static const struct form FORM = { .port = CONFIG_PORT };

	return parse_addresses(key, text, &FORM, field, error);
}

static bool unspecified(const struct config_address *a)
{
	return a->sockaddr.ss_family == AF_INET6 ?
		IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&a->sockaddr)->sin6_addr) :
		((const struct sockaddr_in *)&a->sockaddr)->sin_addr.s_addr == INADDR_ANY;
}

/* Addresses of somebody: no wildcard among them. */
static int parse_peers(const struct schema_key *key, const char *text, const struct form *form,
	struct config_addresses *ret, struct spt_error *error)
{
	struct config_addresses a = { .n = 0 };
	int r = parse_addresses(key, text, form, &a, error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < a.n; i++) {
		if (unspecified(&a.list[i]))
			r = spt_error_set(error, -EINVAL, "%s: %s is no address that can be connected to",
				key->option.name, a.list[i].text);
	}
	free(r < 0 ? a.list : ret->list);
	if (!r)
		*ret = a;
	return r;
}

int value_advertise(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	static const struct form FORM = { .port = CONFIG_PORT, .port_min = 1 };

	return parse_peers(key, text, &FORM, field, error);
}

/* A name as DNS has it: labels of letters, digits and dashes. */
static bool is_host_name(const char *host)
{
	size_t label = 0, n = strlen(host);

	if (!n || n > CONFIG_HOST_MAX || host[n - 1] == '.')
		return false;
	for (; *host; host++) {
		bool alnum = (*host >= 'a' && *host <= 'z') || (*host >= 'A' && *host <= 'Z') ||
			(*host >= '0' && *host <= '9');

		if (*host == '.' ? !label : !alnum && (*host != '-' || !label))
			return false;
		label = *host == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

/* RFC 7143 13.8: domainname[:port], where a domainname may be a name, IPv4 or [IPv6]. */
static int parse_peer(const struct schema_key *key, const char *word, uint64_t port, char **ret,
	struct spt_error *error)
{
	char copy[CONFIG_HOST_MAX + 16], *host, *port_text;
	struct config_address numeric;
	int family;

	snprintf(copy, sizeof(copy), "%s", word);
	bool good = split_address(copy, &host, &port_text, &family);
	if (good && (family == AF_INET6 || strspn(host, "0123456789.") == strlen(host)))
		good = resolve(host, family, 0, &numeric) && !unspecified(&numeric);
	else if (good)
		good = is_host_name(host);
	if (!good)
		return spt_error_set(error, -EINVAL, "%s: '%.200s' is not ADDRESS[:PORT], "
			"[IPV6ADDRESS][:PORT] or NAME[:PORT]", key->option.name, word);
	if (port_text && parse_u64_range(port_text, 1, 65535, &port) < 0)
		return spt_error_set(error, -EINVAL, "%s: '%.20s' is not a port (1 to 65535)",
			key->option.name, port_text);
	return asprintf(ret, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port) < 0 ?
		-ENOMEM : 0;
}

/* Addresses of others, which are looked up by whoever connects to them. */
static int parse_named_peers(const struct schema_key *key, const char *text, uint16_t port,
	struct config_texts *ret, struct spt_error *error)
{
	struct config_texts t = { .n = 0 };
	char word[CONFIG_HOST_MAX + 16];
	int r = 0;

	for (const char *words = text; !r && value_next_word(&words, word, sizeof(word));) {
		char *one = NULL, **place;

		r = parse_peer(key, word, port, &one, error);
		if (r < 0)
			break;
		place = GROW(t.list, t.n);
		if (!place) {
			free(one);
			r = -ENOMEM;
			break;
		}
		t.n++;
		*place = one;
	}
	value_texts_free(r < 0 ? &t : ret);
	if (!r)
		*ret = t;
	return r;
}

int value_redirects(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	return parse_named_peers(key, text, CONFIG_PORT, field, error);
}

int value_isns(const struct schema_key *key, const char *text, void *field, struct spt_error *error)
{
	struct config_texts *ret = field, t = { .n = 0 };
	int r = parse_named_peers(key, text, CONFIG_ISNS_PORT, &t, error);

	if (!r && t.n > CONFIG_ISNS_MAX)
		r = spt_error_set(error, -EINVAL, "%s: at most %u servers", key->option.name,
			CONFIG_ISNS_MAX);
	value_texts_free(r < 0 ? &t : ret);
	if (!r)
		*ret = t;
	return r;
}

void value_texts_free(struct config_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->list[i]);
	free(texts->list);
	*texts = (struct config_texts){ .n = 0 };
}
