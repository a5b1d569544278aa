// SPDX-License-Identifier: LGPL-2.1-or-later
#include "luns.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "bytes.h"

#define METHOD_FLAT 0x4000	/* top two bits of the first level, SAM-5 4.7 */

int report_luns_parse(const void *buf, size_t len, uint64_t *luns, size_t max, size_t *total)
{
	const uint8_t *p = buf;
	uint32_t list_len;
	size_t n, here;

	*total = 0;
	if (len < REPORT_LUNS_HEADER_LEN)
		return -EMSGSIZE;
	list_len = get_be32(p);
	if (list_len % 8 != 0)
		return -EPROTO;

	*total = list_len / 8;
	here = (len - REPORT_LUNS_HEADER_LEN) / 8;
	n = *total < here ? *total : here;
	if (n > max)
		n = max;
	if (n > INT_MAX)
		n = INT_MAX;
	for (size_t i = 0; i < n; i++)
		luns[i] = get_be64(p + REPORT_LUNS_HEADER_LEN + 8 * i);
	return (int)n;
}

int lun_from_number(uint16_t number, uint64_t *lun)
{
	uint16_t level = number;

	if (number > LUN_NUMBER_MAX)
		return -ERANGE;
	if (number > 255)
		level |= METHOD_FLAT;
	*lun = (uint64_t)level << 48;
	return 0;
}

int lun_to_number(uint64_t lun)
{
	uint16_t level = lun_first_level(lun);

	if (lun << 16)
		return -EINVAL;		/* deeper levels are in use */
	if (level < 256)
		return level;		/* peripheral device addressing, bus 0 */
	if ((level & 0xc000) == METHOD_FLAT)
		return level & 0x3fff;
	return -EINVAL;
}

void lun_format(uint64_t lun, char *buf, size_t len)
{
	int number = lun_to_number(lun);

	if (number >= 0)
		snprintf(buf, len, "%d", number);
	else
		snprintf(buf, len, "0x%016" PRIx64, lun);
}
