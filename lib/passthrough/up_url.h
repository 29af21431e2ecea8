/* SPDX-License-Identifier: MIT */
/*
 * The address of an upstream logical unit: iscsi://[user[%password]@]host[:port]/target-name/lun.
 * Read strictly: what a typing error leaves over is an error, with a text that says where.
 */
#ifndef PASSTHROUGH_UP_URL_H
#define PASSTHROUGH_UP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/nexus.h>

#define UP_PORT_DEFAULT 3260u
#define UP_ADDRESSES    4u

struct up_url {
	char user[256];
	char password[256];
	char host[256]; /* without the brackets of an IPv6 address */
	uint16_t port;
	char target[SPT_NAME_MAX + 1];
	uint16_t lun;
};

/* A numeric address and port as one text: "192.0.2.1:3260", "[2001:db8::1]:3260". */
struct up_address {
	char text[80];
};

/* 0 or -EINVAL. */
int up_url_parse(const char *text, struct up_url *ret, struct spt_error *error);
/* "host", "host:port", "[address]", "[address]:port" of @bytes; 0 or -EINVAL. */
int up_portal_parse(const char *text, size_t bytes, char *host, size_t host_bytes, uint16_t *port);
/* An address rather than a name. */
bool up_is_numeric(const char *host);
/* Looks @host up; may block. At most UP_ADDRESSES of them; 0 or -EHOSTUNREACH. @key: the option that
 * an error is told of. */
int up_resolve(const char *key, const char *host, uint16_t port, struct up_address *ret,
	size_t *ret_n, struct spt_error *error);
/*
 * RFC 7143 13.8 (TargetAddress): "host[:port][,portal-group-tag]" as a numeric address; -EINVAL
 * when it is none: names in it are not looked up.
 */
int up_target_address(const char *text, struct up_address *ret);
/* The first two bytes of a LUN (SAM-5 4.7): peripheral device addressing up to 255, flat space
 * above. */
uint16_t up_lun_field(uint16_t lun);

#endif
