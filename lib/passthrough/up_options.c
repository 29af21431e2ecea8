/* SPDX-License-Identifier: MIT */
/* The keys of the iscsi backend, and what is made of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spt/option.h>

#include "base/util.h"
#include "passthrough/identity_options.h"
#include "passthrough/up_device.h"

enum {
	OPTION_URL,
	OPTION_PORTALS,
	OPTION_CHAP_FILE,
	OPTION_NEXUS,
	OPTION_INITIATOR_NAME,
	OPTION_HEADER_DIGEST,
	OPTION_DATA_DIGEST,
	OPTION_CONNECT_TIMEOUT,
	OPTION_HOLD_TIME,
	OPTION_FAIL_TIME,
	OPTION_NOP_INTERVAL,
	OPTION_NOP_TIMEOUT,
	OPTION_ABORT_TIMEOUT,
	OPTION_RETRY_MAX,
	OPTION_RETRY_REFUSED,
	OPTION_QUEUE_DEPTH,
	OPTION_QUEUE_LIMIT,
	OPTION_THIRD_PARTY_COPY,
	OPTION_IDENTITY, /* the first of them */
	OPTIONS = OPTION_IDENTITY + IDENTITY_OPTIONS,
};

#define MS     UINT64_C(1000)
#define SECOND UINT64_C(1000000)

static const char *const NEXUSES[] = { "mirrored", "shared", NULL };
static const char *const DIGESTS[] = { "none", "crc32c", NULL };

const struct spt_option UP_OPTIONS[OPTIONS] = {
	[OPTION_URL] = {
		.name = "url",
		.type = SPT_OPTION_STRING,
		.required = true,
		.min = 1,
		.max = 1023,
		.help = "the logical unit: iscsi://[user[%password]@]host[:port]/target-name/lun; "
			"a host name is looked up at start, and again before each round of attempts to connect",
	},
	[OPTION_PORTALS] = {
		.name = "portals",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 1023,
		.help = "further portals of the same target, used in this order when that of url "
			"cannot be: host[:port], [address][:port], ...; a session stays where it is "
			"until it is lost",
	},
	[OPTION_CHAP_FILE] = {
		.name = "chap-file",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 4095,
		.help = "a file that only we can read, with our CHAP name and secret towards the "
			"upstream target and, if it shall prove who it is as well, its own, in one "
			"line: NAME SECRET [mutual NAME SECRET]; instead of user%password in url; "
			"CHAP is by MD5 here",
	},
	[OPTION_NEXUS] = {
		.name = "nexus",
		.type = SPT_OPTION_CHOICE,
		.fallback = "mirrored",
		.choices = NEXUSES,
		.help = "mirrored gives each of our sessions one upstream, whose reservations, unit "
			"attentions and task management pass through untouched; shared has all use "
			"one (for each worker), and reservations and unit attentions are kept here",
	},
	[OPTION_INITIATOR_NAME] = {
		.name = "initiator-name",
		.type = SPT_OPTION_STRING,
		.min = 5,
		.max = SPT_NAME_MAX,
		.help = "one iSCSI name for all towards the upstream target, which nexus = shared "
			"needs; by default each "
			"initiator has its own there too, so that the target tells them apart in "
			"its access lists and persistent reservations",
	},
	[OPTION_HEADER_DIGEST] = {
		.name = "header-digest",
		.type = SPT_OPTION_CHOICE,
		.fallback = "none",
		.choices = DIGESTS,
		.help = "check the headers of iSCSI PDUs with CRC32C, which the upstream target "
			"must offer",
	},
	[OPTION_DATA_DIGEST] = {
		.name = "data-digest",
		.type = SPT_OPTION_CHOICE,
		.fallback = "none",
		.choices = DIGESTS,
		.help = "only none: the library that connects upstream (libiscsi 1.19) does not "
			"check the data of PDUs",
	},
	[OPTION_CONNECT_TIMEOUT] = {
		.name = "connect-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 600 * SECOND,
		.help = "how long connecting and logging in may take",
	},
	[OPTION_HOLD_TIME] = {
		.name = "hold-time",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 0,
		.max = 600 * SECOND,
		.help = "how long a command waits for a lost session to come back before BUSY is "
			"answered",
	},
	[OPTION_FAIL_TIME] = {
		.name = "fail-time",
		.type = SPT_OPTION_DURATION,
		.fallback = "120s",
		.min = 0,
		.max = 86400 * SECOND,
		.help = "how long BUSY is answered while there is no session; after that commands "
			"fail at once (NOT READY, LOGICAL UNIT COMMUNICATION FAILURE); 0 is never",
	},
	[OPTION_NOP_INTERVAL] = {
		.name = "nop-interval",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 0,
		.max = 3600 * SECOND,
		.help = "after so much silence the upstream target is asked whether it is there "
			"(NOP-Out); 0 is never",
	},
	[OPTION_NOP_TIMEOUT] = {
		.name = "nop-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 3600 * SECOND,
		.help = "how long it may take to answer before the session is given up",
	},
	[OPTION_ABORT_TIMEOUT] = {
		.name = "abort-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 100 * MS,
		.max = 600 * SECOND,
		.help = "how long it may take to abort a command before the session is dropped, "
			"which aborts it too",
	},
	[OPTION_RETRY_MAX] = {
		.name = "retry-max",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 3600 * SECOND,
		.help = "the longest pause between two attempts to connect; the first is 100 ms "
			"and each doubles it, less a random part of up to a half",
	},
	[OPTION_RETRY_REFUSED] = {
		.name = "retry-refused",
		.type = SPT_OPTION_DURATION,
		.fallback = "60s",
		.min = 100 * MS,
		.max = 86400 * SECOND,
		.help = "the pause when the upstream target does not want who we are, or is not "
			"who it should be (CHAP, access lists, another logical unit)",
	},
	[OPTION_QUEUE_DEPTH] = {
		.name = "queue-depth",
		.type = SPT_OPTION_NUMBER,
		.fallback = "64",
		.min = 1,
		.max = 1024,
		.help = "how many commands of a session may be upstream at once; the upstream "
			"target's command window may lower it",
	},
	[OPTION_QUEUE_LIMIT] = {
		.name = "queue-limit",
		.type = SPT_OPTION_NUMBER,
		.fallback = "256",
		.min = 1,
		.max = 4096,
		.help = "how many commands may wait above queue-depth, or for a session, before "
			"TASK SET FULL is answered",
	},
	[OPTION_THIRD_PARTY_COPY] = {
		.name = "third-party-copy",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "let EXTENDED COPY and its relatives through, which reach every logical "
			"unit that the upstream target shows to our initiator name",
	},
	IDENTITY_OPTION_ROWS(OPTION_IDENTITY),
};

