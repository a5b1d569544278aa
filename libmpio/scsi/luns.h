// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Logical unit numbers (SAM-5 4.7) and the REPORT LUNS list (SPC-4, REPORT LUNS).
 *
 * A LUN is 8 bytes; here it is those bytes read as one big-endian integer, so
 * that LUN 1 is 0001000000000000h.  Pure functions: any thread.
 */
#ifndef MPIO_LUNS_H
#define MPIO_LUNS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes before the first LUN of a REPORT LUNS answer. */
#define REPORT_LUNS_HEADER_LEN 8

/* The largest number that a single-level LUN expresses here. */
#define LUN_NUMBER_MAX 16383

/* Room that lun_format() needs. */
#define LUN_TEXT_MAX 20

/*
 * Puts up to max LUNs into luns (caller's) and the number of LUNs that the
 * device has into *total; total above the returned number means: ask again
 * with 8 * total + 8 bytes.  Returns the number stored, -EMSGSIZE without a
 * whole header, -EPROTO for a list length that is no multiple of 8.
 */
int report_luns_parse(const void *buf, size_t len, uint64_t *luns, size_t max, size_t *total);

/*
 * Peripheral device addressing, bus 0, below 256 (SAM-5 4.7), else flat
 * space addressing (SAM-5 4.7).  -ERANGE above LUN_NUMBER_MAX.
 */
int lun_from_number(uint16_t number, uint64_t *lun);

/*
 * The number of a single-level LUN in either addressing method, 0 to
 * LUN_NUMBER_MAX, or -EINVAL for any other LUN (several levels, a bus, well
 * known).  Two LUNs of one number need not be equal.
 */
int lun_to_number(uint64_t lun);

/* The first of a LUN's four levels: all that a single-level LUN holds. */
static inline uint16_t lun_first_level(uint64_t lun)
{
	return (uint16_t)(lun >> 48);
}

/* Decimal where lun_to_number() knows it, else 0x and 16 hexadecimal digits. */
void lun_format(uint64_t lun, char *buf, size_t len);

#endif
