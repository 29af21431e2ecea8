/* SPDX-License-Identifier: MIT */
/*
 * Two backends that are nothing but option tables, one row of every type, so that these tests do
 * not change when a real backend does.
 */
#include <errno.h>
#include <string.h>

#include <spt/backend.h>

#include "base/util.h"

static const char *const KINDS[] = { "thin", "thick", NULL };

static const struct spt_option MEM_OPTIONS[] = {
	{ "size", SPT_OPTION_SIZE, true, NULL, 512, 1ull << 40, NULL, "Capacity" },
	{ "block-size", SPT_OPTION_NUMBER, false, "512", 512, 4096, NULL, "Bytes of a block" },
	{ "kind", SPT_OPTION_CHOICE, false, "thin", 0, 0, KINDS, "Provisioning" },
	{ "cache", SPT_OPTION_BOOL, false, "yes", 0, 0, NULL, "Write cache" },
	{ "latency", SPT_OPTION_DURATION, false, "0", 0, 60000000, NULL, "Slowness" },
	{ "serial", SPT_OPTION_STRING, false, NULL, 1, 20, NULL, "Serial number" },
};
static const struct spt_option SG_OPTIONS[] = {
	{ "path", SPT_OPTION_STRING, true, NULL, 1, 4095, NULL, "Device node" },
};

static int check_path(const struct spt_option_value *values, struct spt_error *error)
{
	if (values[0].text[0] == '/')
		return 0;
	return spt_error_set(error, -EINVAL, "path: '%s' does not begin with a slash", values[0].text);
}

static const struct spt_backend_ops MEM = {
	.name = "mem",
	.help = "A disk in memory",
	.options = MEM_OPTIONS,
	.n_options = ARRAY_SIZE(MEM_OPTIONS),
};
static const struct spt_backend_ops SG = {
	.name = "sg",
	.help = "A device of the machine",
	.options = SG_OPTIONS,
	.n_options = ARRAY_SIZE(SG_OPTIONS),
	.check = check_path,
};
static const struct spt_backend_ops *const BACKENDS[] = { &MEM, &SG, NULL };

const struct spt_backend_ops *const *spt_backends(void)
{
	return BACKENDS;
}

const struct spt_backend_ops *spt_backend_find(const char *name)
{
	for (size_t i = 0; BACKENDS[i]; i++) {
		if (!strcmp(BACKENDS[i]->name, name))
			return BACKENDS[i];
	}
	return NULL;
}

const char *spt_backend_name(const struct spt_backend_ops *backend)
{
	return backend->name;
}

const char *spt_backend_help(const struct spt_backend_ops *backend)
{
	return backend->help;
}

const struct spt_option *spt_backend_options(const struct spt_backend_ops *backend, size_t *ret_n)
{
	*ret_n = backend->n_options;
	return backend->options;
}

int spt_backend_check(const struct spt_backend_ops *backend, const struct spt_option_value *values,
	struct spt_error *error)
{
	return backend->check ? backend->check(values, error) : 0;
}
