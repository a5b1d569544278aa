// SPDX-License-Identifier: LGPL-2.1-or-later
#include "put.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

void put_number(json_t *object, const char *key, uint64_t value)
{
	put(object, key, json_integer((json_int_t)value));
}

json_t *put_clean(const char *text)
{
	char copy[1024];
	json_t *value = json_string(text);

	if (value || !text)
		return value;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return json_string(copy);
}

void put_text(json_t *object, const char *key, const char *text)
{
	put(object, key, put_clean(text));
}

/* The core keeps monotonic time only: an age is turned into a date here. */
void put_time(json_t *object, const char *key, uint64_t now_us, uint64_t then_us)
{
	char text[40];
	struct timespec ts;
	struct tm tm;
	uint64_t us;

	if (then_us == 0) {
		put(object, key, json_null());
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	us -= now_us > then_us ? now_us - then_us : 0;
	ts.tv_sec = (time_t)(us / 1000000);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%03uZ",
		 (unsigned int)(us / 1000 % 1000));
	put(object, key, json_string(text));
}
