/* SPDX-License-Identifier: MIT */
/*
 * What initiators are told about who a logical unit is and how it is reached. The logical unit's own
 * designators are the device's, or what the configuration puts in their place, for the device or at a LUN; target ports and the
 * target device are ours, for it is by them that the initiator came (SPC-5 6.6.2, 7.7.6, 7.7.14).
 *
 * A mirrored nexus is left alone: there the far side is one nexus for each of ours, and what it
 * answers about its ports, port groups and access states belongs together.
 */
#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "core/rewrite.h"
#include "scsi/cdb.h"
#include "scsi/inquiry.h"
#include "scsi/vpd.h"

bool identity_of_ports(const struct spt_task *task)
{
	return !(task->itl->device->flags & SPT_BACKEND_PER_NEXUS) &&
		task->session->nexus.relative_port;
}

/*
 * What the device would say of its own port groups contradicts ours, and asymmetric access is not
 * claimed (TPGS 00b): REPORT and SET TARGET PORT GROUPS are not there.
 */
bool identity_refuses(struct spt_task *task)
{
	const uint8_t maintenance_in = 0xa3, maintenance_out = 0xa4, target_port_groups = 0x0a;

	if ((task->cdb[0] != maintenance_in && task->cdb[0] != maintenance_out) ||
		(task->cdb[1] & 0x1f) != target_port_groups || (task->itl->families & CDB_MMC) ||
		!identity_of_ports(task))
		return false;
	spt_task_check_cdb_field(task, 1, 4);
	return true;
}

bool identity_overridden(const struct spt_task *task)
{
	const struct spt_identity *i = &task->itl->identity;

	return i->vendor[0] || i->product[0] || i->revision[0] || i->serial[0] || i->naa_bytes;
}

bool identity_any(const struct spt_task *task)
{
	return identity_of_ports(task) || identity_overridden(task);
}

/* SPC-5 7.7.9. */
bool identity_make_serial(const struct rewrite_page *page, struct writer *w)
{
	const struct spt_identity *i = &page->task->itl->identity;

	if (!i->serial[0])
		return false;
	vpd_serial_number(w, i->serial);
	return true;
}

/* SPC-5 7.7.16: in ascending order, with those that are made without the device having them. */
bool identity_make_supported(const struct rewrite_page *page, struct writer *w)
{
	const struct spt_identity *i = &page->task->itl->identity;
	bool has[256] = { [VPD_SUPPORTED_PAGES] = true };

	if (!page->data)
		return false;
	for (size_t k = 0; k < page->bytes; k++)
		has[page->data[k]] = true;
	if (i->serial[0])
		has[VPD_UNIT_SERIAL_NUMBER] = true;
	if (i->naa_bytes || (i->vendor[0] && i->serial[0]))
		has[VPD_DEVICE_IDENTIFICATION] = true;
	for (unsigned code = 0; code < ARRAY_SIZE(has); code++) {
		if (has[code])
			vpd_supported_pages(w, &(uint8_t){ (uint8_t)code }, 1);
	}
	return true;
}

/* The port that the nexus came by, its group, and the target (RFC 7143 4.4, SPC-5 7.7.6). */
static void put_ports(struct writer *w, const struct spt_nexus *n)
{
	vpd_relative_port(w, n->relative_port);
	vpd_port_group(w, n->target_portal_group_tag);
	vpd_target_port_name(w, n->target_name, n->target_portal_group_tag);
	vpd_scsi_name(w, VPD_TARGET_DEVICE, n->target_name);
}

/* A T10 vendor ID based designator, with the given vendor and serial number in their places. */
static void put_t10(struct writer *w, const struct spt_identity *i, const struct vpd_designator *d)
{
	char vendor[9] = "", text[SPT_SERIAL_MAX + 1];

	if (d)
		memcpy(vendor, d->data, MIN((size_t)d->bytes, (size_t)8));
	if (i->vendor[0])
		snprintf(vendor, sizeof(vendor), "%s", i->vendor);
	if (!i->serial[0] && (!d || d->bytes <= 8))
		return;
	if (i->serial[0])
		snprintf(text, sizeof(text), "%s", i->serial);
	else
		snprintf(text, sizeof(text), "%.*s", d->bytes - 8, (const char *)d->data + 8);
	vpd_t10_vendor(w, vendor, text);
}

