/* SPDX-License-Identifier: MIT */
/* Run while building: writes the parts of the documentation that are made of the schema. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "config/help.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(FILE *to);
	} FORMS[] = {
		{ "text", config_help_print },
		{ "roff", config_help_roff },
		{ "sample", config_help_sample },
	};

	for (size_t i = 0; i < ARRAY_SIZE(FORMS) && argc == 2; i++) {
		if (strcmp(argv[1], FORMS[i].name))
			continue;
		FORMS[i].print(stdout);
		return ferror(stdout) || fflush(stdout) ? 1 : 0;
	}
	fprintf(stderr, "usage: %s text|roff|sample\n", argv[0]);
	return 2;
}
