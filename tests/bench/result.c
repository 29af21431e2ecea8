/* SPDX-License-Identifier: MIT */
/* Numbers of one interval, for people and for programs: see result.h. */
#include "result.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"

static const struct quantile {
	const char *name;
	unsigned ten_thousandths;
} QUANTILES[] = {
	{ "p50", 5000 },
	{ "p90", 9000 },
	{ "p99", 9900 },
	{ "p99.9", 9990 },
};

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static double per_second(const struct result *r, double amount)
{
	return r->spent.wall_ns ? amount * 1e9 / (double)r->spent.wall_ns : 0;
}

static double us_per_io(uint64_t ns, uint64_t ios)
{
	return ios ? us(ns) / (double)ios : 0;
}

static struct histogram total_of(const struct result *r)
{
	struct histogram h = r->read;

	histogram_merge(&h, &r->write);
	return h;
}

/* CPU time that neither client nor server used: somebody else was on the machine. */
static uint64_t foreign_ns(const struct result *r)
{
	uint64_t ours = r->spent.client_ns + r->spent.server_ns;

	return r->spent.busy_ns > ours ? r->spent.busy_ns - ours : 0;
}

void result_print_line(const struct result *r, FILE *out)
{
	struct histogram all = total_of(r);
	double bytes = (double)all.count * (double)r->block_bytes;

	fprintf(out, "%s %" PRIu64 " B QD%u x%u: %.0f IOPS %.1f MB/s;", r->work, r->block_bytes,
		r->queue_depth, r->sessions, per_second(r, (double)all.count),
		per_second(r, bytes) / 1e6);
	for (unsigned i = 0; i < ARRAY_SIZE(QUANTILES); i++)
		fprintf(out, " %s %.1f", QUANTILES[i].name,
			us(histogram_quantile(&all, QUANTILES[i].ten_thousandths)));
	fprintf(out, " max %.1f us; CPU per I/O client %.2f us", us(all.max),
		us_per_io(r->spent.client_ns, all.count));
	if (r->has_server)
		fprintf(out, ", server %.2f us", us_per_io(r->spent.server_ns, all.count));
	fprintf(out, "; stolen %.2f s\n", us(r->spent.steal_ns) / 1e6);
}

static void print_latency(const char *name, const struct histogram *h, FILE *out)
{
	fprintf(out, "  \"%s\": {\"ios\": %" PRIu64 ", \"mean_us\": %.3f", name, h->count,
		us_per_io(h->sum, h->count));
	for (unsigned i = 0; i < ARRAY_SIZE(QUANTILES); i++)
		fprintf(out, ", \"%s_us\": %.3f", QUANTILES[i].name,
			us(histogram_quantile(h, QUANTILES[i].ten_thousandths)));
	fprintf(out, ", \"max_us\": %.3f}", us(h->max));
}

/* Every string in it is a word of ours: nothing to escape. */
void result_print_json(const struct result *r, FILE *out)
{
	struct histogram all = total_of(r);
	double bytes = (double)all.count * (double)r->block_bytes;

	fprintf(out,
		"{\n  \"work\": \"%s\", \"block_bytes\": %" PRIu64
		", \"queue_depth\": %u, \"sessions\": %u, \"threads\": %u, \"digests\": \"%s\",\n",
		r->work, r->block_bytes, r->queue_depth, r->sessions, r->threads, r->digests);
	fprintf(out,
		"  \"seconds\": %.6f, \"iops\": %.1f, \"mb_per_s\": %.2f, \"verified\": %" PRIu64
		", \"login_seconds\": %.6f,\n",
		(double)r->spent.wall_ns / 1e9, per_second(r, (double)all.count),
		per_second(r, bytes) / 1e6, r->verified, (double)r->login_ns / 1e9);
	fprintf(out, "  \"client_cpu_us_per_io\": %.3f, \"server_cpu_us_per_io\": ",
		us_per_io(r->spent.client_ns, all.count));
	if (r->has_server)
		fprintf(out, "%.3f", us_per_io(r->spent.server_ns, all.count));
	else
		fputs("null", out);
	fprintf(out, ", \"stolen_seconds\": %.3f, \"foreign_cpu_seconds\": %.3f,\n",
		(double)r->spent.steal_ns / 1e9, (double)foreign_ns(r) / 1e9);
	print_latency("all", &all, out);
	fputs(",\n", out);
	print_latency("read", &r->read, out);
	fputs(",\n", out);
	print_latency("write", &r->write, out);
	fputs("\n}\n", out);
}

int result_print(const struct result *r, const char *json_path)
{
	FILE *f;

	if (json_path && !strcmp(json_path, "-")) {
		result_print_json(r, stdout);
		return fflush(stdout) ? -errno : 0;
	}
	result_print_line(r, stdout);
	if (!json_path)
		return 0;
	f = fopen(json_path, "we");
	if (!f)
		return -errno;
	result_print_json(r, f);
	return fclose(f) ? -errno : 0;
}
