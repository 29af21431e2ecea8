/* SPDX-License-Identifier: MIT */
/* The configuration that needs no file: a memory disk on the loopback, for a first look. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

#define DEFAULT_LISTEN "127.0.0.1:3260"

#define DEMO(listen)                                                                               \
	"[daemon]\n"                                                                               \
	"control-socket = none\n"                                                                  \
	"[portal-main]\n"                                                                          \
	"listen = " listen "\n"                                                                    \
	"[device-memory]\n"                                                                        \
	"backend = mem\n"                                                                          \
	"size = 1G\n"                                                                              \
	"[target-demo]\n"                                                                          \
	"name = iqn.2026-11.org.sptgt:demo\n"                                                      \
	"alias = A memory disk\n"                                                                  \
	"portal = main\n"                                                                          \
	"lun.0 = memory\n"                                                                         \
	"initiators = *\n"

const char *config_demo_text(void)
{
	return DEMO(DEFAULT_LISTEN);
}

int config_demo(const char *listen, struct config_errors *errors, struct config **ret)
{
	char text[1024];

	if (!listen)
		listen = DEFAULT_LISTEN;
	/* It comes from a command line: it may not be more than a value. */
	int n = snprintf(text, sizeof(text), DEMO("\"%s\""), listen);
	if (n >= (int)sizeof(text) || strpbrk(listen, "\"\n")) {
		config_errors_init(errors, "--listen");
		config_error_add(errors, 0, "'%.100s' is not a list of addresses", listen);
		return -EINVAL;
	}
	return config_parse("--demo", text, (size_t)n, errors, ret);
}
