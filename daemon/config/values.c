/* SPDX-License-Identifier: MIT */
/* Names, digests and other values of the schema: see values.h. */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "log/log.h"
#include "wire/names.h"

/* RFC 4171 6.2.1: with its NUL, 4 to 256 bytes. */
#define ENTITY_IDENTIFIER_MIN 3u
#define ENTITY_IDENTIFIER_MAX 255u

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

int value_auto_size(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	struct spt_option_value v = { .number = 0 };

	if (strcmp(text, "auto")) {
		int r = spt_option_parse(&key->option, text, &v, error);
		if (r < 0)
			return r;
	}
	*(uint64_t *)field = v.number;
	return 0;
}

int value_auto(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	uint64_t number;
	int r = value_auto_size(key, text, &number, error);

	if (!r)
		*(uint32_t *)field = (uint32_t)number;
	return r;
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

int value_entity_identifier(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error)
{
	static const char OF_SERVERS[] = "isns:";
	char normal[ENTITY_IDENTIFIER_MAX + 1];
	size_t n = 0;

	for (; text[n] && n < ENTITY_IDENTIFIER_MAX; n++) {
		if (!isalnum((unsigned char)text[n]) && !strchr(".-_:", text[n]))
			break;
		normal[n] = (char)tolower((unsigned char)text[n]);
	}
	normal[n] = 0;
	if (text[n] || n < ENTITY_IDENTIFIER_MIN)
		return spt_error_set(error, -EINVAL,
			"%s: '%.200s' is not an Entity Identifier: %u to %u letters, digits and . - _ :",
			key->option.name, text, ENTITY_IDENTIFIER_MIN, ENTITY_IDENTIFIER_MAX);
	if (!strncmp(normal, OF_SERVERS, strlen(OF_SERVERS)))
		return spt_error_set(error, -EINVAL, "%s: '%.200s': names that begin with %s are the server's to give",
			key->option.name, text, OF_SERVERS);
	return replace_text(field, normal);
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
