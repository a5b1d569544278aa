// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layer.h"

#include <assert.h>

static uint64_t bit_of(const struct option *option)
{
	size_t count;
	const struct option *table = options_all(&count);
	size_t index = (size_t)(option - table);

	assert(index < count && index < 64);
	return (uint64_t)1 << index;
}

void layer_init(struct layer *layer)
{
	settings_init(&layer->settings);
	layer->given = 0;
}

int layer_set(struct layer *layer, const struct option *option, const char *value,
	      char *error, size_t len)
{
	int result = option_set(&layer->settings, option, value, error, len);

	if (result == 0)
		layer->given |= bit_of(option);
	return result;
}

bool layer_has(const struct layer *layer, const struct option *option)
{
	return layer->given & bit_of(option);
}
