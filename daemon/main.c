/* SPDX-License-Identifier: MIT */
/* sptgtd: reads its command line and configuration, makes the server, and runs until it is told to stop. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "announce.h"
#include "config/config.h"
#include "config/help.h"
#include "control/control.h"
#include "log/log.h"
#include "service/logging.h"
#include "service/notify.h"
#include "service/privileges.h"
#include "service/signals.h"
#include "reload.h"
#include "show.h"
#include "target/server.h"
#include "target/worker.h"
#include "watch.h"

#define CONFIG_DEFAULT "/etc/sptgt/sptgt.conf"

struct options {
	const char *config;
	const char *listen;
	bool demo, check;
	enum logging_destination log;
	enum log_level level;
	bool level_given;
};

struct daemon {
	struct config *config; /* until the server has it */
	struct server server;
	struct reload reload;
	bool announcing; /* iSNS servers are told of another generation */
	struct spt_post announce_post;
	bool stop_asked; /* while the configuration is read again */
	struct signals signals;
	struct control *control;
	struct watch watch;
	struct announce *announce;
	bool stopping;
	unsigned waits; /* while stopping: what has to be over first */
};

static const char USAGE[] =
	"Usage: sptgtd [--config FILE] [--check]\n"
	"       sptgtd --demo [--listen ADDRESS:PORT]\n"
	"\n"
	"  --config FILE       configuration (default " CONFIG_DEFAULT ")\n"
	"  --check             judge the configuration and exit\n"
	"  --demo              no configuration: a target with a 1 GiB memory disk on the loopback\n"
	"  --listen ADDRESS    with --demo: listen there\n"
	"  --log WHERE         stderr, journal or auto (the default)\n"
	"  --log-level LEVEL   err, warning, notice, info or debug\n"
	"  --help-config       every configuration key, its limits and default\n"
	"  --sample-config     a complete configuration file\n"
	"  --version\n";

enum { OPT_CONFIG = 256, OPT_CHECK, OPT_DEMO, OPT_LISTEN, OPT_LOG, OPT_LEVEL, OPT_KEYS, OPT_SAMPLE,
	OPT_VERSION, OPT_HELP };

static const struct option LONG_OPTIONS[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "demo", no_argument, NULL, OPT_DEMO },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "log-level", required_argument, NULL, OPT_LEVEL },
	{ "help-config", no_argument, NULL, OPT_KEYS },
	{ "sample-config", no_argument, NULL, OPT_SAMPLE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "sptgtd: %s '%s'; see sptgtd --help\n", what, value);
	return -EINVAL;
}

/* What is answered at once: 1. */
static int print_and_exit(int option)
{
	switch (option) {
	case OPT_KEYS:
		config_help_print(stdout);
		return 1;
	case OPT_SAMPLE:
		config_help_sample(stdout);
		return 1;
	case OPT_VERSION:
		puts("sptgtd " SPTGT_VERSION);
		return 1;
	case OPT_HELP:
		fputs(USAGE, stdout);
		return 1;
	default: /* getopt has told */
		return -EINVAL;
	}
}

static int take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case OPT_CONFIG:
		o->config = value;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_DEMO:
		o->demo = true;
		return 0;
	case OPT_LISTEN:
		o->listen = value;
		return 0;
	case OPT_LOG:
		return logging_parse(value, &o->log) < 0 ? usage_error("--log", value) : 0;
	case OPT_LEVEL:
		o->level_given = true;
		return log_level_parse(value, &o->level) < 0 ? usage_error("--log-level", value) : 0;
	default:
		return print_and_exit(option);
	}
}

/* 0; 1: nothing is left to be done; -EINVAL. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int option;

	while ((option = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1) {
		int r = take_option(o, option, optarg);
		if (r)
			return r;
	}
	if (optind < argc)
		return usage_error("unexpected", argv[optind]);
	if (o->listen && !o->demo)
		return usage_error("--listen goes with --demo:", o->listen);
	return 0;
}

static int load_config(const struct options *o, struct config **ret)
{
	struct config_errors *errors = malloc(sizeof(*errors));

	if (!errors)
		return -ENOMEM;
	int r = o->demo ? config_demo(o->listen, errors, ret) : config_load(o->config, errors, ret);
	config_errors_print(errors, stderr);
	if (r == -ENOENT && !o->demo && !strcmp(o->config, CONFIG_DEFAULT))
		fputs("sptgtd: a first file: sptgtd --sample-config; without any: sptgtd --demo\n", stderr);
	free(errors);
	return r;
}

/* The server is drained, or iSNS servers do not name us any more. */
static void stopped(void *arg)
{
	struct daemon *d = arg;

	if (--d->waits)
		return;
	loop_stop(d->server.workers[0].loop);
}

static void terminate(void *arg)
{
	struct daemon *d = arg;
	uint64_t timeout_us = d->server.generation->config->daemon.drain_timeout_us;

	if (d->reload.under_way) {
		if (!d->stop_asked)
			log_notice("stopping as soon as the reload that is under way is over");
		d->stop_asked = true;
		d->reload.give_up_us = 0;
		return;
	}
	if (d->stopping) {
		log_notice("stopping at once");
		for (unsigned i = 0; i < d->server.n_workers; i++)
			atomic_store(&d->server.workers[i].drain_now, true);
		return;
	}
	d->stopping = true;
	log_notice("stopping: commands that are running may finish, for %llu s at most",
		(unsigned long long)timeout_us / 1000000);
	notify_stopping();
	notify_extend(timeout_us + 5000000);
	control_free(TAKE(d->control));
	watch_stop(&d->watch);
	d->waits = 2;
	server_drain(&d->server, timeout_us, stopped, d);
	if (!d->announcing)
		announce_stop(d->announce, stopped, d);
}

