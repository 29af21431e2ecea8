/* SPDX-License-Identifier: MIT */
/* A file with CHAP secrets: see up_secret.h. */
#include "passthrough/up_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define FILE_MAX 4096u
#define BLANKS	 " \t\r"

static int bad(struct spt_error *error, const char *path, const char *what)
{
	return spt_error_set(error, -EINVAL,
		"chap-file: %.200s: %s; it is one line: NAME SECRET [mutual NAME SECRET]", path,
		what);
}

enum word { WORD_END, WORD_BARE, WORD_QUOTED, WORD_BAD };

/* The next word of the line at *@text into @to of UP_SECRET_MAX + 1. */
static enum word next_word(const char **text, char *to)
{
	const char *p = *text + strspn(*text, BLANKS);
	bool quoted = *p == '"';
	size_t n;

	if (!*p || *p == '\n')
		return WORD_END;
	p += quoted;
	n = quoted ? strcspn(p, "\"\n") : strcspn(p, BLANKS "\n");
	if (!n || n > UP_SECRET_MAX || (quoted && p[n] != '"'))
		return WORD_BAD;
	memcpy(to, p, n);
	to[n] = '\0';
	p += n + quoted;
	if (*p && !strchr(BLANKS "\n", *p))
		return WORD_BAD;
	*text = p;
	return quoted ? WORD_QUOTED : WORD_BARE;
}

/* The first line that says anything; NULL: none does. */
static const char *first_line(const char *text)
{
	while (*text) {
		const char *p = text + strspn(text, BLANKS);
		if (*p && *p != '\n' && *p != '#')
			return p;
		text = p + strcspn(p, "\n");
		text += *text == '\n';
	}
	return NULL;
}

static bool parse_pair(const char **line, char *user, char *password)
{
	enum word name = next_word(line, user);
	enum word secret = next_word(line, password);

	return (name == WORD_BARE || name == WORD_QUOTED) &&
		(secret == WORD_BARE || secret == WORD_QUOTED);
}

int up_secret_parse(const char *path, const char *text, struct up_secret *ret,
	struct spt_error *error)
{
	struct up_secret s = { .user = "" };
	char word[UP_SECRET_MAX + 1];
	const char *line = first_line(text);

	if (!line)
		return bad(error, path, "it says nothing");
	if (!parse_pair(&line, s.user, s.password))
		return bad(error, path, "a name or a secret is missing or longer than 255 bytes");
	enum word more = next_word(&line, word);
	if (more != WORD_END &&
		(more != WORD_BARE || strcmp(word, "mutual") ||
			!parse_pair(&line, s.mutual_user, s.mutual_password) ||
			next_word(&line, word) != WORD_END))
		return bad(error, path, "what follows the secret is not 'mutual NAME SECRET'");
	if (*line && first_line(line))
		return bad(error, path, "there is a line too many");
	/* RFC 7143 9.2.1: else a peer could have us answer its own question. */
	if (s.mutual_user[0] && !strcmp(s.password, s.mutual_password))
		return bad(error, path, "the secret is the same in both directions");
	*ret = s;
	explicit_bzero(&s, sizeof(s));
	return 0;
}

/* NULL, or what is wrong. */
static const char *judge(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to somebody else than root or the user of this program";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "is open to its group or to others: its mode must be 0600 or less";
	if (st->st_size > (off_t)FILE_MAX)
		return "is too large";
	return NULL;
}

int up_secret_load(const char *path, struct up_secret *ret, struct spt_error *error)
{
	char text[FILE_MAX + 1];
	struct stat st;
	/* without waiting for a writer, should it be a FIFO */
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return spt_error_set(error, -errno, "chap-file: %.200s cannot be read: %s", path,
			strerror(errno));
	const char *wrong = judge(&st);
	if (wrong)
		return spt_error_set(error, -EPERM, "chap-file: %.200s %s", path, wrong);
	ssize_t n = read(fd, text, FILE_MAX);
	if (n < 0)
		return spt_error_set(error, -errno, "chap-file: %.200s cannot be read: %s", path,
			strerror(errno));
	text[n] = '\0';
	int r = strlen(text) == (size_t)n ? up_secret_parse(path, text, ret, error) :
					    bad(error, path, "it holds a zero byte");
	explicit_bzero(text, sizeof(text));
	return r;
}
