/* SPDX-License-Identifier: MIT */
/*
 * Layers: what can stand between the library and any backend, to watch commands (trace), to delay
 * them (delay) or to make them fail (fault). Chosen when a device is opened, by the options below beside
 * those of the backend, and changed while it is in use. A device without a layer that is on pays nothing.
 */
#ifndef SPT_LAYER_H
#define SPT_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/device.h>
#include <spt/error.h>
#include <spt/option.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For spt_device_params.layers. */
const struct spt_layers_ops *spt_layers(void);
/*
 * The options of all layers, one table: "layers" says which are on, in order from the initiator to the
 * device; then those of each layer, which may be set although it is off.
 */
const struct spt_option *spt_layer_options(size_t *ret_n);
/* Judges values of that table and opens nothing. 0; -EINVAL with @error told; -ENOMEM. */
int spt_layer_check(const struct spt_option_value *values, struct spt_error *error);

/*
 * Changes layer @layer of @device. @setting:
 *   "on", "off"      with the options that it has
 *   "release"        tasks that the layer keeps go on
 *   "KEY=VALUE"      the option LAYER-KEY, and on: "rules=op=READ(10) hang"
 *   anything else    the layer's first option likewise: "op=READ(10) hang"
 * New tasks go by it as soon as each loop has come round once; those that are under way keep what they
 * began with, but a rule that is no more keeps none: what it kept goes on, and what comes to it later passes by.
 * May block; any thread but a loop's. 0; -ENOENT: no such layer; -EINVAL, -errno with @error told, and nothing is changed.
 */
int spt_layer_set(struct spt_device *device, const char *layer, const char *setting,
	struct spt_error *error);

/* What a layer does now; of one with rules there is a row for each. */
struct spt_layer_row {
	const char *layer;
	bool on;
	unsigned rule;	  /* from 1 on; 0: the layer as a whole */
	const char *text; /* the rule as it was written, the file that is written to */
	uint64_t seen;	  /* tasks that the rule or layer is about */
	uint64_t hits;	  /* those to which something was done */
	uint64_t held;	  /* those that are kept now */
	uint64_t lost;	  /* those that the trace has no record of */
};

/* Calls @fn for each row, in the order of the layers, with a lock held: it must not call the library. Any thread. */
void spt_layer_each(struct spt_device *device,
	void (*fn)(void *arg, const struct spt_layer_row *row), void *arg);

#ifdef __cplusplus
}
#endif

#endif
