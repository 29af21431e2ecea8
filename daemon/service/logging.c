/* SPDX-License-Identifier: MIT */
/* The choice of the log's destination: see logging.h. */
#include "service/logging.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log/log.h"
#include "service/notify.h"

int logging_parse(const char *text, enum logging_destination *ret)
{
	static const char *const NAMES[] = {
		[LOGGING_AUTO] = "auto",
		[LOGGING_STDERR] = "stderr",
		[LOGGING_JOURNAL] = "journal",
	};

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		if (strcmp(text, NAMES[i]))
			continue;
		*ret = (enum logging_destination)i;
		return 0;
	}
	return -EINVAL;
}

/*
 * Does our standard error lead to the journal? JOURNAL_STREAM is "DEVICE:INODE" of the stream that
 * the service manager gave us; it is inherited by those whose standard error leads elsewhere.
 */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!text || sscanf(text, "%ju:%ju", &device, &inode) != 2 || fstat(STDERR_FILENO, &st))
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

int logging_start(enum logging_destination destination)
{
	bool journal = stderr_is_journal();

	if (destination == LOGGING_JOURNAL || (destination == LOGGING_AUTO && journal)) {
		if (notify_journal_available()) {
			log_set_sink(notify_journal_sink);
			return 0;
		}
		log_set_sink(journal ? log_sink_stderr_priority : log_sink_stderr);
		if (destination == LOGGING_AUTO)
			return 0;
		log_warning("the journal is not there: the log goes to standard error");
		return -ENOENT;
	}
	log_set_sink(log_sink_stderr);
	return 0;
}
