/* SPDX-License-Identifier: MIT */
/* Where the log goes: --log stderr|journal|auto. */
#ifndef SERVICE_LOGGING_H
#define SERVICE_LOGGING_H

enum logging_destination {
	LOGGING_AUTO, /* the journal when our standard error leads there (JOURNAL_STREAM) */
	LOGGING_STDERR,
	LOGGING_JOURNAL,
};

/* -EINVAL */
int logging_parse(const char *text, enum logging_destination *ret);
/* 0, or -ENOENT: the journal was asked for and is not there (the sink is standard error then). */
int logging_start(enum logging_destination destination);

#endif
