/* SPDX-License-Identifier: MIT */
/* Text segments, read and written: see keys.h. */
#include "wire/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

static const char *const ERRORS[] = {
	[KEY_END] = "no error",
	[KEY_E_NO_EQUALS] = "a pair without '='",
	[KEY_E_NO_NUL] = "a pair without its NUL",
	[KEY_E_NAME_EMPTY] = "an empty key",
	[KEY_E_NAME_LONG] = "a key over 63 bytes",
	[KEY_E_NAME_CHAR] = "a key with an illegal character",
	[KEY_E_VALUE_LONG] = "a value over 8192 bytes",
	[KEY_E_VALUE_CHAR] = "a value with a control character",
};

const char *key_error_text(enum key_error error)
{
	return (size_t)error < ARRAY_SIZE(ERRORS) ? ERRORS[error] : "unknown error";
}

struct key_reader key_reader_init(const void *text, size_t bytes)
{
	const char *p = text;

	return (struct key_reader){ .pos = p, .end = bytes ? p + bytes : p };
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * RFC 7143 6.1, standard-label: letters, digits, . - + @ _ and a capital letter first. But the RFC
 * itself has iSCSIProtocolLevel and X#NodeArchitecture, so any letter may be first, and # may be.
 */
static enum key_error judge_name(const char *name, size_t bytes)
{
	if (!bytes)
		return KEY_E_NAME_EMPTY;
	if (bytes > KEY_NAME_MAX)
		return KEY_E_NAME_LONG;
	if (!is_alnum(name[0]) || name[0] <= '9')
		return KEY_E_NAME_CHAR;
	for (size_t i = 0; i < bytes; i++) {
		if (!is_alnum(name[i]) && (!name[i] || !strchr(".-+@_#", name[i])))
			return KEY_E_NAME_CHAR;
	}
	return KEY_END;
}

/* RFC 7143 6.1: values are text, in UTF-8 where they are names; none has control characters. */
static enum key_error judge_value(const char *value, size_t bytes)
{
	if (bytes > KEY_VALUE_LONG_MAX)
		return KEY_E_VALUE_LONG;
	for (size_t i = 0; i < bytes; i++) {
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return KEY_E_VALUE_CHAR;
	}
	return KEY_END;
}

static enum key_error judge_pair(const char *text, size_t bytes, struct key_pair *ret)
{
	const char *equals = memchr(text, '=', bytes);

	if (!equals)
		return KEY_E_NO_EQUALS;
	*ret = (struct key_pair){
		.name = text,
		.name_bytes = (size_t)(equals - text),
		.value = equals + 1,
		.value_bytes = bytes - (size_t)(equals + 1 - text),
	};
	enum key_error error = judge_name(ret->name, ret->name_bytes);
	return error ? error : judge_value(ret->value, ret->value_bytes);
}

bool key_next(struct key_reader *reader, struct key_pair *ret)
{
	struct key_pair pair;

	/* RFC 7143 6.1: every pair is followed by at least one NUL */
	while (reader->pos < reader->end && !*reader->pos)
		reader->pos++;
	if (reader->error || reader->pos == reader->end)
		return false;
	const char *nul = memchr(reader->pos, 0, (size_t)(reader->end - reader->pos));
	if (!nul) {
		reader->error = KEY_E_NO_NUL;
		return false;
	}
	reader->error = judge_pair(reader->pos, (size_t)(nul - reader->pos), &pair);
	if (reader->error)
		return false;
	reader->pos = nul + 1;
	*ret = pair;
	return true;
}

bool key_is(const struct key_pair *pair, const char *name)
{
	return strlen(name) == pair->name_bytes && !memcmp(name, pair->name, pair->name_bytes);
}

bool key_is_answer(const struct key_pair *pair)
{
	static const char *const ANSWERS[] = { "Reject", "Irrelevant", "NotUnderstood" };

	for (size_t i = 0; i < ARRAY_SIZE(ANSWERS); i++) {
		if (strlen(ANSWERS[i]) == pair->value_bytes &&
			!memcmp(ANSWERS[i], pair->value, pair->value_bytes))
			return true;
	}
	return false;
}

struct key_list key_list_init(const char *value, size_t bytes)
{
	return (struct key_list){ .pos = value, .end = value + bytes };
}

bool key_list_next(struct key_list *list, const char **ret_value, size_t *ret_bytes)
{
	if (list->done)
		return false;
	const char *comma = memchr(list->pos, ',', (size_t)(list->end - list->pos));
	const char *stop = comma ? comma : list->end;

	*ret_value = list->pos;
	*ret_bytes = (size_t)(stop - list->pos);
	list->done = !comma;
	list->pos = comma ? comma + 1 : stop;
	return true;
}

int key_number(const char *value, size_t bytes, uint64_t *ret)
{
	char text[32]; /* 20 digits, or 0x and 16, and some leading zeros */

	if (bytes >= sizeof(text) || memchr(value, 0, bytes))
		return -EINVAL;
	memcpy(text, value, bytes);
	text[bytes] = 0;
	return parse_u64(text, ret);
}

struct key_writer key_writer_init(void *buffer, size_t bytes)
{
	char *p = buffer;

	return (struct key_writer){ .start = p, .pos = p, .end = p + bytes };
}

void key_put_n(struct key_writer *w, const char *name, size_t name_bytes, const char *value,
	size_t value_bytes)
{
	size_t room = (size_t)(w->end - w->pos);

	/* one '=' and one NUL beside the two; compared without a sum that could wrap */
	if (w->err || room < 2 || room - 2 < name_bytes || room - 2 - name_bytes < value_bytes) {
		w->err = -EMSGSIZE;
		return;
	}
	memcpy(w->pos, name, name_bytes);
	w->pos += name_bytes;
	*w->pos++ = '=';
	memcpy(w->pos, value, value_bytes);
	w->pos += value_bytes;
	*w->pos++ = 0;
}

void key_put(struct key_writer *w, const char *name, const char *value)
{
	key_put_n(w, name, strlen(name), value, strlen(value));
}

void key_put_number(struct key_writer *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	key_put(w, name, text);
}
