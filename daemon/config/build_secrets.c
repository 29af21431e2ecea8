/* SPDX-License-Identifier: MIT */
/*
 * The secrets files of a configuration: each is read once, and then all are held against each
 * other, because one secret in two places lets one party play another (RFC 7143 9.2.1).
 */
#include <errno.h>
#include <string.h>

#include "config/build.h"
#include "config/grow.h"

static const struct secrets *find(const struct config *c, const char *path)
{
	for (size_t i = 0; i < c->n_secrets; i++) {
		if (!strcmp(c->secrets[i]->path, path))
			return c->secrets[i];
	}
	return NULL;
}

static int load(struct build *b, struct config_auth *auth, unsigned line)
{
	struct config *c = b->config;
	struct secrets *secrets;
	int r;

	auth->secrets = find(c, auth->chap_file);
	if (auth->secrets)
		return 0;
	struct secrets **place = GROW(c->secrets, c->n_secrets);
	if (!place)
		return -ENOMEM;
	r = secrets_load(auth->chap_file, line, b->errors, &secrets);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* told */
	c->n_secrets++;
	auth->secrets = *place = secrets;
	return 0;
}

/* @prefix: of the keys, "" or "discovery-". */
static int build_auth(struct build *b, const struct ini_section *section, struct config_auth *auth,
	const char *prefix)
{
	char name[32];

	snprintf(name, sizeof(name), "%schap-file", prefix);
	unsigned line = build_line(section, name);
	if (auth->chap && auth->chap_file)
		return load(b, auth, line);
	if (auth->chap)
		config_error_add(b->errors, line, "[%s] demands CHAP and has no %s", section->name,
			name);
	else if (auth->chap_file)
		config_warning_add(b->errors, line, "[%s]: %s is not used without %sauth = chap",
			section->name, name, prefix);
	return 0;
}

static bool equal(const struct secret *a, const struct secret *b)
{
	return a->bytes && a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes);
}

/* RFC 7143 9.2.1: no secret is used both ways, and none by two users. */
static void compare(struct build *b, const struct secrets *sa, const struct secrets_user *ua,
	const struct secrets *sb, const struct secrets_user *ub)
{
	if (equal(&ua->secret, &ub->mutual) || equal(&ua->mutual, &ub->secret))
		config_error_add(b->errors, 0, "%.100s:%u and %.100s:%u: one secret is used both "
			"ways: whoever asks us could answer us", sa->path, ua->line, sb->path,
			ub->line);
	else if (ua != ub && strcmp(ua->name, ub->name) && equal(&ua->secret, &ub->secret))
		config_warning_add(b->errors, 0, "%.100s:%u and %.100s:%u: two users have one "
			"secret: each can play the other", sa->path, ua->line, sb->path, ub->line);
}

static void compare_all(struct build *b)
{
	const struct config *c = b->config;

	for (size_t i = 0; i < c->n_secrets; i++) {
		for (size_t k = 0; k <= i; k++) {
			const struct secrets *sa = c->secrets[i], *sb = c->secrets[k];

			for (size_t m = 0; m < sa->n_users; m++) {
				for (size_t n = 0; n < (i == k ? m + 1 : sb->n_users); n++)
					compare(b, sb, &sb->users[n], sa, &sa->users[m]);
			}
		}
	}
}

static bool shares(const struct secrets_user *a, const struct secrets_user *b)
{
	return equal(&a->secret, &b->secret) || equal(&a->secret, &b->mutual) ||
		equal(&a->mutual, &b->secret) || equal(&a->mutual, &b->mutual);
}

static void compare_upstream(struct build *b, const struct secrets *up, unsigned line)
{
	const struct config *c = b->config;

	for (size_t i = 0; i < c->n_secrets; i++) {
		for (size_t k = 0; k < c->secrets[i]->n_users; k++) {
			const struct secrets_user *u = &c->secrets[i]->users[k];

			for (size_t m = 0; m < up->n_users; m++) {
				if (shares(&up->users[m], u))
					config_error_add(b->errors, line, "%.100s:%u and %.100s:%u: we are initiator "
						"with one and target with the other: that takes two secrets", up->path,
						up->users[m].line, c->secrets[i]->path, u->line);
			}
		}
	}
}

/*
 * RFC 7143 9.2.1: an implementation that is both has other secrets as an initiator than as a target. What is wrong
 * with the file of a device is told when that is opened.
 */
static int judge_upstream(struct build *b, const struct ini_section *section)
{
	const struct ini_key *key = build_find(section, "chap-file");
	AUTO_FREE struct config_errors *unheard = key ? calloc(1, sizeof(*unheard)) : NULL;
	struct secrets *up;

	if (!key || !unheard)
		return key ? -ENOMEM : 0;
	config_errors_init(unheard, key->value);
	int r = secrets_load(key->value, key->line, unheard, &up);
	if (r)
		return r == -ENOMEM ? r : 0;
	compare_upstream(b, up, key->line);
	secrets_free(up);
	return 0;
}

static int judge_upstreams(struct build *b)
{
	int r = 0;

	for (size_t i = 0; i < b->ini->n_sections && !r; i++) {
		const struct ini_section *section = &b->ini->sections[i];

		if (b->config->n_secrets && !strncmp(section->name, "device-", 7))
			r = judge_upstream(b, section);
	}
	return r;
}

int build_secrets(struct build *b)
{
	struct config *c = b->config;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < b->ini->n_sections && !r; i++) {
		const struct ini_section *section = &b->ini->sections[i];

		if (!strcmp(section->name, "daemon"))
			r = build_auth(b, section, &c->daemon.discovery_auth, "discovery-");
		else if (!strncmp(section->name, "target-", 7) && section->name[7])
			r = build_auth(b, section, &c->targets[n++].auth, "");
	}
	if (r)
		return r;
	compare_all(b);
	return judge_upstreams(b);
}
