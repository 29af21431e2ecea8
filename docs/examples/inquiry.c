/* SPDX-License-Identifier: MIT */
/*
 * Sends INQUIRY to a device of any backend and says who it is:
 *
 *   cc inquiry.c $(pkg-config --cflags --libs sptgt) -o inquiry
 *   ./inquiry sg:path=/dev/sg0
 *   ./inquiry file:path=disk.img
 *   ./inquiry iscsi:url=iscsi://192.0.2.1/iqn.2026-11.org.example:t/0
 */
#include <stdio.h>
#include <string.h>

#include <spt/spt.h>

int main(int argc, char **argv)
{
	struct spt_error error = { .text = "out of memory" };
	struct spt_device *device;
	struct spt_handle *handle;
	struct {
		struct spt_pass_through q;
		uint8_t sense[SPT_SENSE_MAX];
		uint8_t data[96];
	} b = { .q = {
		.length = sizeof(b.q),
		.cdb_length = 6,
		.cdb = { 0x12, 0, 0, 0, sizeof(b.data), 0 },
		.data_in = SPT_DATA_IN,
		.data_transfer_length = sizeof(b.data),
		.data_buffer_offset = (size_t)((char *)b.data - (char *)&b),
		.sense_info_length = sizeof(b.sense),
		.sense_info_offset = (size_t)((char *)b.sense - (char *)&b),
		.timeout_s = 10,
	} };

	if (argc != 2 || spt_device_open_text(argv[1], NULL, &error, &device) < 0) {
		fprintf(stderr, "inquiry: %s\n", argc == 2 ? error.text : "BACKEND:KEY=VALUE,...");
		return 1;
	}
	int r = spt_handle_open(device, NULL, &handle);
	if (r == 0) {
		r = spt_pass_through(handle, &b.q, sizeof(b));
		spt_handle_close(handle);
	}
	spt_device_unref(device);
	if (r < 0 || b.q.scsi_status != SPT_GOOD || b.q.data_transfer_length < 36) {
		fprintf(stderr, "inquiry: %s\n", r < 0 ? strerror(-r) : "the device refused");
		return 1;
	}
	printf("type %d: %.8s %.16s %.4s\n", b.data[0] & 0x1f, (char *)b.data + 8,
		(char *)b.data + 16, (char *)b.data + 32);
	return 0;
}
