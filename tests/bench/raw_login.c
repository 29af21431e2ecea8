/* SPDX-License-Identifier: MIT */
/* How a session of our own making begins: see raw.h. */
#include "raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/be.h"
#include "base/util.h"

#define SEGMENT_MAX 262144u /* that we receive */
#define BURST_MAX   262144u

static int dial(struct session *s, const char *url, char *target)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64];
	unsigned port, lun;
	int on = 1;

	if (sscanf(url, "iscsi://%63[0-9.]:%u/%223[^/]/%u", host, &port, target, &lun) != 4 || port > 65535 || lun > 255 ||
		inet_pton(AF_INET, host, &a.sin_addr) != 1)
		return raw_complain(url, -EINVAL);
	a.sin_port = htons((uint16_t)port);
	s->lun = (uint8_t)lun;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return raw_complain(url, -errno);
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

/* The value of @key in the answers, or NULL. */
static const char *value_of(const struct session *s, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = (const char *)s->text; p < (const char *)s->text + s->body_bytes; p += strlen(p) + 1) {
		if (!strncmp(p, key, n) && p[n] == '=')
			return p + n + 1;
	}
	return NULL;
}

static int take_answers(struct session *s, const struct options *opt)
{
	const char *v;

	if (s->answer) {
		fprintf(stderr, "load: login refused with status %04x\n", (unsigned)s->answer);
		return -EACCES;
	}
	s->text[MIN(s->body_bytes, (size_t)TEXT_MAX - 1)] = 0;
	if ((v = value_of(s, "MaxRecvDataSegmentLength")))
		s->segment_bytes = (uint32_t)strtoul(v, NULL, 10);
	if ((v = value_of(s, "FirstBurstLength")))
		s->first_burst = (uint32_t)strtoul(v, NULL, 10);
	if ((v = value_of(s, "ImmediateData")) && strcmp(v, "Yes"))
		s->first_burst = 0;
	if (s->head[1] != 0x87)
		return 0;
	for (int i = 0; i < 2; i++) {
		bool wanted = i ? opt->digests == DIGESTS_BOTH : opt->digests != DIGESTS_NONE;
		v = value_of(s, i ? "DataDigest" : "HeaderDigest");
		if (v && !strcmp(v, "CRC32C") != wanted)
			return raw_complain(i ? "DataDigest" : "HeaderDigest", -EPROTO);
		if (i)
			s->data_digest = wanted;
		else
			s->header_digest = wanted;
	}
	return 0;
}

static int log_in(struct session *s, const struct options *opt, unsigned index)
{
	char target[224], text[1024];
	int r = dial(s, opt->url, target);

	if (r < 0)
		return r;
	s->segment_bytes = 8192; /* RFC 7143 13.12 */
	s->first_burst = 65536;
	int n = snprintf(text, sizeof(text), "InitiatorName=%s%cTargetName=%s%cSessionType=Normal%c"
		"HeaderDigest=%s%cDataDigest=%s%cMaxRecvDataSegmentLength=%u%cMaxBurstLength=%u%cFirstBurstLength=65536%c"
		"InitialR2T=Yes%cImmediateData=Yes%cMaxOutstandingR2T=1%cErrorRecoveryLevel=0%c", opt->initiator, 0, target, 0, 0,
		opt->digests == DIGESTS_NONE ? "None" : "CRC32C", 0, opt->digests == DIGESTS_BOTH ? "CRC32C" : "None", 0,
		SEGMENT_MAX, 0, BURST_MAX, 0, 0, 0, 0, 0, 0);
	for (unsigned turn = 0; turn < 5; turn++) {
		uint8_t head[BHS] = { 0x43, 0x87, [8] = 0x80 };
		be32_put(head + 9, (uint32_t)getpid() << 10 | index);
		be32_put(head + 24, s->cmd_sn = 1);
		be32_put(head + 28, s->exp_stat_sn);
		r = raw_exchange(s, head, text, turn ? 0 : (size_t)n);
		if (!r)
			r = take_answers(s, opt);
		if (r < 0 || s->head[1] == 0x87)
			return r;
	}
	return raw_complain("login", -EPROTO);
}

static int read_capacity(struct session *s, struct capacity *ret)
{
	uint8_t cdb[16] = { 0x9e, 0x10, [13] = 32 }, data[32];
	int r = 0;

	for (unsigned i = 0; i < 3; i++) { /* the first one tells of the power on */
		r = raw_read(s, cdb, data, sizeof(data));
		if (r < 0 || !s->answer)
			break;
	}
	if (r < 0 || s->answer)
		return raw_complain("READ CAPACITY(16)", r < 0 ? r : -EIO);
	*ret = (struct capacity){ be64_get(data) + 1, be32_get(data + 8) };
	return 0;
}

int raw_login(struct session *s, const struct options *opt, unsigned index, struct capacity *ret)
{
	int r = log_in(s, opt, index);

	return r < 0 ? r : read_capacity(s, ret);
}
