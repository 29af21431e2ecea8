/* SPDX-License-Identifier: MIT */
/*
 * A medium that is held for itself, handed from a store to the one that takes its place. What holds it is an open file
 * description: O_EXCL of a block device, the lock of a file. The successor has a descriptor of the same one, so that
 * nobody else gets in between, whoever of the two is closed first.
 */
#ifndef STORE_FILE_CLAIM_H
#define STORE_FILE_CLAIM_H

#include <stdbool.h>
#include <sys/stat.h>

struct file_claim {
	int fd;    /* of the description that holds the medium: the medium's own, or a copy of its predecessor's */
	bool read_only, is_lock;
	struct file_claim *from, *heir; /* while both are open */
};

/*
 * @heir, whose read_only is set, holds what @from does, if that is the medium of @st and has no heir. True: it does. A
 * lock that was shared becomes an exclusive one if @heir is to write; false when somebody else shares it.
 */
bool file_claim_share(struct file_claim *heir, struct file_claim *from, const struct stat *st);
/* Nothing is held by @claim any more, except by the other one of two, whose lock is then as strong as it needs. */
void file_claim_leave(struct file_claim *claim);

#endif
