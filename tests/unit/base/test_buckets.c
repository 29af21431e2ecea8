/* SPDX-License-Identifier: MIT */
/* Hash tables: what is put in is found in its bucket, whatever has been put in and taken out since, and buckets stay short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buckets.h"

#define N 5000u

struct item {
	uint64_t key;
	struct bucket_entry entry;
};

/* The item of @key, and among how many it has been looked for. */
static struct item *find(const struct buckets *b, uint64_t key, unsigned *among)
{
	struct item *found = NULL, *i;

	*among = 0;
	list_foreach (i, bucket_of(b, hash_add(4711, &key, sizeof(key))), entry.link) {
		++*among;
		if (i->key == key)
			found = i;
	}
	return found;
}

static void add(struct buckets *b, struct item *item, uint64_t key)
{
	item->key = key;
	buckets_add(b, &item->entry, hash_add(4711, &key, sizeof(key)));
}

static void found_again(void **state)
{
	static struct item items[N];
	struct buckets b;
	unsigned among, longest = 0;

	buckets_init(&b);
	assert_null(find(&b, 0, &among));
	for (uint64_t i = 0; i < N; i++) {
		add(&b, &items[i], i * 4096); /* keys that differ in few bits */
		assert_ptr_equal(find(&b, i * 4096, &among), &items[i]);
		assert_ptr_equal(find(&b, i / 2 * 4096, &among), &items[i / 2]);
	}
	assert_int_equal(b.n, N);
	assert_in_range(b.n_lists, N, 2 * N);
	for (uint64_t i = 0; i < N; i++) {
		assert_ptr_equal(find(&b, i * 4096, &among), &items[i]);
		longest = among > longest ? among : longest;
	}
	assert_in_range(longest, 1, 16);
	for (uint64_t i = 0; i < N; i += 2)
		buckets_del(&b, &items[i].entry);
	for (uint64_t i = 0; i < N; i++)
		assert_ptr_equal(find(&b, i * 4096, &among), i % 2 ? &items[i] : NULL);
	assert_int_equal(b.n, N / 2);
	buckets_deinit(&b);
}

/* Those of one hash stay in the order in which they came, also when the table grows. */
static void same_hash(void **state)
{
	static struct item items[200];
	struct buckets b;
	const struct item *i;
	uint64_t next = 0;

	buckets_init(&b);
	for (uint64_t k = 0; k < 200; k++) {
		items[k].key = k;
		buckets_add(&b, &items[k].entry, 99);
	}
	list_foreach (i, bucket_of(&b, 99), entry.link)
		assert_int_equal(i->key, next++);
	assert_int_equal(next, 200);
	buckets_deinit(&b);
}

/* FNV-1a's published values, and that pieces make the whole. */
static void hashes(void **state)
{
	const uint64_t basis = 0xcbf29ce484222325ull;

	assert_true(hash_add(basis, "", 0) == basis);
	assert_true(hash_add(basis, "a", 1) == 0xaf63dc4c8601ec8cull);
	assert_true(hash_add(basis, "foobar", 6) == 0x85944171f73967e8ull);
	assert_true(hash_add(hash_add(basis, "foo", 3), "bar", 3) == 0x85944171f73967e8ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_again),
		cmocka_unit_test(same_hash),
		cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
