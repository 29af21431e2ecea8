/* SPDX-License-Identifier: MIT */
/*
 * The terms on which an upstream target lets us in. libiscsi looks at little of what a target says
 * at login, and tells it in its log only: a line "TargetLoginReply: key=value [target name]" for
 * each key, and the status within the text of its error.
 */
#ifndef PASSTHROUGH_UP_TERMS_H
#define PASSTHROUGH_UP_TERMS_H

#include <stdbool.h>

struct up_terms {
	bool digest_wanted, digest_agreed;
	bool proof_wanted, proven; /* mutual CHAP */
};

/* A line of the log. NULL, or why the login is to be given up. */
const char *up_terms_line(struct up_terms *terms, const char *line);
/* The login is through. The same. */
const char *up_terms_end(const struct up_terms *terms);
/* Is it because of who we or they are that the login failed with @error? Then it will again. */
bool up_terms_refused(const char *error);

#endif
