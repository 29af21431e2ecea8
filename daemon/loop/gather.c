/* SPDX-License-Identifier: MIT */
/* How long commands may gather: see gather.h. */
#include "loop/gather.h"

#include "base/util.h"

#define US UINT64_C(1000)
#define MS (1000 * US)

/* Level 1; each one above is twice as long. */
#define PAUSE_NS (25 * US)

#define WINDOW_NS       (2 * MS)
#define WINDOW_COMMANDS 32u
#define WINDOW_MAX_NS   (20 * MS)
/*
 * What a longer pause must bring, of the shorter one's rate. Where few commands gather, three in a hundred more: the rate of a window is
 * not known better, and a pause costs latency. Where many do, they have a queue behind them, beside which it does
 * not count; as many commands for less processor time are enough.
 */
#define WORTH_FEW  103u
#define WORTH_MANY 98u
#define MANY       (4 * BATCH_1)
#define LEAD_WON  4
#define LEAD_LOST (-2)

#define REST_MIN_NS (10 * MS)
#define REST_MAX_NS (1000 * MS)
/* After so long without a command nothing is known any more. */
#define FORGET_NS (20 * MS)

#define BATCH_1     256u
#define BATCH_FIRST (BATCH_1 + BATCH_1 / 2)
#define BATCH_LEAST (BATCH_1 + BATCH_1 / 5)

static uint64_t pause_of(unsigned level)
{
	return level ? PAUSE_NS << (level - 1) : 0;
}

static unsigned in_use(const struct gather *g)
{
	return g->tried ? g->other : g->level;
}

static void forget(struct gather *g, uint64_t now_ns)
{
	g->level = g->other = 0;
	g->tried = g->shorter = false;
	g->batch = BATCH_FIRST;
	g->rest_ns = REST_MIN_NS;
	g->next_ns = now_ns + REST_MIN_NS;
}

void gather_init(struct gather *gather, uint64_t limit_us)
{
	*gather = (struct gather){ .limit_ns = limit_us * US };
	forget(gather, 0);
}

static void begin_window(struct gather *g, uint64_t now_ns)
{
	g->begin_ns = now_ns;
	g->begin_commands = g->commands;
}

static void begin_trial(struct gather *g, uint64_t now_ns)
{
	bool longer = pause_of(g->level + 1) <= g->limit_ns;

	if (g->level && (g->shorter || !longer))
		g->other = g->level - 1;
	else if (longer)
		g->other = g->level + 1;
	g->lead = 0;
	g->batch = BATCH_FIRST;
	begin_window(g, now_ns);
}

/* It goes on in the same direction at once. */
static void win(struct gather *g, uint64_t now_ns)
{
	g->shorter = g->other < g->level;
	g->level = g->other;
	g->tried = false;
	g->rest_ns = REST_MIN_NS;
	g->next_ns = now_ns;
}

/* The next trial is in the other direction. */
static void lose(struct gather *g, uint64_t now_ns)
{
	g->shorter = g->other > g->level;
	g->other = g->level;
	g->tried = false;
	g->next_ns = now_ns + g->rest_ns;
	g->rest_ns = MIN(2 * g->rest_ns, REST_MAX_NS);
}

static void judge(struct gather *g, uint64_t now_ns, uint64_t rate)
{
	bool longer = g->other > g->level;
	unsigned worth = g->batch >= MANY ? WORTH_MANY : WORTH_FEW;
	uint64_t mine = g->rate * (longer ? worth : 100), its = rate * (longer ? 100 : worth);

	g->lead += its > mine ? 1 : -1;
	if (g->lead >= LEAD_WON)
		win(g, now_ns);
	else if (g->lead <= LEAD_LOST)
		lose(g, now_ns);
}

/* The window of the one in use comes first, that of the one on trial after it. */
static void on_trial(struct gather *g, uint64_t now_ns)
{
	uint64_t ns = now_ns - g->begin_ns, commands = g->commands - g->begin_commands;

	if (ns < WINDOW_NS || (commands < WINDOW_COMMANDS && ns < WINDOW_MAX_NS))
		return;
	uint64_t rate = commands * 1000 * MS / ns;
	bool pair = g->tried;
	g->tried = !g->tried;
	if (commands < WINDOW_COMMANDS)
		lose(g, now_ns); /* too little goes on for a comparison */
	else if (pair)
		judge(g, now_ns, rate);
	g->rate = rate;
	begin_window(g, now_ns);
}

/* After a pause there were @fresh commands. Is it for more than one? */
static void learn_batch(struct gather *g, uint64_t now_ns, uint64_t fresh)
{
	g->batch = (3 * g->batch + (unsigned)MIN(fresh, UINT64_C(64)) * BATCH_1) / 4;
	if (g->batch >= BATCH_LEAST)
		return;
	g->level = 0;
	lose(g, now_ns);
}

uint64_t gather_pause(struct gather *g, uint64_t now_ns, uint64_t commands)
{
	uint64_t fresh = commands - g->commands;

	if (!fresh || !g->limit_ns)
		return 0;
	g->commands = commands;
	if (now_ns - g->last_ns > FORGET_NS)
		forget(g, now_ns);
	else if (in_use(g))
		learn_batch(g, now_ns, fresh);
	g->last_ns = now_ns;
	if (g->other != g->level)
		on_trial(g, now_ns);
	else if (now_ns >= g->next_ns)
		begin_trial(g, now_ns);
	return pause_of(in_use(g));
}