static void reload(void *arg)
{
	struct daemon *d = arg;

	reload_begin(&d->reload, NULL);
}

static void announce_again(struct spt_post *post)
{
	struct daemon *d = post->arg;

	d->announcing = false;
	announce_free(TAKE(d->announce));
	if (d->stopping)
		stopped(d);
	else if (announce_start(&d->server, &d->announce) < 0)
		log_error("iSNS: cannot register what is exported now");
}

/* What called us is about to be taken apart. */
static void announce_stopped(void *arg)
{
	struct daemon *d = arg;

	d->announce_post = (struct spt_post){ .fn = announce_again, .arg = d };
	spt_host_post(loop_host(d->server.workers[0].loop), &d->announce_post);
}

static void reload_over(void *arg, bool switched)
{
	struct daemon *d = arg;

	if (d->stop_asked)
		terminate(d);
	if (d->stop_asked || !switched || d->announcing || announce_keep(d->announce, &d->server))
		return;
	d->announcing = true;
	announce_stop(d->announce, announce_stopped, d);
}

/* What the control socket asks: reload.c's, or show.c's. */
static void ask(void *arg, struct control_query *query)
{
	struct daemon *d = arg;

	if (query->what & CONTROL_RELOAD)
		reload_begin(&d->reload, query);
	else
		SHOW_OPS.ask(&d->server, query);
}

static const struct control_ops CONTROL_OPS = { .ask = ask };

static const struct signals_ops SIGNAL_OPS = { .terminate = terminate, .reload = reload };

static int start_control(struct daemon *d)
{
	struct worker *first = &d->server.workers[0];
	const char *path = d->server.generation->config->daemon.control_socket;
	struct control_params params = {
		.base = loop_event_base(first->loop),
		.path = path,
		.ops = &CONTROL_OPS,
		.arg = d,
	};
	struct spt_error error;

	if (!path || !path[0])
		return 0;
	int r = control_new(&params, &error, &d->control);
	if (r < 0)
		log_error("control socket: %s", error.text);
	return r;
}

static int start(struct daemon *d)
{
	struct worker *first = &d->server.workers[0];
	struct spt_host *host = loop_host(first->loop);

	int r = signals_start(&d->signals, host, &SIGNAL_OPS, d);
	if (!r)
		r = start_control(d);
	if (!r)
		r = server_start(&d->server);
	if (!r)
		watch_start(&d->watch, &d->server);
	if (!r)
		r = announce_start(&d->server, &d->announce);
	return r;
}

static size_t take_sockets(struct notify_socket *handed, struct server_socket *sockets)
{
	size_t n = notify_sockets(handed, NOTIFY_SOCKETS_MAX);

	for (size_t i = 0; i < n; i++)
		sockets[i] = (struct server_socket){ handed[i].fd, handed[i].name };
	return n;
}

/* Once, so that nobody finds out when the power has failed. */
static void check_state_dir(const char *path)
{
	int r = access(path, R_OK | W_OK | X_OK) < 0 ? errno : 0;

	if (r)
		log_warning("state-dir %s: %s; serial numbers are made from the machine's identity, and "
			"no persistent reservation can outlive this daemon", path, strerror(r));
}

static int run(struct daemon *d)
{
	struct notify_socket handed[NOTIFY_SOCKETS_MAX];
	struct server_socket sockets[NOTIFY_SOCKETS_MAX];
	const struct config_daemon *c = &d->config->daemon;
	struct spt_error error = { "" };

	privileges_allow_connections(c->max_connections);
	int r = privileges_drop(c->user, c->group, &error);
	if (!r)
		r = server_init(&d->server, TAKE(d->config), sockets, take_sockets(handed, sockets), &error);
	if (!r && d->reload.path)
		check_state_dir(d->server.state_dir);
	if (r < 0)
		log_error("%s", error.text);
	else
		r = start(d);
	if (!r) {
		notify_status("targets: %zu", d->server.generation->n_targets);
		notify_ready();
		log_notice("ready");
		loop_run(d->server.workers[0].loop);
		signals_stop(&d->signals);
		log_notice("stopped");
	}
	announce_free(TAKE(d->announce));
	server_deinit(&d->server);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = { .config = CONFIG_DEFAULT, .log = LOGGING_AUTO };
	struct daemon d = { 0 };

	int r = parse_options(argc, argv, &o);
	if (r)
		return r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	logging_start(o.log);
	r = load_config(&o, &d.config);
	if (r < 0 || o.check) {
		if (r >= 0)
			printf("%s is good: portals %zu, devices %zu, targets %zu\n",
				o.demo ? "the demo's configuration" : o.config, d.config->n_portals,
				d.config->n_devices, d.config->n_targets);
		config_free(d.config);
		return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	log_set_level(o.level_given ? o.level : (enum log_level)d.config->daemon.log_level);
	signals_block();
	log_writer_start();
	d.reload = (struct reload){
		.server = &d.server,
		.path = o.demo ? NULL : o.config,
		.level_given = o.level_given,
		.over = reload_over,
		.arg = &d,
	};
	r = run(&d);
	log_writer_stop();
	config_free(d.config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
