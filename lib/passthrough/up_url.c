/* SPDX-License-Identifier: MIT */
/* Upstream addresses: see up_url.h. */
#include "passthrough/up_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

#define SCHEME "iscsi://"

static int bad(struct spt_error *error, const char *what)
{
	return spt_error_set(error, -EINVAL,
		"url: %s; it is written iscsi://[user[%%password]@]host[:port]/target-name/lun",
		what);
}

/* @from of @bytes into @to of @size, or false when it does not fit or is empty. */
static bool copy(char *to, size_t size, const char *from, size_t bytes)
{
	if (!bytes || bytes >= size)
		return false;
	memcpy(to, from, bytes);
	to[bytes] = '\0';
	return true;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | 0x20) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* In place: %3A and the like. */
static bool decode_percent(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		p += 2;
	}
	*to = '\0';
	return true;
}

static int parse_login(const char *text, size_t bytes, struct up_url *url, struct spt_error *error)
{
	const char *percent = memchr(text, '%', bytes);
	size_t user = percent ? (size_t)(percent - text) : bytes;

	if (!copy(url->user, sizeof(url->user), text, user))
		return bad(error, "the user name is empty or too long");
	if (!percent)
		return bad(error, "a user name needs a password (user%password@)");
	if (!copy(url->password, sizeof(url->password), percent + 1, bytes - user - 1))
		return bad(error, "the password is empty or too long");
	return 0;
}

int up_portal_parse(const char *text, size_t bytes, char *host, size_t host_bytes, uint16_t *port)
{
	const char *end = text + bytes, *after;
	uint64_t n = UP_PORT_DEFAULT;
	char digits[8];

	if (bytes && text[0] == '[') {
		after = memchr(text, ']', bytes);
		if (!after || !copy(host, host_bytes, text + 1, (size_t)(after - text - 1)))
			return -EINVAL;
		after++;
	} else {
		after = memchr(text, ':', bytes);
		after = after ? after : end;
		if (!copy(host, host_bytes, text, (size_t)(after - text)))
			return -EINVAL;
	}
	if (after < end) {
		if (*after++ != ':' ||
			!copy(digits, sizeof(digits), after, (size_t)(end - after)) ||
			parse_u64_range(digits, 1, 65535, &n) < 0)
			return -EINVAL;
	}
	*port = (uint16_t)n;
	return 0;
}

static int parse_target(const char *text, struct up_url *url, struct spt_error *error)
{
	const char *slash = strrchr(text, '/');
	uint64_t lun;

	if (!slash)
		return bad(error, "the LUN is missing");
	if (memchr(text, '/', (size_t)(slash - text)))
		return bad(error, "there is a '/' too many");
	if (!copy(url->target, sizeof(url->target), text, (size_t)(slash - text)))
		return bad(error, "the target name is empty or longer than 223 characters");
	if (!decode_percent(url->target))
		return bad(error,
			"a '%' in the target name is not followed by two hexadecimal digits");
	/* RFC 7143 4.2.7.3 */
	if (strncmp(url->target, "iqn.", 4) && strncmp(url->target, "eui.", 4) &&
		strncmp(url->target, "naa.", 4))
		return bad(error, "the target name begins with neither iqn. nor eui. nor naa.");
	if (parse_u64_range(slash + 1, 0, 16383, &lun) < 0)
		return bad(error, "the LUN is not a number from 0 to 16383");
	url->lun = (uint16_t)lun;
	return 0;
}

int up_url_parse(const char *text, struct up_url *ret, struct spt_error *error)
{
	struct up_url url = { .port = UP_PORT_DEFAULT };

	if (strncmp(text, SCHEME, strlen(SCHEME)))
		return bad(error, "it does not begin with " SCHEME);
	const char *p = text + strlen(SCHEME);
	const char *slash = strchr(p, '/');
	/* A password may hold any character but this, and a host no '@'. */
	const char *at = slash ? memrchr(p, '@', (size_t)(slash - p)) : NULL;
	if (!slash)
		return bad(error, "the target name is missing");
	if (at) {
		int r = parse_login(p, (size_t)(at - p), &url, error);
		if (r < 0)
			return r;
		p = at + 1;
	}
	if (up_portal_parse(p, (size_t)(slash - p), url.host, sizeof(url.host), &url.port) < 0)
		return bad(error, "the host or the port is not right");
	int r = parse_target(slash + 1, &url, error);
	if (r < 0)
		return r;
	*ret = url;
	return 0;
}

static void address_text(int family, const char *host, const char *port, struct up_address *ret)
{
	snprintf(ret->text, sizeof(ret->text), family == AF_INET6 ? "[%.60s]:%.5s" : "%.60s:%.5s",
		host, port);
}

bool up_is_numeric(const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *list;
	bool numeric = getaddrinfo(name, NULL, &hints, &list) == 0;

	if (numeric)
		freeaddrinfo(list);
	return numeric;
}

int up_resolve(const char *key, const char *name, uint16_t number, struct up_address *ret,
	size_t *ret_n, struct spt_error *error)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	char port[8], host[64];
	struct addrinfo *list;
	size_t n = 0;

	snprintf(port, sizeof(port), "%u", number);
	int r = getaddrinfo(name, port, &hints, &list);
	if (r != 0)
		return spt_error_set(error, -EHOSTUNREACH, "%s: host %.200s: %s", key,
			name, gai_strerror(r));
	for (const struct addrinfo *a = list; a && n < UP_ADDRESSES; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0,
			    NI_NUMERICHOST) == 0)
			address_text(a->ai_family, host, port, &ret[n++]);
	}
	freeaddrinfo(list);
	if (!n)
		return spt_error_set(error, -EHOSTUNREACH,
			"%s: host %.200s has neither an IPv4 nor an IPv6 address", key, name);
	*ret_n = n;
	return 0;
}

int up_target_address(const char *text, struct up_address *ret)
{
	uint8_t binary[16];
	char host[64], port_text[8];
	uint16_t port;
	size_t bytes = strcspn(text, ",");

	if (up_portal_parse(text, bytes, host, sizeof(host), &port) < 0)
		return -EINVAL;
	snprintf(port_text, sizeof(port_text), "%u", port);
	if (inet_pton(AF_INET, host, binary) == 1)
		address_text(AF_INET, host, port_text, ret);
	else if (inet_pton(AF_INET6, host, binary) == 1)
		address_text(AF_INET6, host, port_text, ret);
	else
		return -EINVAL;
	return 0;
}

uint16_t up_lun_field(uint16_t lun)
{
	return lun < 256 ? lun : 0x4000 | lun;
}
