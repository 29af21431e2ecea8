/* SPDX-License-Identifier: MIT */
/* write(2) until all is written. 0 or -errno. May block. */
#ifndef BASE_WRITE_ALL_H
#define BASE_WRITE_ALL_H

#include <stddef.h>

int write_all(int fd, const void *data, size_t bytes);

#endif
