/* SPDX-License-Identifier: MIT */
/* The hash functions of CHAP, made by libcrypto: see hash.h. */
#include "login/hash.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/util.h"

static const struct {
	uint8_t hash; /* enum hash */
	uint8_t bytes;
	const EVP_MD *(*md)(void);
} HASHES[] = {
	{ HASH_MD5, 16, EVP_md5 },
	{ HASH_SHA1, 20, EVP_sha1 },
	{ HASH_SHA256, 32, EVP_sha256 },
	{ HASH_SHA3_256, 32, EVP_sha3_256 },
};

size_t hash_bytes(unsigned hash)
{
	for (size_t i = 0; i < ARRAY_SIZE(HASHES); i++) {
		if (HASHES[i].hash == hash)
			return HASHES[i].bytes;
	}
	return 0;
}

static const EVP_MD *find(unsigned hash)
{
	for (size_t i = 0; i < ARRAY_SIZE(HASHES); i++) {
		if (HASHES[i].hash == hash)
			return HASHES[i].md();
	}
	return NULL;
}

int hash_compute(unsigned hash, const struct hash_part *parts, size_t n, uint8_t *out)
{
	const EVP_MD *md = find(hash);
	EVP_MD_CTX *context = md ? EVP_MD_CTX_new() : NULL;
	int ok;

	if (!context)
		return md ? -ENOMEM : -ENOTSUP;
	ok = EVP_DigestInit_ex(context, md, NULL);
	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(context, parts[i].data, parts[i].bytes);
	ok = ok && EVP_DigestFinal_ex(context, out, NULL);
	EVP_MD_CTX_free(context); /* wipes what it held */
	return ok ? 0 : -ENOTSUP;
}
