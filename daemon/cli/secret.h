/* SPDX-License-Identifier: MIT */
/*
 * CHAP secrets, made of random numbers and of nothing else (RFC 7143 9.2.1): as a binary value of 128 bits, or as a text
 * of 16 characters (96 bits and some) for initiators that take no other, nor longer ones.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include <stddef.h>

#define SECRET_TEXT_MAX 40u

/* @form: "binary" or "text"; @text: SECRET_TEXT_MAX bytes. 0; -EINVAL: another form; -EIO: no random numbers. */
int secret_new(const char *form, char *text);

#endif
