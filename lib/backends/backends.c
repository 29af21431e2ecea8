/* SPDX-License-Identifier: MIT */
/* The backends that this build has, by name: the one place that knows them all. */
#include <string.h>

#include <spt/backend.h>

extern const struct spt_backend_ops spt_backend_mem, spt_backend_file, spt_backend_sg,
	spt_backend_bsg, spt_backend_iscsi;

static const struct spt_backend_ops *const BACKENDS[] = {
	&spt_backend_sg,
	&spt_backend_bsg,
#ifdef HAVE_LIBISCSI
	&spt_backend_iscsi,
#endif
	&spt_backend_mem,
	&spt_backend_file,
	NULL,
};

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
