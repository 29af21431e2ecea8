/* SPDX-License-Identifier: MIT */
/* Secrets files: whatever is in one, it is understood whole or refused with a line. */
#include <string.h>

#include "fuzz.h"

#include "base/util.h"
#include "config/secrets.h"
#include "wire/names.h"

static void check_user(const struct secrets_user *u)
{
	CHECK(u->name && strlen(u->name) >= 1 && strlen(u->name) <= 255);
	CHECK(u->secret.bytes >= 1 && u->secret.bytes <= SECRET_BYTES_MAX);
	CHECK(!u->mutual_name == !u->mutual.data);
	CHECK(!u->mutual_name || u->mutual.bytes);
	for (size_t i = 0; i < u->n_initiators; i++)
		CHECK(name_pattern_valid(u->initiators[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_errors errors;
	struct secrets *secrets = NULL;

	config_errors_init(&errors, "fuzz");
	int r = secrets_parse("f", (const char *)data, size, 7, &errors, &secrets);
	CHECK((r == 0) == (secrets != NULL) && (r == 0) == (errors.n_fatal == 0));
	for (size_t i = 0; secrets && i < secrets->n_users; i++) {
		check_user(&secrets->users[i]);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(secrets->users[k].name, secrets->users[i].name));
	}
	secrets_free(secrets);
	return 0;
}