/* Which of the device's designators of the logical unit the given identity takes the place of. */
static bool replaced(const struct spt_identity *i, uint8_t type)
{
	switch (type) {
	case VPD_TYPE_T10_VENDOR:
		return i->vendor[0] || i->serial[0];
	case VPD_TYPE_VENDOR:
		return i->serial[0] || i->naa_bytes;
	case VPD_TYPE_GROUP:
		return false;
	default: /* NAA, EUI-64, SCSI name, MD5, UUID: unique in the world */
		return i->naa_bytes;
	}
}

bool identity_make_designators(const struct rewrite_page *page, struct writer *w)
{
	const struct spt_identity *i = &page->task->itl->identity;
	struct vpd_designator d, t10 = { 0 };
	size_t at = 0;
	bool ports = identity_of_ports(page->task);

	if (!page->data && !i->naa_bytes && !(i->vendor[0] && i->serial[0]))
		return false;
	if (i->naa_bytes)
		vpd_naa(w, i->naa, i->naa_bytes);
	while (vpd_designator_next(page->data, page->bytes, &at, &d)) {
		if (d.association == VPD_LOGICAL_UNIT && replaced(i, d.type)) {
			if (d.type == VPD_TYPE_T10_VENDOR && !t10.data)
				t10 = d;
		} else if (d.association == VPD_LOGICAL_UNIT || !ports) {
			wr_bytes(w, d.start, VPD_DESIGNATOR_HEADER + d.bytes);
		}
	}
	if (t10.data || (i->vendor[0] && i->serial[0]))
		put_t10(w, i, t10.data ? &t10 : NULL);
	if (ports)
		put_ports(w, &page->task->session->nexus);
	return true;
}

/* SPC-5 7.7.14: the port that the nexus came by, instead of those of the device's own transport. */
bool identity_make_ports(const struct rewrite_page *page, struct writer *w)
{
	const struct spt_nexus *n = &page->task->session->nexus;

	if (!page->data)
		return false;
	wr_zero(w, 2);
	wr_be16(w, n->relative_port);
	wr_zero(w, 2);
	wr_be16(w, 0); /* INITIATOR PORT TRANSPORTID LENGTH */
	wr_zero(w, 2);
	uint8_t *length = wr_reserve(w, 2);
	size_t before = wr_len(w);
	vpd_target_port_name(w, n->target_name, n->target_portal_group_tag);
	if (length)
		be16_put(length, (uint16_t)(wr_len(w) - before));
	return true;
}

static void put_text(uint8_t *data, size_t bytes, size_t at, size_t width, const char *text)
{
	struct writer w;
	uint8_t field[16];

	if (!text[0] || at >= bytes)
		return;
	w = wr_init(field, sizeof(field));
	wr_ascii(&w, text, width);
	memcpy(data + at, field, MIN(width, bytes - at));
}

static void set_bits(uint8_t *data, size_t bytes, size_t at, uint8_t mask, bool on)
{
	if (at < bytes)
		data[at] = (uint8_t)(on ? data[at] | mask : data[at] & ~mask);
}

void identity_edit_standard(const struct spt_task *task, uint8_t *data, size_t bytes)
{
	const struct spt_identity *i = &task->itl->identity;
	struct spt_properties p;

	if (data[0] >> 5)
		return; /* no device is there */
	set_bits(data, bytes, 3, INQUIRY_NORMACA, false); /* nor by a mirrored nexus: NACA is refused */
	put_text(data, bytes, 8, 8, i->vendor);
	put_text(data, bytes, 16, 16, i->product);
	put_text(data, bytes, 32, 4, i->revision);
	if (!identity_of_ports(task))
		return;
	spt_device_properties(task->itl->device, &p);
	set_bits(data, bytes, 5, INQUIRY_TPGS, false);
	if (!p.third_party_copy)
		set_bits(data, bytes, 5, INQUIRY_3PC, false);
	set_bits(data, bytes, 6, INQUIRY_MULTIP, task->session->nexus.several_ports);
	set_bits(data, bytes, 7, INQUIRY_CMDQUE, true);
	inquiry_set_transport(data, bytes,
		inquiry_iscsi_version(task->session->nexus.protocol_level));
}
