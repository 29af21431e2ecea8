/* SPDX-License-Identifier: MIT */
/* What was wrong, where, and what to do, as text for a person: filled beside a negative errno. */
#ifndef SPT_ERROR_H
#define SPT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

struct spt_error {
	char text[320];
};

/* Sets the text and returns @err, so that one can write: return spt_error_set(e, -EINVAL, ...). @e may be NULL. */
int spt_error_set(struct spt_error *e, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
