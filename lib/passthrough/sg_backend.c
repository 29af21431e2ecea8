/* SPDX-License-Identifier: MIT */
/*
 * The backends of this machine's own SCSI devices, of any type: sg by the SCSI generic node, bsg
 * by the block SCSI generic node. Every command goes to the device as it came and every answer comes
 * back as it was given. What a device is and how it comes and goes is the same for both
 * (sg_device.h); they differ in the way that a channel sends (struct sg_way).
 *
 * Nothing is ever sent twice: retries are the initiator's to decide, and a tape block must not be
 * written again. The kernel agrees: commands of sg and bsg have SG_DEFAULT_RETRIES, which is 0.
 */
#include "passthrough/backends.h"
#include "passthrough/sg_channel.h"

static int sg_open(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	struct sg_device *d;
	int r = sg_device_new(open, false, error, &d);

	if (!r)
		*ret_device = d;
	return r;
}

static int bsg_open(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	struct sg_device *d;
	int r = sg_device_new(open, true, error, &d);

	if (!r)
		*ret_device = d;
	return r;
}

static void device_close(void *device)
{
	sg_device_free(device);
}

static void properties(void *device, struct spt_properties *ret)
{
	sg_device_properties(device, ret);
}

static void describe(void *device, char *text, size_t size)
{
	sg_device_describe(device, text, size);
}

/* Of both: they differ in the node by which a command goes. */
#define SG_OPERATIONS \
	.options = SG_OPTION_ROWS, \
	.n_options = SG_OPTIONS, \
	.check = sg_settings_check, \
	.close = device_close, \
	.properties = properties, \
	.describe = describe, \
	.channel_open = sg_channel_open, \
	.channel_close = sg_channel_close, \
	.judge = sg_channel_judge, \
	.submit = sg_channel_submit, \
	.cancel = sg_channel_cancel, \
	.reset = sg_channel_reset, \
	.fence = sg_channel_fence

const struct spt_backend_ops spt_backend_sg = {
	.name = "sg",
	.help = "a SCSI device of this machine of any type, passed through by its SCSI generic "
		"node",
	.open = sg_open,
	SG_OPERATIONS,
};

const struct spt_backend_ops spt_backend_bsg = {
	.name = "bsg",
	.help = "the same by its bsg node (SG version 4), which moves data in both directions in "
		"one command where the kernel does; each command under way takes a thread",
	.open = bsg_open,
	SG_OPERATIONS,
};
