/* SPDX-License-Identifier: MIT */
/*
 * Every configuration key as one row: the parser's checks, the defaults, the manual, the sample
 * and the help come from it. The keys of a device that belong to its backend are rows of the
 * backend's own table (spt_backend_options()).
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <spt/error.h>
#include <spt/option.h>

enum schema_section {
	SCHEMA_DAEMON,
	SCHEMA_PORTAL,
	SCHEMA_DEVICE,
	SCHEMA_TARGET,
	SCHEMA_SECTIONS,
};

/* What a change of the key costs when the configuration is read again. */
enum schema_reload {
	SCHEMA_LIVE,        /* takes effect at once */
	SCHEMA_NEW_LOGINS,  /* sessions that exist keep what they have */
	SCHEMA_NEGOTIATED,  /* likewise, but their initiators are asked to negotiate it */
	SCHEMA_REOPEN,      /* the object is closed and opened again; its sessions end */
	SCHEMA_RESTART,     /* the daemon must be restarted */
};

struct schema_key {
	struct spt_option option;
	enum schema_reload reload;
	/*
	 * The key may be given as "name.N" (numbered), N from 0 on; the row's name is without it. A row whose name
	 * has ".N." in it is of a numbered key's details: "lun.N.serial".
	 */
	bool numbered;
	/*
	 * NULL: spt_option_parse() and a field as the option's type says. Otherwise judges and
	 * stores.
	 */
	int (*parse)(const struct schema_key *key, const char *text, void *field,
		struct spt_error *error);
	size_t offset, bytes; /* of the field in its structure; bytes 0: stored elsewhere */
	const char *form;     /* what the value looks like; NULL: told by the type */
	const char *sample;   /* what the sample shows instead of the default; NULL: the default */
};

struct schema_section_info {
	const char *name;   /* "daemon", or what stands before the dash: "portal" */
	bool named;         /* [portal-NAME] */
	const char *title;
	const char *help;
	const struct schema_key *keys;
	size_t n_keys;
};

const struct schema_section_info *schema_section(enum schema_section section);
/* The row of @name in @section, numbered or not, or NULL. */
const struct schema_key *schema_find(enum schema_section section, const char *name);

/* "for new logins"; never NULL. */
const char *schema_reload_text(enum schema_reload reload);
/* Fills @fields, a zeroed structure of the section, with the defaults. 0 or -ENOMEM. */
int schema_defaults(enum schema_section section, void *fields);
/* Parses @text into its field of @fields. 0, -EINVAL or -ERANGE with @error told, -ENOMEM. */
int schema_set(const struct schema_key *key, const char *text, void *fields,
	struct spt_error *error);

#endif
