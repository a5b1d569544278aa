// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sense data: why a command ended with CHECK CONDITION (SPC-4 4.5).
 *
 * The struct is called sense, not scsi_sense, because <iscsi/scsi-lowlevel.h>
 * owns that tag.  Pure functions: any thread.
 */
#ifndef MPIO_SENSE_H
#define MPIO_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SPC-4 4.5, "sense key descriptions". */
enum sense_key {
	SENSE_KEY_NO_SENSE = 0x0,
	SENSE_KEY_RECOVERED_ERROR = 0x1,
	SENSE_KEY_NOT_READY = 0x2,
	SENSE_KEY_MEDIUM_ERROR = 0x3,
	SENSE_KEY_HARDWARE_ERROR = 0x4,
	SENSE_KEY_ILLEGAL_REQUEST = 0x5,
	SENSE_KEY_UNIT_ATTENTION = 0x6,
	SENSE_KEY_DATA_PROTECT = 0x7,
	SENSE_KEY_BLANK_CHECK = 0x8,
	SENSE_KEY_VENDOR_SPECIFIC = 0x9,
	SENSE_KEY_COPY_ABORTED = 0xa,
	SENSE_KEY_ABORTED_COMMAND = 0xb,
	SENSE_KEY_RESERVED = 0xc,
	SENSE_KEY_VOLUME_OVERFLOW = 0xd,
	SENSE_KEY_MISCOMPARE = 0xe,
	SENSE_KEY_COMPLETED = 0xf,
};

struct sense {
	bool valid;		/* the rest means something */
	bool deferred;		/* about an earlier command; this one was not processed */
	uint8_t key;		/* enum sense_key */
	uint8_t asc, ascq;	/* 0/0 where the device sent none */
	bool information_valid;
	uint64_t information;	/* for block devices: the first LBA in error */
	bool sks_valid;
	uint8_t sks[3];		/* sense key specific bytes, SPC-4 4.5.2 */
};

/*
 * Parses fixed (response codes 70h, 71h; SPC-4 4.5.3) or descriptor format
 * (72h, 73h; SPC-4 4.5.2) sense data.  A device may send less than the full
 * format: what is missing reads as zero, as long as the sense key is there.
 * Returns 0, -EMSGSIZE if the sense key is not there, -EPROTO for any other
 * response code.  On error out->valid is false and the rest zero.
 */
int sense_parse(const void *buf, size_t len, struct sense *out);

/*
 * The same for the data segment of an iSCSI SCSI Response, in which a 16-bit
 * SenseLength precedes the sense data (RFC 7143 11.4.7).  A SenseLength beyond
 * the segment is taken as the segment's end.
 */
int sense_parse_segment(const void *segment, size_t len, struct sense *out);

/* "UNIT ATTENTION": a constant string; only the low four bits of key count. */
const char *sense_key_name(uint8_t key);

/*
 * The meaning of an additional sense code (SPC-4 annex F.2), in lower case and
 * shortened, or NULL for one that block storage does not meet.  A constant.
 */
const char *sense_asc_name(uint8_t asc, uint8_t ascq);

/*
 * "UNIT ATTENTION 29h/00h (power on, reset, or bus device reset occurred)",
 * with "deferred " in front where that is so and ", LBA n" at the end where
 * the information field is valid; "no sense data" if !s->valid.  Always
 * terminated, cut at len; len 0 writes nothing.
 */
void sense_format(const struct sense *s, char *buf, size_t len);

#endif
