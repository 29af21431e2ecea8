/* SPDX-License-Identifier: MIT */
/* The making of a configuration: what the files that build it share, and nobody else sees. */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "config/config.h"
#include "config/ini.h"
#include "config/schema.h"

struct build {
	struct config_errors *errors;
	const struct ini *ini;
	struct config *config;
	/* The file itself is faulty: what seems to be missing may only be misspelt. */
	bool partial;
};

/* All of these: 0 or -ENOMEM; faults go to the list. */

/*
 * The keys of @section that are rows of @kind and have a field go to @fields, after the defaults.
 */
int build_fields(struct build *b, enum schema_section kind, const struct ini_section *section,
	void *fields);
int build_device(struct build *b, const struct ini_section *section, struct config_device *device);
/* Portals, LUNs and initiators of a target; every section has been seen before. */
int build_target(struct build *b, const struct ini_section *section, struct config_target *target);
/* build_lun.c: its LUNs, and then what is told of single ones. */
int build_luns(struct build *b, const struct ini_section *section, struct config_target *t);
int build_lun_details(struct build *b, const struct ini_section *section, struct config_target *t);
/* The names and patterns of @key, added to a list. */
int build_initiators(struct build *b, char ***names, size_t *n, const struct ini_key *key);
/* The prefixes of @key, likewise. */
int build_addresses(struct build *b, struct prefixes *to, const struct ini_key *key);

/* Reads the secrets files that the sections name, each once. */
int build_secrets(struct build *b);

/* Looks at the configuration as a whole. */
void build_check(struct build *b);

/* Which kind of section @name is, and where its own name begins; -ENOENT: none. */
int build_classify(const char *name, enum schema_section *ret_kind, const char **ret_own);
const struct ini_key *build_find(const struct ini_section *section, const char *name);
/* The line of key @name, or of the section when the key is not there. */
unsigned build_line(const struct ini_section *section, const char *name);
/* There is no [@kind-@name]. */
struct suggest;
void build_dangling(struct build *b, unsigned line, const char *kind, const char *name,
	const struct suggest *suggest);
/* In place: references are lower case, as sections are. */
void build_fold(char *word);
/* N of "name.N"; false when it is something else. */
bool build_number(const struct ini_key *key, uint64_t max, uint64_t *ret);

#endif
