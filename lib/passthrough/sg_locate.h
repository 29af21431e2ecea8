/* SPDX-License-Identifier: MIT */
/*
 * From what a configuration names a device by to where it is now:
 *
 *   /dev/...            any node of it, or a link to one. A link below by-id that is not there (no udev:
 *                       a container) is understood by the name in it
 *   naa.HEX, eui.HEX    its World Wide Name (VPD 83h); wwn:0xHEX and wwn-0xHEX are NAA
 *   serial:TEXT         its serial number (VPD 80h)
 *   H:C:T:L             its SCSI address
 *
 * Names are compared with what the kernel has read of each device (vpd_pg83 and vpd_pg80 in sysfs).
 */
#ifndef PASSTHROUGH_SG_LOCATE_H
#define PASSTHROUGH_SG_LOCATE_H

#include "passthrough/lu_name.h"
#include "passthrough/sg_sysfs.h"

/* -EINVAL: none of these forms, or a partition; -ENOTUNIQ: several units have this serial number;
 * others as sg_resolve(). */
int sg_locate(const char *root, const char *path, struct sg_address *ret, struct spt_error *error);
/*
 * The device that is @name, wherever it is now, and is not at @except (may be NULL). @iscsi: it was
 * behind an iSCSI session, and only there it is looked for, otherwise everywhere else: an initiator on
 * this machine has our own unit under the same name.
 */
int sg_locate_name(const char *root, const struct lu_name *name, bool iscsi,
	const struct sg_address *except, struct sg_address *ret, struct spt_error *error);
/* Is @path of one of the forms above? Touches nothing. 0 or -EINVAL. */
int sg_path_check(const char *path, struct spt_error *error);

#endif
