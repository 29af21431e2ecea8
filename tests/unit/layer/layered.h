/* SPDX-License-Identifier: MIT */
/* The core tests' rig with layers in front of its first device, session 0 on loop 0 and 1 on loop 1. */
#ifndef TESTS_LAYER_LAYERED_H
#define TESTS_LAYER_LAYERED_H

#include <spt/layer.h>

#include "../core/rig.h"

#define LAYERED_WAIT_US  2000000u
#define LAYERED_RESET_US 1000000u

void layered_open(struct rig *rig);
/* What sptgtctl layer does; every loop has come round afterwards. */
void layered_set(struct rig *rig, const char *layer, const char *setting);
/* The row of the first rule of @layer, or of the layer. */
struct spt_layer_row layered_row(struct rig *rig, const char *layer);
/* Timers that are set on the loop of session @i. */
unsigned layered_timers(struct rig *rig, unsigned i);

/* A READ(10), and a WRITE(10) with its data, of session @i; not run. */
void layered_read(struct rig *rig, struct job *job, unsigned i, uint32_t tag, uint32_t lba,
	uint16_t blocks);

#endif
