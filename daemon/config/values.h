/* SPDX-License-Identifier: MIT */
/* Values that are more than a string, number or switch: the parse column of the schema's rows. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "config/schema.h"

struct config_texts;

/* Each: 0, -EINVAL or -ERANGE with @error told, -ENOMEM. @field is replaced only on success. */

/* "auto" is 0 in a uint32_t, otherwise a number. */
int value_auto(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* The same of a size in a uint64_t. */
int value_auto_size(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* "none" is NULL in a char *, otherwise a string. */
int value_or_none(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
int value_log_level(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* A comma list of addresses into a struct config_addresses: to listen on; to be told to initiators;
 * of iSNS servers. */
int value_listens(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
int value_advertise(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
int value_isns(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* A comma list of places where a target is now (RFC 7143 13.8) into a struct config_texts. */
int value_redirects(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
void value_texts_free(struct config_texts *texts);
/* RFC 4171 6.2.1: an Entity Identifier, in small letters (which is nameprep for ASCII), into a char *. */
int value_entity_identifier(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* An iSCSI name in normal form into a char *. */
int value_iscsi_name(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* A set of task reporting semantics; RFC3720 is one of them. Field: uint8_t, CONFIG_REPORTING_*. */
int value_task_reporting(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* A comma list of digests into a struct config_digests. */
int value_digests(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);

/* none or chap into a bool. */
int value_auth(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);
/* A comma list of CHAP algorithms into a struct config_algorithms. */
int value_algorithms(const struct schema_key *key, const char *text, void *field,
	struct spt_error *error);

/*
 * The next piece of a comma list without the blanks around it: copies it to @word and moves *@list
 * on. False at the end. A piece that is too long for @word is cut to "..." at its end.
 */
bool value_next_word(const char **list, char *word, size_t bytes);

#endif
