/* SPDX-License-Identifier: MIT */
/* A copy past the caches: see stream.h. */
#include "store/stream.h"

#include <string.h>

#include "base/util.h"

#ifdef __SSE2__

#include <emmintrin.h>

#define LINE_BYTES 64u

/* Whole lines only: a line of which the processor gets but a part is written to memory piecemeal. */
void stream_copy(uint8_t *restrict to, const uint8_t *restrict from, size_t bytes)
{
	size_t head = MIN(-(uintptr_t)to % LINE_BYTES, bytes);
	size_t lines = (bytes - head) / LINE_BYTES;

	memcpy(to, from, head);
	to += head;
	from += head;
	for (size_t i = 0; i < lines; i++, to += LINE_BYTES, from += LINE_BYTES) {
		__m128i a = _mm_loadu_si128((const __m128i *)from);
		__m128i b = _mm_loadu_si128((const __m128i *)from + 1);
		__m128i c = _mm_loadu_si128((const __m128i *)from + 2);
		__m128i d = _mm_loadu_si128((const __m128i *)from + 3);
		_mm_stream_si128((__m128i *)to, a);
		_mm_stream_si128((__m128i *)to + 1, b);
		_mm_stream_si128((__m128i *)to + 2, c);
		_mm_stream_si128((__m128i *)to + 3, d);
	}
	_mm_sfence();
	memcpy(to, from, (bytes - head) % LINE_BYTES);
}

#else

void stream_copy(uint8_t *restrict to, const uint8_t *restrict from, size_t bytes)
{
	memcpy(to, from, bytes);
}

#endif
