/* SPDX-License-Identifier: MIT */
/* The backends of this directory. */
#ifndef PASSTHROUGH_BACKENDS_H
#define PASSTHROUGH_BACKENDS_H

#include <spt/backend.h>

extern const struct spt_backend_ops spt_backend_sg, spt_backend_bsg;
extern const struct spt_backend_ops spt_backend_iscsi; /* where libiscsi was there */

#endif
