/* SPDX-License-Identifier: MIT */
/* TransportIDs of iSCSI (SPC-5 7.6.4.6): what is taken, what is not, and what is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "scsi/transport_id.h"

#define NAME_10  "0123456789"
#define NAME_200 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 \
	NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10
#define NAME_223 "iqn." NAME_200 NAME_10 "012345678"

/* @length: ADDITIONAL LENGTH; 0: as it should be. @cut: bytes that the list lacks at its end. */
struct row {
	uint8_t first;
	const char *text;
	uint16_t length, cut;
	int result;
	const char *name;
	const char *isid; /* NULL: of the device */
};

static size_t build(const struct row *row, uint8_t *data)
{
	size_t text = strlen(row->text) + 1;
	size_t room = row->length ? row->length : MAX(ROUND_UP(text, (size_t)4), (size_t)20);

	memset(data, 0, 1024);
	data[0] = row->first;
	be16_put(data + 2, (uint16_t)room);
	memcpy(data + 4, row->text, MIN(text, room));
	return 4 + room - row->cut;
}

static void taken(void **state)
{
	static const struct row rows[] = {
		{ 0x05, "iqn.2026-11.org.example:a", 0, 0, 0, "iqn.2026-11.org.example:a", NULL },
		{ 0x05, "iqn.2026-11.org.Example:A", 0, 0, 0, "iqn.2026-11.org.example:a", NULL },
		{ 0x05, "eui.0123456789ABCDEF", 0, 0, 0, "eui.0123456789abcdef", NULL },
		{ 0x05, "naa.0123456789abcdef", 0, 0, 0, "naa.0123456789abcdef", NULL },
		{ 0x05, "iqn.a", 0, 0, 0, "iqn.a", NULL }, /* padded to 20 bytes */
		{ 0x05, "iqn.a", 64, 0, 0, "iqn.a", NULL }, /* and further */
		{ 0x05, "iqn.\xc3\xa4", 0, 0, 0, "iqn.\xc3\xa4", NULL },
		{ 0x05, NAME_223, 0, 0, 0, NAME_223, NULL },
		{ 0x45, "iqn.a:b,i,0x800000000001", 0, 0, 0, "iqn.a:b", "\x80\0\0\0\0\1" },
		{ 0x45, "iqn.a:b,i,0x00023dABCDEF", 0, 0, 0, "iqn.a:b", "\0\2\x3d\xab\xcd\xef" },
		{ 0x45, NAME_223 ",i,0x800000000001", 0, 0, 0, NAME_223, "\x80\0\0\0\0\1" },
		/* protocols, formats, reserved bits */
		{ 0x00, "iqn.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0x06, "iqn.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0x85, "iqn.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0xc5, "iqn.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0x15, "iqn.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		/* lengths */
		{ 0x05, "iqn.a", 16, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.a", 4, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a", 26, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a", 30, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a", 28, 1, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a", 28, 29, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a", 24, 0, -EINVAL, NULL, NULL }, /* no null character */
		{ 0x05, NAME_223 "x", 0, 0, -EINVAL, NULL, NULL },
		/* names */
		{ 0x05, "", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "abc.2026-11.org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11 org.example:a", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:*", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.2026-11.org.example:a\n", 0, 0, -EINVAL, NULL, NULL },
		{ 0x05, "iqn.a:b,i,0x800000000001", 0, 0, -EINVAL, NULL, NULL }, /* a port's, as a device */
		/* ISIDs */
		{ 0x45, "iqn.a:b", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,i,0x", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,i,0x80000000000", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,i,0x8000000000010", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,i,0x80000000000g", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,i,800000000001", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, "iqn.a:b,t,0x800000000001", 0, 0, -EINVAL, NULL, NULL },
		{ 0x45, ",i,0x800000000001", 0, 0, -EINVAL, NULL, NULL },
	};
	uint8_t data[1024];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t bytes = build(&rows[i], data);
		struct cursor c = cur_init(data, bytes);
		struct transport_id id = { .name = "untouched" };
		int r = transport_id_take(&c, &id);
		if (r != rows[i].result)
			fail_msg("row %zu, %s: %d", i, rows[i].text, r);
		if (r < 0) {
			assert_string_equal(id.name, "untouched");
			assert_ptr_equal(c.pos, data);
			continue;
		}
		assert_int_equal(cur_left(&c), 0);
		assert_string_equal(id.name, rows[i].name);
		assert_int_equal(id.is_port, rows[i].isid != NULL);
		if (rows[i].isid)
			assert_memory_equal(id.isid, rows[i].isid, 6);
	}
}

/* What is made is taken, whatever the length of the name; and no longer than was promised. */
static void there_and_back(void **state)
{
	static const uint8_t isid[] = { 0, 2, 0x3d, 0xfe, 0, 1 };
	char name[SPT_NAME_MAX + 1] = NAME_223;

	for (size_t n = SPT_NAME_MAX; n >= 5; n--) {
		uint8_t data[TRANSPORT_ID_MAX];
		struct writer w = wr_init(data, sizeof(data));
		struct transport_id id;

		name[n] = '\0';
		transport_id_put(&w, name, isid);
		assert_int_equal(w.err, 0);
		assert_int_equal(wr_len(&w) % 4, 0);
		assert_true(wr_len(&w) >= TRANSPORT_ID_MIN);
		struct cursor c = cur_init(data, wr_len(&w));
		assert_int_equal(transport_id_take(&c, &id), 0);
		assert_int_equal(cur_left(&c), 0);
		assert_string_equal(id.name, name);
		assert_memory_equal(id.isid, isid, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(there_and_back),
	};

	return cmocka_run_group_tests_name("scsi-transport-id", tests, NULL, NULL);
}
