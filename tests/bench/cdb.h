/* SPDX-License-Identifier: MIT */
/* The CDB of a request, whoever sends it. */
#ifndef BENCH_CDB_H
#define BENCH_CDB_H

#include "base/be.h"
#include "session.h"

/* SBC-4 5.16 READ(16), 5.44 WRITE(16). @cdb: 16 bytes of 0. */
static inline void cdb_put(uint8_t *cdb, const struct session_request *req)
{
	cdb[0] = req->write ? 0x8a : 0x88;
	be64_put(cdb + 2, req->lba);
	be32_put(cdb + 10, req->blocks);
}

#endif
