/* SPDX-License-Identifier: MIT */
/* The options of all layers, one table: which is whose. */
#ifndef LAYER_ROWS_H
#define LAYER_ROWS_H

#include <spt/option.h>

enum layer_option {
	LAYER_OPTION_LAYERS,
	LAYER_OPTION_TRACE_FILE,
	LAYER_OPTION_TRACE_PCAP,
	LAYER_OPTION_TRACE_SIZE,
	LAYER_OPTION_TRACE_DATA,
	LAYER_OPTION_DELAY_RULES,
	LAYER_OPTION_FAULT_RULES,
	LAYER_OPTIONS,
};

/* The most that one layer has. */
#define LAYER_OPTIONS_MAX 4u

extern const struct spt_option LAYER_ROWS[LAYER_OPTIONS];

#endif
