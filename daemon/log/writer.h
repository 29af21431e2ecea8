/* SPDX-License-Identifier: MIT */
/* Between the making of a message and its sink: in place, or by a thread of its own. */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include "log/log.h"

/* Copies what it keeps. */
void log_writer_put(const struct log_message *message);

#endif
