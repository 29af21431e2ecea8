/* SPDX-License-Identifier: MIT */
/* A login in a test: see talk.h. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct talk talk_start(void)
{
	struct talk talk = {
		.limits = login_limits_default(),
		.target = { .portal_group_tag = 1 },
		.session = { .tsih = 7 },
		.request = { .isid = { 0x40, 0, 0, 0, 0, 1 }, .itt = 5, .cid = 1, .cmd_sn = { 100 } },
	};

	assert_int_equal(login_new(&talk.limits, sn(0xffffffff), &talk.login), 0);
	return talk;
}

void talk_end(struct talk *talk)
{
	login_free(talk->login);
}

static void hear(struct talk *talk)
{
	const struct login_message *m = login_reply(talk->login);

	talk->reply = m->response;
	assert_true(m->response.data_bytes <= LOGIN_SEGMENT_MAX);
	memcpy(talk->said, m->text, m->response.data_bytes);
	talk->said[m->response.data_bytes] = 0;
	for (uint32_t i = 0; i < m->response.data_bytes; i++) {
		if (!talk->said[i])
			talk->said[i] = ' ';
	}
}

static void run_questions(struct talk *talk)
{
	while (!talk->hold) {
		if (talk->action == LOGIN_ASK_TARGET) {
			assert_non_null(login_question(talk->login));
			talk->asked_target++;
			talk->action = login_answer_target(talk->login, &talk->target);
		} else if (talk->action == LOGIN_ASK_SESSION) {
			talk->asked_session++;
			talk->action = login_answer_session(talk->login, &talk->session);
		} else {
			break;
		}
	}
	if (talk->action != LOGIN_ASK_TARGET && talk->action != LOGIN_ASK_SESSION)
		hear(talk);
}

enum login_action talk_answer(struct talk *talk)
{
	talk->hold = false;
	run_questions(talk);
	return talk->action;
}

static void parse_flags(struct pdu_login_request *q, const char *flags)
{
	q->csg = (uint8_t)(flags[0] - '0');
	q->transit = strchr(flags, '>');
	q->nsg = q->transit ? (uint8_t)(strchr(flags, '>')[1] - '0') : 0;
	q->continues = strchr(flags, 'C');
}

enum login_action talk_say_bytes(struct talk *talk, const char *flags, const void *text, size_t n)
{
	/* at its exact length, and gone afterwards: a login that kept a pointer would be seen */
	char *copy = malloc(n + !n);

	assert_non_null(copy);
	memcpy(copy, text, n);
	parse_flags(&talk->request, flags);
	talk->request.data_bytes = (uint32_t)n;
	talk->action = login_request(talk->login, &talk->request, copy);
	memset(copy, 0xee, n);
	free(copy);
	run_questions(talk);
	return talk->action;
}

enum login_action talk_say(struct talk *talk, const char *flags, const char *pairs)
{
	char text[LOGIN_SEGMENT_MAX + 512];
	size_t n = strlen(pairs);

	assert_true(n < sizeof(text));
	memcpy(text, pairs, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ' ')
			text[i] = 0;
	}
	return talk_say_bytes(talk, flags, text, n);
}

const char *talk_heard(const struct talk *talk)
{
	static char heard[LOGIN_SEGMENT_MAX + 64];
	const struct pdu_login_response *r = &talk->reply;
	char next[8] = "";

	if (r->transit)
		snprintf(next, sizeof(next), ">%u", r->nsg);
	snprintf(heard, sizeof(heard), "%u%s%s %04x %s", r->csg, r->continues ? "C" : "", next,
		r->status, talk->said);
	return heard;
}
