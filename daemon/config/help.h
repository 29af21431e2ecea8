/* SPDX-License-Identifier: MIT */
/*
 * The schema told to people: as plain text, as a part of the manual page, and as the sample file.
 */
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include <stdio.h>

/* Every section and key with type, limits, default and help, for a terminal. */
void config_help_print(FILE *to);
/* The same as roff, to stand in sptgt.conf(5). */
void config_help_roff(FILE *to);
/*
 * A complete configuration file in which every key stands with its default, most of it commented
 * out.
 */
void config_help_sample(FILE *to);

#endif
