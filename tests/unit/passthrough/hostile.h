/* SPDX-License-Identifier: MIT */
/*
 * An iSCSI target that does what a target must not do. It logs everybody in and then misbehaves in
 * one way, chosen by the test, towards the first command of a connection with that way's opcode.
 */
#ifndef TESTS_PASSTHROUGH_HOSTILE_H
#define TESTS_PASSTHROUGH_HOSTILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum hostile_way {
	HOSTILE_NOT,            /* reads give bytes of 55h, writes are taken */
	HOSTILE_SENSE_NONE,     /* CHECK CONDITION without a data segment */
	HOSTILE_SENSE_ONE_BYTE, /* with half a SenseLength */
	HOSTILE_SENSE_LONG,     /* SenseLength 65535, 300 bytes follow */
	HOSTILE_NO_DATA,        /* GOOD to a read, and nothing else */
	HOSTILE_FAILURE,        /* response 01h, target failure, with a status field of zero */
	HOSTILE_UNDERFLOW,      /* GOOD, residual larger than what was asked for */
	HOSTILE_OFFSET,         /* Data-In outside the buffer */
	HOSTILE_OVERLONG,       /* Data-In longer than the buffer */
	HOSTILE_R2T,            /* R2T outside the data-out */
	HOSTILE_EARLY,          /* R2T for all of it, the response at once, and more than anybody can
				 * leave unread, for no task; reads on later */
	HOSTILE_PING,           /* NOP-In while the data-out is on its way, which is not taken for
				 * more than a second; no offence at all */
	HOSTILE_PING_AT_ONCE,   /* R2T and NOP-In in one piece; none either */
	HOSTILE_CROSSED,        /* R2T for all of the write that came before this read, and the
				 * read's data before anything else is received; no offence either */
	HOSTILE_REJECT,
	HOSTILE_CLOSE,
	HOSTILE_GARBAGE,
	HOSTILE_ASYNC_LOGOUT,
	HOSTILE_SILENT,         /* no response to the command; see tmf_response */
	HOSTILE_LATE_DATA,      /* the same, and Data-In after the answer to ABORT TASK */
	HOSTILE_NO_LENGTH,      /* negotiates MaxRecvDataSegmentLength=0 */
	HOSTILE_LOGIN_REFUSED,  /* with status login_status */
	HOSTILE_LOGIN_CLOSE,    /* closes as soon as it has let somebody in */
	HOSTILE_NO_DIGEST,      /* HeaderDigest=None, whatever was offered */
	HOSTILE_CHAP_SKIPPED,   /* lets in who asks for a proof without giving one */
	HOSTILE_CHAP_ZEROS,     /* gives its proof before it was asked: zeros */
	HOSTILE_CHAP_ODD,       /* a challenge of an odd number of digits */
	HOSTILE_REDIRECT,       /* to redirect_port */
	HOSTILE_STATUS,         /* a status that does not exist */
	HOSTILE_INQUIRY_NONE,   /* no logical unit there */
	HOSTILE_INQUIRY_SHORT,  /* INQUIRY data of three bytes */
	HOSTILE_INQUIRY_SILENT, /* no answer to INQUIRY */
	HOSTILE_PAGE_SHORT,     /* page 83h is cut within a descriptor */
	HOSTILE_PAGE_WRONG,     /* page 80h in place of any other */
	HOSTILE_PAGE_BUSY,      /* BUSY to vital product data */
};

struct hostile {
	int fd, port;
	pthread_t thread;
	atomic_int way;
	atomic_int tmf_response;
	atomic_int redirect_port;
	atomic_int login_status;
	atomic_ullong isid; /* of the last login */
	atomic_int serial;   /* a digit of its serial number */
	atomic_int attentions; /* UNIT ATTENTIONs that are still to be given, instead of an answer */
	atomic_int connections;
	atomic_int commands; /* that were received */
	atomic_int nonzero;  /* bytes of data-out that were not zero, since it was reset */
	atomic_int pongs;    /* answers to NOP-In */
	atomic_bool stop;
};

void hostile_start(struct hostile *h);
void hostile_stop(struct hostile *h);

#endif
