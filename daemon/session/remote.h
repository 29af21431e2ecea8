/* SPDX-License-Identifier: MIT */
/* The address that a connection came from. */
#ifndef SESSION_REMOTE_H
#define SESSION_REMOTE_H

#include <netinet/in.h>
#include <sys/socket.h>

union remote {
	struct sockaddr any; /* AF_UNSPEC: not known */
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

#endif
