/* SPDX-License-Identifier: MIT */
/* Checks of a program that runs outside the unit test framework: a line for each that fails. */
#ifndef TESTS_PASSTHROUGH_CHECK_H
#define TESTS_PASSTHROUGH_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* Ends the program: what comes after would only fail because of it. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);             \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b);     \
		if (a_ != b_) {                                                                    \
			printf("%s:%d: failed: %s is 0x%llx, not 0x%llx\n", __FILE__, __LINE__,    \
				#a, a_, b_);                                                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#endif