_Static_assert(OPTIONS == UP_N_OPTIONS, "a row more, a number more");

/* RFC 7143 4.2.7.3 */
static bool is_iscsi_name(const char *name)
{
	return !strncmp(name, "iqn.", 4) || !strncmp(name, "eui.", 4) || !strncmp(name, "naa.", 4);
}

static int set_initiator_name(struct up_device *d, const struct spt_option_value *v,
	struct spt_error *error)
{
	if (!v->set && d->shared)
		return spt_error_set(error, -EINVAL,
			"nexus: shared needs initiator-name, the one name that all use upstream");
	if (!v->set)
		return 0; /* each nexus brings its own */
	if (!is_iscsi_name(v->text) || strlen(v->text) > SPT_NAME_MAX)
		return spt_error_set(error, -EINVAL,
			"initiator-name: '%.230s' is no iSCSI name (iqn., eui. or naa.)", v->text);
	snprintf(d->initiator_name, sizeof(d->initiator_name), "%s", v->text);
	return 0;
}

static int set_secret(struct up_device *d, const struct spt_option_value *v, struct spt_error *error)
{
	if (v->set && d->url.user[0])
		return spt_error_set(error, -EINVAL,
			"chap-file: url has a user and a password, too; leave one of them out");
	if (v->set)
		return up_secret_load(v->text, &d->secret, error);
	strcpy(d->secret.user, d->url.user);
	strcpy(d->secret.password, d->url.password);
	return 0;
}

static int set_portals(struct up_device *d, const struct spt_option_value *v, struct spt_error *error)
{
	int r = up_hosts_add(&d->hosts, "url", d->url.host, d->url.port, error);

	if (r == 0 && v->set)
		r = up_hosts_parse(&d->hosts, v->text, error);
	up_hosts_portals(&d->hosts, &d->portals);
	return r;
}

static int set_who(struct up_device *d, const struct spt_option_value *v, struct spt_error *error)
{
	int r = up_url_parse(v[OPTION_URL].text, &d->url, error);

	if (r == 0)
		r = set_initiator_name(d, &v[OPTION_INITIATOR_NAME], error);
	if (r == 0)
		r = set_secret(d, &v[OPTION_CHAP_FILE], error);
	if (r == 0)
		r = set_portals(d, &v[OPTION_PORTALS], error);
	return r;
}

static int check_digest(const struct spt_option_value *v, struct spt_error *error)
{
	if (v[OPTION_DATA_DIGEST].number == 0)
		return 0;
	return spt_error_set(error, -EOPNOTSUPP,
		"data-digest: libiscsi 1.19 does not check the data of PDUs; leave it at none, "
		"and guard the network by IPsec if need be");
}

int up_options_check(const struct spt_option_value *v, struct spt_error *error)
{
	struct up_url url;
	int r = check_digest(v, error);

	if (r == 0)
		r = up_url_parse(v[OPTION_URL].text, &url, error);
	explicit_bzero(&url, sizeof(url)); /* a password may be in it */
	return r;
}

int up_options_read(struct up_device *d, const struct spt_option_value *v, struct spt_error *error)
{
	int r = check_digest(v, error);

	if (r < 0)
		return r;
	d->shared = v[OPTION_NEXUS].number != 0;
	d->header_digest = v[OPTION_HEADER_DIGEST].number != 0;
	d->connect_timeout_us = v[OPTION_CONNECT_TIMEOUT].number;
	d->hold_us = v[OPTION_HOLD_TIME].number;
	d->fail_us = v[OPTION_FAIL_TIME].number;
	d->nop_interval_us = v[OPTION_NOP_INTERVAL].number;
	d->nop_timeout_us = v[OPTION_NOP_TIMEOUT].number;
	d->abort_timeout_us = v[OPTION_ABORT_TIMEOUT].number;
	d->retry_max_us = v[OPTION_RETRY_MAX].number;
	d->retry_refused_us = v[OPTION_RETRY_REFUSED].number;
	d->depth = (unsigned)v[OPTION_QUEUE_DEPTH].number;
	d->queue_limit = (unsigned)v[OPTION_QUEUE_LIMIT].number;
	d->limits.third_party_copy = v[OPTION_THIRD_PARTY_COPY].flag;
	r = identity_options_apply(d->handle, &v[OPTION_IDENTITY], error);
	return r < 0 ? r : set_who(d, v, error);
}
