/* SPDX-License-Identifier: MIT */
/*
 * sptgtctl: asks a running sptgtd and shows the answer; and makes secrets, for which it asks nobody.
 * Exit status: 0 done, 1 the daemon said no, 2 wrong usage, 3 the daemon cannot be asked.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "cli/client.h"
#include "cli/secret.h"
#include "cli/views.h"
#include "control/json.h"
#include "log/log.h"

#define DEFAULT_SOCKET "/run/sptgt/control.sock"

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
};

struct command {
	const char *name;
	const char *arguments; /* what stands after it, as the help shows it, or NULL */
	unsigned n_arguments;
	const char *method; /* NULL: nobody is asked */
	const char *path; /* with DELETE a number is put after it */
	const struct table *view;
	const char *help;
};

static const struct command COMMANDS[] = {
	{ "targets", NULL, 0, "GET", "/v1/targets", &VIEW_TARGETS, "list targets" },
	{ "luns", NULL, 0, "GET", "/v1/luns", &VIEW_LUNS, "list logical units and their devices" },
	{ "sessions", NULL, 0, "GET", "/v1/sessions", &VIEW_SESSIONS, "list sessions" },
	{ "end-session", "ID", 1, "DELETE", "/v1/sessions/", NULL, "end a session: its commands are "
		"aborted" },
	{ "unfence", "DEVICE", 1, "POST", "/v1/unfence", NULL, "bring a fenced device back" },
	{ "reset", "DEVICE", 1, "POST", "/v1/reset", NULL, "reset a device: the commands of all "
		"initiators are aborted" },
	{ "layers", NULL, 0, "GET", "/v1/layers", &VIEW_LAYERS, "list what layers do to devices" },
	{ "layer", "DEVICE LAYER SETTING", 3, "POST", "/v1/layers", NULL, "change a layer: on, off, "
		"release, KEY=VALUE" },
	{ "ask-logout", "ID", 1, "POST", "/v1/sessions/logout/", NULL, "ask the initiator of a session to "
		"log out, and end it if it does not" },
	{ "move-session", "ID", 1, "POST", "/v1/sessions/move/", NULL, "move a session to the event loop that "
		"is least busy" },
	{ "reload", NULL, 0, "POST", "/v1/reload", NULL, "read the configuration again, and use it if it has "
		"no fault" },
	{ "metrics", NULL, 0, "GET", "/metrics", NULL, "show all counters in the Prometheus text "
		"format" },
	{ "new-secret", "binary|text", 1, NULL, NULL, NULL, "make a CHAP secret: binary of 128 random bits, or text of 16 "
		"characters" },
};

static void usage(FILE *to)
{
	fprintf(to, "usage: sptgtctl [--socket PATH] [--json] COMMAND\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
		const struct command *c = &COMMANDS[i];
		char name[40];

		snprintf(name, sizeof(name), "%s%s%s", c->name, c->arguments ? " " : "",
			c->arguments ? c->arguments : "");
		fprintf(to, "  %-28s %s\n", name, c->help);
	}
	fprintf(to, "\n  --socket PATH    the control socket of sptgtd (%s)\n"
		    "  --json           show the answer as it came\n"
		    "  --version        show the version of this program\n"
		    "  --help           show this\n",
		DEFAULT_SOCKET);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
		if (!strcmp(COMMANDS[i].name, name))
			return &COMMANDS[i];
	}
	return NULL;
}

/* Each line of @text, which is changed, made harmless. */
static void show_lines(char *text, const char *before, FILE *to)
{
	char *rest = text, *line, shown[4096];

	while ((line = strsep(&rest, "\n"))) {
		if (!*line && !rest)
			break;
		log_escape(line, shown, sizeof(shown));
		fprintf(to, "%s%s\n", before, shown);
	}
}

static void show_report(const struct client_answer *answer)
{
	AUTO_FREE char *report = json_read_report(answer->body, answer->bytes);

	if (report)
		show_lines(report, "", stdout);
	else
		fwrite(answer->body, 1, answer->bytes, stdout);
}

static int show_refusal(const struct client_answer *answer)
{
	static char raw[65536];

	if (json_read_error(answer->body, answer->bytes, raw, sizeof(raw)) < 0)
		snprintf(raw, sizeof(raw), "HTTP status %d", answer->status);
	show_lines(raw, "sptgtctl: ", stderr);
	return EXIT_REFUSED;
}

