/* SPDX-License-Identifier: MIT */
/* What an upstream target says at login: see up_terms.h. */
#include "passthrough/up_terms.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

#define HEX "0123456789abcdefABCDEF"

/* RFC 7143 13.12 to 13.14: 512 to 2**24 - 1. The library loops for ever with a length of zero. */
static const char *check_length(struct up_terms *t, const char *value)
{
	uint64_t n;

	return parse_u64_range(value, 512, 16777215, &n) < 0 ?
		"the target negotiates a length outside 512 to 16777215" :
		NULL;
}

static const char *check_header_digest(struct up_terms *t, const char *value)
{
	t->digest_agreed = !strcmp(value, "CRC32C");
	return NULL;
}

/* The library reads pairs of digits, and past the end of an odd number of them. */
static const char *check_challenge(struct up_terms *t, const char *value)
{
	size_t n = strlen(value);

	return n <= 2 || n % 2 || strspn(value + 2, HEX) != n - 2 ?
		"the target's CHAP challenge is not of whole hexadecimal bytes" :
		NULL;
}

/*
 * It is right, or the library would not have told it; but it compares with zeros as long as it has
 * not asked, so zeros prove nothing.
 */
static const char *check_response(struct up_terms *t, const char *value)
{
	size_t n = strlen(value);

	t->proven = n > 2 && strspn(value + 2, HEX) == n - 2 && strspn(value + 2, "0") < n - 2;
	return NULL;
}

static const struct {
	const char *key;
	const char *(*check)(struct up_terms *t, const char *value);
} CHECKS[] = {
	{ "MaxRecvDataSegmentLength=", check_length },
	{ "MaxBurstLength=", check_length },
	{ "FirstBurstLength=", check_length },
	{ "HeaderDigest=", check_header_digest },
	{ "CHAP_C=", check_challenge },
	{ "CHAP_R=", check_response },
};

const char *up_terms_line(struct up_terms *t, const char *line)
{
	static const char prefix[] = "TargetLoginReply: ";
	char value[1024];

	if (strncmp(line, prefix, strlen(prefix)))
		return NULL;
	line += strlen(prefix);
	for (size_t i = 0; i < ARRAY_SIZE(CHECKS); i++) {
		if (strncmp(line, CHECKS[i].key, strlen(CHECKS[i].key)))
			continue;
		snprintf(value, sizeof(value), "%s", line + strlen(CHECKS[i].key));
		value[strcspn(value, " ")] = '\0';
		return CHECKS[i].check(t, value);
	}
	return NULL;
}

const char *up_terms_end(const struct up_terms *t)
{
	if (t->proof_wanted && !t->proven)
		return "the target did not prove by CHAP who it is";
	if (t->digest_wanted && !t->digest_agreed)
		return "the target does not do header digests";
	return NULL;
}

bool up_terms_refused(const char *error)
{
	/* RFC 7143 11.13.5: what stays as it is when one asks again. */
	static const uint16_t refusals[] = {
		0x0200, /* initiator error */
		0x0201, /* authentication failure */
		0x0202, /* authorization failure */
		0x0205, /* unsupported version */
		0x0207, /* missing parameter */
		0x0209, /* session type not supported */
	};
	/* "Failed to log in to target. Status: Authentication failure(513)" */
	const char *status = strrchr(error, '(');

	if (!strstr(error, "Status: ") || !status)
		return strstr(error, "CHAP") != NULL;
	unsigned long n = strtoul(status + 1, NULL, 10);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i] == n)
			return true;
	}
	return false;
}
