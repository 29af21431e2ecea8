/* SPDX-License-Identifier: MIT */
/*
 * The text of a secrets file: one user a line,
 *
 *   NAME SECRET [mutual NAME SECRET] [from PATTERN...]
 *
 * in words between blanks. A word in double quotes may hold blanks; a secret without quotes that
 * begins with 0x or 0b is binary (RFC 7143 6.1). # begins a comment at the begin of a line.
 */
#include "config/secrets.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/grow.h"
#include "wire/binary.h"
#include "wire/names.h"

#define WORDS_MAX 64u

struct word {
	const char *text; /* in the file's text, not terminated */
	size_t bytes;
	bool quoted;
};

struct reader {
	const char *path;
	struct config_errors *errors;
	unsigned config_line, line;
	struct word words[WORDS_MAX];
	size_t n;
	struct secrets *secrets;
};

static void secret_deinit(struct secret *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->bytes);
	free(secret->data);
}

void secrets_free(struct secrets *secrets)
{
	if (!secrets)
		return;
	for (size_t i = 0; i < secrets->n_users; i++) {
		struct secrets_user *u = &secrets->users[i];

		secret_deinit(&u->secret);
		secret_deinit(&u->mutual);
		for (size_t k = 0; k < u->n_initiators; k++)
			free(u->initiators[k]);
		free(u->initiators);
		free(u->mutual_name);
		free(u->name);
	}
	free(secrets->users);
	free(secrets->path);
	free(secrets);
}

