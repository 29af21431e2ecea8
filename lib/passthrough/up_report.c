/* SPDX-License-Identifier: MIT */
/* How it is with the sessions of an upstream device, in a line. */
#include <stdio.h>

#include "passthrough/up_device.h"

void up_report_opened(struct up_device *d)
{
	pthread_mutex_lock(&d->lock);
	d->report.channels++;
	pthread_mutex_unlock(&d->lock);
}

void up_report_closed(struct up_device *d)
{
	pthread_mutex_lock(&d->lock);
	d->report.channels--;
	pthread_mutex_unlock(&d->lock);
}

void up_report_up(struct up_device *d, const struct up_address *portal)
{
	pthread_mutex_lock(&d->lock);
	d->report.up++;
	d->report.since = time(NULL);
	d->report.portal = *portal;
	pthread_mutex_unlock(&d->lock);
}

void up_report_down(struct up_device *d, bool was_up, const char *why)
{
	struct up_report *r = &d->report;

	pthread_mutex_lock(&d->lock);
	r->up -= was_up;
	if (why) {
		r->losses += was_up;
		if (was_up || !r->since)
			r->since = time(NULL);
		snprintf(r->why, sizeof(r->why), "%s", why);
	}
	pthread_mutex_unlock(&d->lock);
}

void up_describe(void *device, char *text, size_t size)
{
	struct up_device *d = device;
	char since[32] = "";
	struct tm tm;

	pthread_mutex_lock(&d->lock);
	const struct up_report r = d->report;
	pthread_mutex_unlock(&d->lock);
	if (r.since && localtime_r(&r.since, &tm))
		strftime(since, sizeof(since), "%F %T", &tm);
	if (!r.channels)
		snprintf(text, size, "upstream not in use");
	else if (!r.up)
		snprintf(text, size, "upstream not connected since %s, lost %u times: %s", since,
			r.losses, r.why);
	else
		snprintf(text, size, "upstream %u of %u connected, last to %s since %s, lost %u times",
			r.up, r.channels, r.portal.text, since, r.losses);
}
