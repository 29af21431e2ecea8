/* SPDX-License-Identifier: MIT */
/* The bsg node of a device (SG version 4): /dev/bsg/H:C:T:L. */
#ifndef PASSTHROUGH_BSG_NODE_H
#define PASSTHROUGH_BSG_NODE_H

#include <spt/error.h>

struct sg_attachment;

/* Opens it into @attachment, and finds out whether the kernel moves data in both directions. */
int bsg_node_attach(struct sg_attachment *attachment, struct spt_error *error);

#endif
