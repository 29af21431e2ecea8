/* SPDX-License-Identifier: MIT */
/* The options of the layers: see rows.h. */
#include "layer/rows.h"

#include "layer/rules.h"

const struct spt_option LAYER_ROWS[LAYER_OPTIONS] = {
	[LAYER_OPTION_LAYERS] = {
		.name = "layers",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 64,
		.help = "what stands between initiators and the device, from the initiator's side on: any of "
			"trace, delay and fault, with blanks between; sptgtctl layer changes it while the "
			"device is in use",
	},
	[LAYER_OPTION_DELAY_RULES] = {
		.name = "delay-rules",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = RULES_TEXT_MAX,
		.help = "which commands delay keeps back, and for how long: rules with | between them, see "
			"LAYERS",
	},
	[LAYER_OPTION_FAULT_RULES] = {
		.name = "fault-rules",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = RULES_TEXT_MAX,
		.help = "which commands fault spoils, and how: rules with | between them, see LAYERS",
	},
};
