/* SPDX-License-Identifier: MIT */
/* INQUIRY: standard data and vital product data pages (SPC-5 6.6, 7.7; SBC-4 6.6). */
#include "base/be.h"
#include "base/util.h"
#include "disk/disk.h"
#include "scsi/inquiry.h"
#include "scsi/vpd.h"

#define TYPE_DIRECT_ACCESS 0x00

static void put_supported(const struct disk *d, struct spt_task *task, struct writer *w);

static void put_serial(const struct disk *d, struct spt_task *task, struct writer *w)
{
	vpd_serial_number(w, d->identity.serial);
}

/* The logical unit; target ports are told of above devices. */
static void put_identification(const struct disk *d, struct spt_task *task, struct writer *w)
{
	vpd_naa(w, d->identity.naa, d->identity.naa_bytes);
	vpd_t10_vendor(w, d->identity.vendor, d->identity.serial);
}

static void put_extended(const struct disk *d, struct spt_task *task, struct writer *w)
{
	vpd_extended_inquiry(w);
}

static void put_block_limits(const struct disk *d, struct spt_task *task, struct writer *w)
{
	struct vpd_block_limits l = {
		.compare_and_write_blocks = DISK_COMPARE_BLOCKS,
		.granularity_blocks = (uint16_t)(1u << d->physical_exponent),
		.max_transfer_blocks = d->max_transfer_blocks,
		.optimal_transfer_blocks = DISK_OPTIMAL_BYTES >> d->block_shift,
		.max_write_same_blocks = DISK_WRITE_SAME_BLOCKS,
	};

	if (d->thin) {
		l.max_unmap_blocks = DISK_UNMAP_BLOCKS;
		l.max_unmap_descriptors = DISK_UNMAP_DESCRIPTORS;
		l.unmap_granularity_blocks = MAX(4096u >> d->block_shift, 1u);
		l.unmap_alignment_valid = true;
	}
	vpd_block_limits(w, &l);
}

static void put_characteristics(const struct disk *d, struct spt_task *task, struct writer *w)
{
	vpd_block_characteristics(w, d->rotation_rate);
}

static void put_provisioning(const struct disk *d, struct spt_task *task, struct writer *w)
{
	struct vpd_provisioning p = {
		.unmap = d->thin,
		.write_same_16 = d->thin,
		.write_same_10 = d->thin,
		.reads_zeros = d->thin,
		.thin = d->thin,
	};

	vpd_provisioning(w, &p);
}

static const struct {
	uint8_t code;
	void (*put)(const struct disk *d, struct spt_task *task, struct writer *w);
} PAGES[] = {
	{ VPD_SUPPORTED_PAGES, put_supported },
	{ VPD_UNIT_SERIAL_NUMBER, put_serial },
	{ VPD_DEVICE_IDENTIFICATION, put_identification },
	{ VPD_EXTENDED_INQUIRY, put_extended },
	{ VPD_BLOCK_LIMITS, put_block_limits },
	{ VPD_BLOCK_CHARACTERISTICS, put_characteristics },
	{ VPD_LOGICAL_BLOCK_PROVISIONING, put_provisioning },
};

static void put_supported(const struct disk *d, struct spt_task *task, struct writer *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(PAGES); i++)
		vpd_supported_pages(w, &PAGES[i].code, 1);
}

static int find_page(uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(PAGES); i++) {
		if (PAGES[i].code == code)
			return (int)i;
	}
	return -1;
}

static bool judge_inquiry(struct disk_channel *c, struct spt_task *task)
{
	bool evpd = task->cdb[1] & 1;

	/* SPC-5 6.6.1: a page code wants EVPD. */
	if (evpd ? find_page(task->cdb[2]) >= 0 : task->cdb[2] == 0)
		return true;
	spt_task_check_cdb_field(task, 2, -1);
	return false;
}

static void reply_standard(const struct disk *d, struct spt_task *task, uint32_t allocation)
{
	const struct inquiry inquiry = {
		.device_type = TYPE_DIRECT_ACCESS,
		.removable = d->removable,
		.vendor = d->identity.vendor,
		.product = d->identity.product,
		.revision = d->identity.revision,
		.versions = { VERSION_SAM_5, VERSION_SPC_4, VERSION_SBC_3,
			inquiry_iscsi_version(spt_task_nexus(task)->protocol_level) },
	};
	uint8_t data[INQUIRY_BYTES];

	inquiry_build(&inquiry, data);
	spt_task_reply(task, data, sizeof(data), allocation);
}

static void run_inquiry(struct disk_channel *c, struct spt_task *task)
{
	uint32_t allocation = be16_get(task->cdb + 3);
	uint8_t data[VPD_MAX];
	struct writer w = wr_init(data, sizeof(data));

	if (!(task->cdb[1] & 1)) {
		reply_standard(c->disk, task, allocation);
		return;
	}
	vpd_begin(&w, TYPE_DIRECT_ACCESS, task->cdb[2]);
	PAGES[find_page(task->cdb[2])].put(c->disk, task, &w);
	if (vpd_end(&w) < 0)
		spt_task_check(task, SPT_KEY_HARDWARE_ERROR, ASC_LOGICAL_UNIT_FAILURE);
	else
		spt_task_reply(task, data, wr_len(&w), allocation);
}

static const struct disk_row ROWS[] = {
	{ 0x12, CDB_NO_SERVICE_ACTION, 0, judge_inquiry, run_inquiry },
};

const struct disk_family disk_inquiry = { ROWS, ARRAY_SIZE(ROWS) };