/* @what and, but for faults of a secret, a word that may be shown. */
static int fault(struct reader *r, const char *what)
{
	config_error_add(r->errors, r->config_line, "%.100s:%u: %s", r->path, r->line, what);
	return -EINVAL;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int next_word(struct reader *r, const char **pos, const char *end)
{
	struct word *w = &r->words[r->n];
	const char *p = *pos;

	if (r->n == WORDS_MAX)
		return fault(r, "too many words");
	w->quoted = *p == '"';
	w->text = p += w->quoted;
	while (p < end && (w->quoted ? *p != '"' : !blank(*p)))
		p++;
	w->bytes = (size_t)(p - w->text);
	if (w->quoted && (p == end || (p + 1 < end && !blank(p[1]))))
		return fault(r, "a word in quotes that is not ended");
	if (memchr(w->text, 0, w->bytes))
		return fault(r, "a NUL");
	*pos = p + w->quoted;
	r->n++;
	return 0;
}

static int split(struct reader *r, const char *text, size_t bytes)
{
	const char *pos = text, *end = text + bytes;
	int result = 0;

	r->n = 0;
	if (bytes > SECRETS_LINE_MAX)
		return fault(r, "the line is too long");
	while (!result) {
		while (pos < end && blank(*pos))
			pos++;
		if (pos == end || (!r->n && *pos == '#'))
			break;
		result = next_word(r, &pos, end);
	}
	return result;
}

static bool is_word(const struct word *w, const char *text)
{
	return !w->quoted && w->bytes == strlen(text) && !memcmp(w->text, text, w->bytes);
}

static int take_name(struct reader *r, const struct word *w, char **ret)
{
	if (!w->bytes || w->bytes > 255)
		return fault(r, "the name of a user has 1 to 255 bytes");
	for (size_t i = 0; i < w->bytes; i++) {
		if ((unsigned char)w->text[i] < 0x20 || w->text[i] == 0x7f)
			return fault(r, "a control character in the name of a user");
	}
	*ret = strndup(w->text, w->bytes);
	return *ret ? 0 : -ENOMEM;
}

static bool binary(const struct word *w)
{
	return !w->quoted && w->bytes >= 2 && w->text[0] == '0' && strchr("xXbB", w->text[1]);
}

static int take_secret(struct reader *r, const struct word *w, struct secret *ret)
{
	enum binary_form form;

	ret->data = malloc(SECRET_BYTES_MAX);
	if (!ret->data)
		return -ENOMEM;
	if (binary(w)) {
		/* by RFC 7143 6.1 a value, but here rather a digit that was forgotten */
		if ((w->text[1] | 0x20) == 'x' && w->bytes % 2)
			return fault(r, "a binary secret with an odd number of hexadecimal digits");
		if (binary_decode(w->text, w->bytes, ret->data, SECRET_BYTES_MAX, &ret->bytes,
			    &form))
			return fault(r, "a binary secret that is none, or has over 255 bytes");
	} else {
		if (w->bytes > SECRET_BYTES_MAX)
			return fault(r, "a secret has at most 255 bytes");
		memcpy(ret->data, w->text, w->bytes);
		ret->bytes = w->bytes;
	}
	if (!ret->bytes)
		return fault(r, "an empty secret");
	if (ret->bytes < SECRET_BYTES_SAFE)
		config_warning_add(r->errors, r->config_line,
			"%.100s:%u: a secret of less than 96 bits (12 bytes) can be guessed",
			r->path, r->line);
	return 0;
}

static int take_pattern(struct reader *r, const struct word *w, struct secrets_user *u)
{
	char *copy = strndup(w->text, w->bytes);
	char **place = copy ? GROW(u->initiators, u->n_initiators) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	u->n_initiators++;
	*place = copy;
	if (!name_pattern_valid(copy))
		return fault(r, "after 'from' stand iSCSI names and patterns of them");
	for (; *copy; copy++) {
		if (*copy >= 'A' && *copy <= 'Z')
			*copy = (char)(*copy - 'A' + 'a');
	}
	return 0;
}

static int take_rest(struct reader *r, struct secrets_user *u)
{
	size_t i = 2;
	int result = 0;

	if (i < r->n && is_word(&r->words[i], "mutual")) {
		if (r->n < i + 3)
			return fault(r, "'mutual' is followed by a name and a secret");
		result = take_name(r, &r->words[i + 1], &u->mutual_name);
		if (!result)
			result = take_secret(r, &r->words[i + 2], &u->mutual);
		i += 3;
	}
	if (result || i == r->n)
		return result;
	if (!is_word(&r->words[i], "from") || ++i == r->n)
		return fault(r, "a line is NAME SECRET [mutual NAME SECRET] [from PATTERN...]");
	for (; i < r->n && !result; i++)
		result = take_pattern(r, &r->words[i], u);
	return result;
}

static int take_user(struct reader *r)
{
	struct secrets *s = r->secrets;

	if (r->n < 2)
		return fault(r, "a line is NAME SECRET [mutual NAME SECRET] [from PATTERN...]");
	if (s->n_users == SECRETS_USERS_MAX)
		return fault(r, "too many users");
	struct secrets_user *u = GROW(s->users, s->n_users);
	if (!u)
		return -ENOMEM;
	s->n_users++;
	u->line = r->line;
	int result = take_name(r, &r->words[0], &u->name);
	if (!result)
		result = take_secret(r, &r->words[1], &u->secret);
	if (!result)
		result = take_rest(r, u);
	for (size_t i = 0; i + 1 < s->n_users && !result; i++) {
		/* one with a fault may have no name */
		if (s->users[i].name && !strcmp(s->users[i].name, u->name))
			result = fault(r, "this user has a line already");
	}
	return result;
}

static int take_lines(struct reader *r, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	int result = 0;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		r->line++;
		int one = split(r, text, (size_t)(stop - text));
		if (!one && r->n)
			one = take_user(r);
		if (one == -ENOMEM)
			return one;
		result = one ? one : result;
		text = stop + 1;
	}
	if (!result && !r->secrets->n_users)
		config_warning_add(r->errors, r->config_line, "%.100s has no users: nobody can log "
			"in", r->path);
	return result;
}

int secrets_parse(const char *path, const char *text, size_t bytes, unsigned line,
	struct config_errors *errors, struct secrets **ret)
{
	struct reader reader = { .path = path, .errors = errors, .config_line = line };
	int r;

	reader.secrets = calloc(1, sizeof(*reader.secrets));
	if (!reader.secrets)
		return -ENOMEM;
	reader.secrets->path = strdup(path);
	r = reader.secrets->path ? take_lines(&reader, text, bytes) : -ENOMEM;
	if (r < 0)
		secrets_free(reader.secrets);
	else
		*ret = reader.secrets;
	return r;
}
