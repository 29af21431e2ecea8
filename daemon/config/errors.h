/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: every fault found, each with its line, up to a bound.
 * Warnings are faults that do not forbid the use of the configuration.
 */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/util.h"

#define CONFIG_ERRORS_MAX 64u

struct config_error {
	unsigned line; /* from 1; 0: the file as a whole */
	bool warning;
	char text[320];
};

struct config_errors {
	char file[256]; /* as shown in front of each fault */
	struct config_error list[CONFIG_ERRORS_MAX];
	size_t n;
	size_t n_fatal;  /* those that are no warnings, the left out ones included */
	size_t left_out; /* found when the list was full */
};

/* Empties @errors; @file is shown with every fault. */
void config_errors_init(struct config_errors *errors, const char *file);
void config_error_add(struct config_errors *errors, unsigned line, const char *format, ...)
	PRINTF_LIKE(3, 4);
void config_warning_add(struct config_errors *errors, unsigned line, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* "FILE:LINE: text" of fault @i, always terminated. */
void config_error_format(const struct config_errors *errors, size_t i, char *text, size_t bytes);
/* All of them in the order of their lines, one a line, and how many were left out. */
void config_errors_print(const struct config_errors *errors, FILE *to);

#endif
