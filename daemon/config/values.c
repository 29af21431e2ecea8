/* SPDX-License-Identifier: MIT */
/* Addresses, names, digests and other values of the schema: see values.h. */
#include "config/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "config/config.h"
#include "config/grow.h"
#include "log/log.h"
#include "wire/names.h"

bool value_next_word(const char **list, char *word, size_t bytes)
{
	const char *p = *list;

	if (!p)
		return false;
	const char *end = strchrnul(p, ',');
	*list = *end ? end + 1 : NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	int n = snprintf(word, bytes, "%.*s", (int)(end - p), p);
	if (n >= (int)bytes && bytes > 3)
		strcpy(word + bytes - 4, "...");
	return true;
}

int value_auto(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct spt_option_value v = { .number = 0 };

	if (strcmp(text, "auto")) {
		int r = spt_option_parse(&key->option, text, &v, error);
		if (r < 0)
			return r;
	}
	*(uint32_t *)field = (uint32_t)v.number;
	return 0;
}

static int replace_text(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int value_or_none(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct spt_option_value v;
	int r = spt_option_parse(&key->option, text, &v, error);

	if (r < 0)
		return r;
	return replace_text(field, strcmp(text, "none") ? text : NULL);
}

int value_log_level(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct spt_option_value v;
	enum log_level level;
	int r = spt_option_parse(&key->option, text, &v, error);

	if (r < 0)
		return r;
	if (log_level_parse(text, &level) < 0)
		return spt_error_set(error, -EINVAL, "%s: '%s' is no level", key->option.name,
			text);
	*(uint32_t *)field = level;
	return 0;
}

int value_iscsi_name(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	char normal[NAME_MAX_BYTES + 1];

	if (name_normalize(text, strlen(text), normal) < 0) {
		return spt_error_set(error, -EINVAL, "%s: '%.200s' is not an iSCSI name "
			"(iqn.YYYY-MM.DOMAIN[:TEXT], eui.HEX or naa.HEX)", key->option.name, text);
	}
	return replace_text(field, normal);
}

int value_digests(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	static const struct {
		const char *name;
		uint8_t digest;
	} DIGESTS[] = { { "None", CONFIG_DIGEST_NONE }, { "CRC32C", CONFIG_DIGEST_CRC32C } };
	struct config_digests digests = { .n = 0 };
	unsigned seen = 0;
	char word[32];

	for (const char *list = text; value_next_word(&list, word, sizeof(word));) {
		uint8_t digest = 0;

		for (size_t i = 0; i < ARRAY_SIZE(DIGESTS); i++) {
			if (!strcasecmp(word, DIGESTS[i].name))
				digest = DIGESTS[i].digest;
		}
		if (!digest)
			return spt_error_set(error, -EINVAL, "%s: '%s' is neither None nor CRC32C",
				key->option.name, word);
		if (seen & digest)
			return spt_error_set(error, -EINVAL, "%s: %s stands twice",
				key->option.name, word);
		seen |= digest;
		digests.list[digests.n++] = digest;
	}
	*(struct config_digests *)field = digests;
	return 0;
}

int value_task_reporting(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} REPORTINGS[] = { { "RFC3720", CONFIG_REPORTING_RFC3720 },
		{ "ResponseFence", CONFIG_REPORTING_RESPONSE_FENCE },
		{ "FastAbort", CONFIG_REPORTING_FAST_ABORT } };
	uint8_t set = 0;
	char word[32];

	for (const char *list = text; value_next_word(&list, word, sizeof(word));) {
		uint8_t bit = 0;

		for (size_t i = 0; i < ARRAY_SIZE(REPORTINGS); i++) {
			if (!strcasecmp(word, REPORTINGS[i].name))
				bit = REPORTINGS[i].bit;
		}
		if (!bit)
			return spt_error_set(error, -EINVAL,
				"%s: '%s' is none of RFC3720, ResponseFence and FastAbort",
				key->option.name, word);
		set |= bit;
	}
	if (!(set & CONFIG_REPORTING_RFC3720))
		return spt_error_set(error, -EINVAL, "%s: RFC3720 must be among them: it is what "
			"holds for an initiator that does not negotiate it", key->option.name);
	*(uint8_t *)field = set;
	return 0;
}

int value_auth(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct spt_option_value v;
	int r = spt_option_parse(&key->option, text, &v, error);

	if (!r)
		*(bool *)field = !strcmp(text, "chap");
	return r;
}

/* The number of an algorithm in CHAP_A (RFC 7143 12.1.3); 0: unknown. */
static uint8_t algorithm_number(const char *word)
{
	static const struct {
		const char *name;
		uint8_t number;
	} ALGORITHMS[] = {
		{ "MD5", 5 }, { "SHA1", 6 }, { "SHA-1", 6 }, { "SHA-256", 7 }, { "SHA256", 7 },
		{ "SHA3-256", 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ALGORITHMS); i++) {
		if (!strcasecmp(word, ALGORITHMS[i].name))
			return ALGORITHMS[i].number;
	}
	return 0;
}

int value_algorithms(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct config_algorithms a = { .n = 0 };
	char word[32];

	for (const char *list = text; value_next_word(&list, word, sizeof(word));) {
		uint8_t number = algorithm_number(word);

		if (!number)
			return spt_error_set(error, -EINVAL,
				"%s: '%s' is none of SHA3-256, SHA-256, SHA1 and MD5",
				key->option.name, word);
		if (memchr(a.list, number, a.n))
			return spt_error_set(error, -EINVAL, "%s: %s stands twice",
				key->option.name, word);
		a.list[a.n++] = number; /* none stands twice: at most four */
	}
	*(struct config_algorithms *)field = a;
	return 0;
}

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

static int parse_address(const struct schema_key *key, const char *text, struct config_address *a,
	struct spt_error *error)
{
	char word[sizeof(a->text)], *host, *port_text;
	uint64_t port = CONFIG_PORT;
	int family;

	snprintf(word, sizeof(word), "%s", text);
	if (!split_address(word, &host, &port_text, &family))
		return spt_error_set(error, -EINVAL, "%s: '%s' is not ADDRESS:PORT; "
			"an IPv6 address stands in brackets: [::1]:3260", key->option.name, text);
	if (port_text && parse_u64_range(port_text, 0, 65535, &port) < 0)
		return spt_error_set(error, -EINVAL, "%s: '%s' is not a port (0 to 65535)",
			key->option.name, port_text);
	if (!resolve(host, family, (uint16_t)port, a))
		return spt_error_set(error, -EINVAL, "%s: '%s' is not an address in numbers",
			key->option.name, host);
	snprintf(a->text, sizeof(a->text), family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		(unsigned)port);
	return 0;
}

int value_listens(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct config_portal *portal = field;
	struct config_address *list = NULL;
	size_t n = 0;
	char word[sizeof(list->text) - 6]; /* the default port may be added to it */

	for (const char *words = text; value_next_word(&words, word, sizeof(word));) {
		struct config_address *a = GROW(list, n);
		int r = a ? parse_address(key, word, a, error) : -ENOMEM;

		if (r < 0) {
			free(list);
			return r;
		}
		n++;
	}
	free(portal->listens);
	portal->listens = list;
	portal->n_listens = n;
	return 0;
}
