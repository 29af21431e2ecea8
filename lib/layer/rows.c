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
	[LAYER_OPTION_TRACE_FILE] = {
		.name = "trace-file",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 4000,
		.help = "where trace writes a line for each command: what it is, who sent it, what became of it, "
			"with its sense data told in words",
	},
	[LAYER_OPTION_TRACE_PCAP] = {
		.name = "trace-pcap",
		.type = SPT_OPTION_STRING,
		.min = 1,
		.max = 4000,
		.help = "where trace writes each command as packets that wireshark reads: iSCSI PDUs made for "
			"it, not those that were on the network",
	},
	[LAYER_OPTION_TRACE_SIZE] = {
		.name = "trace-size",
		.type = SPT_OPTION_SIZE,
		.fallback = "64M",
		.min = 64 << 10,
		.max = 1ull << 40,
		.help = "how large either file may become; then it is renamed to .1, in place of the one "
			"before, and a new one is begun",
	},
	[LAYER_OPTION_TRACE_DATA] = {
		.name = "trace-data",
		.type = SPT_OPTION_SIZE,
		.fallback = "256",
		.min = 0,
		.max = 4096,
		.help = "how much of a command's data the packets show, from its beginning",
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
