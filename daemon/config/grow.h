/* SPDX-License-Identifier: MIT */
/*
 * Arrays that grow one element at a time while a configuration is read; their room is not stored.
 */
#ifndef CONFIG_GROW_H
#define CONFIG_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * The new zeroed element @n of the array at *@pp, whose room is always the next power of two;
 * NULL when out of memory, the array unchanged. The caller counts.
 */
static inline void *grow(void *pp, size_t n, size_t element_bytes)
{
	void *array;

	memcpy(&array, pp, sizeof(array));
	if (!(n & (n - 1))) {
		array = reallocarray(array, n ? 2 * n : 1, element_bytes);
		if (!array)
			return NULL;
		memcpy(pp, &array, sizeof(array));
	}
	return memset((char *)array + n * element_bytes, 0, element_bytes);
}

#define GROW(array, n) ((__typeof__(array))grow(&(array), (n), sizeof(*(array))))

#endif
