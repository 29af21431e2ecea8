/* SPDX-License-Identifier: MIT */
/* A snapshot in the text format of Prometheus (version 0.0.4). */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "control/snapshot.h"

/* Text for free(), or NULL: out of memory. */
char *metrics_write(const struct snapshot *snapshot);

#endif
