/* SPDX-License-Identifier: MIT */
/*
 * A few threads for calls that may block (ioctl on a device, fsync without io_uring), shared by
 * all loops. The result comes home through loop_work_done().
 */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

struct spt_work;

/* Starts @threads of them; 0 or -errno. Once, before any loop runs. */
int offload_start(unsigned threads);
/* Ends them when what was put has been done. */
void offload_stop(void);
void offload_put(struct spt_work *work);

#endif
