/* SPDX-License-Identifier: MIT */
/*
 * Runs a harness over the files it is given, and those of the directories it is given: the corpus
 * as an ordinary test. It fails when there is nothing to run.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define FILE_BYTES_MAX (1u << 21)

static unsigned ran;

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(FILE_BYTES_MAX);
	int r = -1;

	if (f && data) {
		size_t n = fread(data, 1, FILE_BYTES_MAX, f);
		/* at its exact length, so that a sanitizer sees a step beyond it */
		uint8_t *exact = malloc(n + !n);

		if (exact) {
			memcpy(exact, data, n);
			LLVMFuzzerTestOneInput(exact, n);
			ran++;
			r = 0;
		}
		free(exact);
	}
	free(data);
	if (f)
		fclose(f);
	if (r < 0)
		fprintf(stderr, "%s: cannot be run\n", path);
	return r;
}

static int run_directory(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	int r = 0;

	if (n < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && run_file(file) < 0)
			r = -1;
		free(names[i]);
	}
	free(names);
	return r;
}

int main(int argc, char **argv)
{
	struct stat st;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		if (!stat(argv[i], &st) && S_ISDIR(st.st_mode))
			failed |= run_directory(argv[i]);
		else
			failed |= run_file(argv[i]);
	}
	printf("%u inputs\n", ran);
	return failed || !ran;
}