static int show_table(const struct table *view, const struct client_answer *answer)
{
	struct snapshot snapshot = { .n_targets = 0 };
	int r = json_read_rows(answer->body, answer->bytes, view->kind, &snapshot);

	if (!r)
		r = table_print(view, &snapshot, stdout);
	snapshot_deinit(&snapshot);
	if (!r)
		return 0;
	fprintf(stderr, "sptgtctl: the answer cannot be shown: %s\n",
		r == -EBADMSG ? "it is not of this version" : strerror(-r));
	return EXIT_UNREACHABLE;
}

/* @path and @body: where to, and with what. */
static int run(const struct command *command, const char *socket_path, const char *path,
	const char *body, bool json)
{
	struct client_answer answer = { .status = 0 };
	struct spt_error error = { .text = "" };

	if (client_ask(socket_path, command->method, path, body, &answer, &error) < 0) {
		fprintf(stderr, "sptgtctl: %s\n", error.text);
		return EXIT_UNREACHABLE;
	}
	int status = 0;
	if (answer.status != 200)
		status = show_refusal(&answer);
	else if (command->view && !json)
		status = show_table(command->view, &answer);
	else if (json)
		fwrite(answer.body, 1, answer.bytes, stdout);
	else if (!command->arguments)
		show_report(&answer);
	free(answer.body);
	if (fflush(stdout) && !status)
		status = EXIT_UNREACHABLE;
	return status;
}

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "sptgtctl: %s%s; see sptgtctl --help\n", text, what);
	return EXIT_USAGE;
}

static int run_number(const struct command *command, const char *id, const char *socket_path,
	bool json)
{
	uint64_t number;
	char path[64];

	if (strchr(id, 'x') || parse_u64(id, &number) < 0)
		return wrong("not the number of a session: ", id);
	snprintf(path, sizeof(path), "%s%s", command->path, id);
	return run(command, socket_path, path, NULL, json);
}

/* Words from @words on as one text; false: it does not fit. */
static bool join(char *text, size_t bytes, int n, char **words)
{
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		int w = snprintf(text + used, bytes - used, "%s%s", i ? " " : "", words[i]);
		if (w < 0 || (size_t)w >= bytes - used)
			return false;
		used += (size_t)w;
	}
	return true;
}

/* The request's fields in the order of the arguments; the last one may have blanks. */
static int run_post(const struct command *command, int n, char **words, const char *socket_path,
	bool json)
{
	struct snapshot_request request = { .device = "" };
	const struct {
		char *text;
		size_t bytes;
	} fields[] = {
		{ request.device, sizeof(request.device) },
		{ request.layer, sizeof(request.layer) },
		{ request.setting, sizeof(request.setting) },
	};

	for (unsigned i = 0; i < command->n_arguments; i++) {
		int many = i + 1 == ARRAY_SIZE(fields) ? n - (int)i : 1;
		if (!join(fields[i].text, fields[i].bytes, many, words + i))
			return wrong("too long: ", words[i]);
	}
	AUTO_FREE char *body = json_write_request(&request);
	if (!body)
		return wrong("not UTF-8 after ", command->name);
	return run(command, socket_path, command->path, body, json);
}

static int show_secret(const char *form)
{
	char text[SECRET_TEXT_MAX];
	int r = secret_new(form, text);

	if (r == -EINVAL)
		return wrong("a secret is binary or text, and not ", form);
	if (r < 0) {
		fprintf(stderr, "sptgtctl: no random numbers\n");
		return EXIT_REFUSED;
	}
	puts(text);
	explicit_bzero(text, sizeof(text));
	return fflush(stdout) ? EXIT_UNREACHABLE : 0;
}

static int run_arguments(int n, char **words, const char *socket_path, bool json)
{
	const struct command *command = n ? find_command(words[0]) : NULL;

	if (!n)
		return wrong("no command", "");
	if (!command)
		return wrong("there is no command ", words[0]);
	if (n - 1 < (int)command->n_arguments)
		return wrong("something is missing after ", words[n - 1]);
	if (n - 1 > (int)command->n_arguments && command->n_arguments < 3)
		return wrong("too many words after ", words[0]);
	if (!command->method)
		return show_secret(words[1]);
	if (command->path[strlen(command->path) - 1] == '/')
		return run_number(command, words[1], socket_path, json);
	if (!strcmp(command->method, "POST"))
		return run_post(command, n - 1, words + 1, socket_path, json);
	return run(command, socket_path, command->path, NULL, json);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *socket_path = DEFAULT_SOCKET;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "s:jh", OPTIONS, NULL)) >= 0) {
		switch (c) {
		case 's':
			socket_path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'v':
			printf("sptgtctl " SPTGT_VERSION "\n");
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	return run_arguments(argc - optind, argv + optind, socket_path, json);
}
