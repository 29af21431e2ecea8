/* SPDX-License-Identifier: MIT */
/* All of libsptgt. */
#ifndef SPT_H
#define SPT_H

#include <spt/auxiliary.h>
#include <spt/backend.h>
#include <spt/buffer.h>
#include <spt/device.h>
#include <spt/error.h>
#include <spt/host.h>
#include <spt/nexus.h>
#include <spt/operate.h>
#include <spt/option.h>
#include <spt/pass_through.h>
#include <spt/sense.h>
#include <spt/session.h>
#include <spt/task.h>
#include <spt/tmf.h>

#endif
