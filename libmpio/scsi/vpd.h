// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Vital product data pages (SPC-4 7.8, SBC-3 6.6).
 *
 * Every parser returns 0, -EPROTO where the bytes contradict the standard
 * (another page code, lengths that cannot be), or -EMSGSIZE where the answer
 * ends before a field that is needed.  On error *out is zero.  PAGE LENGTH
 * beyond the buffer is no error in itself: what is there is used.
 * Pure functions: any thread.
 */
#ifndef MPIO_VPD_H
#define MPIO_VPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vpd_page {
	VPD_SUPPORTED_PAGES = 0x00,
	VPD_UNIT_SERIAL_NUMBER = 0x80,
	VPD_DEVICE_IDENTIFICATION = 0x83,
	VPD_BLOCK_LIMITS = 0xb0,
	VPD_BLOCK_CHARACTERISTICS = 0xb1,
	VPD_LOGICAL_BLOCK_PROVISIONING = 0xb2,
};

/* Allocation lengths with room to spare over what devices send. */
#define VPD_ALLOC_LEN 512
#define VPD_DESIGNATION_ALLOC_LEN 4096

/* 00h: the set of page codes that the device has (SPC-4 7.8, supported VPD pages). */
struct vpd_pages {
	uint8_t bitmap[32];
};

int vpd_pages_parse(const void *buf, size_t len, struct vpd_pages *out);
bool vpd_pages_has(const struct vpd_pages *pages, uint8_t page);

/* 80h: the unit's serial number (SPC-4 7.8, unit serial number). */
struct vpd_serial {
	uint8_t len;
	char text[256];		/* blanks and NULs cut off at both ends; may be empty */
};

/* -EPROTO also for bytes that are not printable ASCII, -EMSGSIZE if incomplete. */
int vpd_serial_parse(const void *buf, size_t len, struct vpd_serial *out);

/* 83h: designators of the unit, the target port, the target (SPC-4 7.8.6). */
enum vpd_association {
	VPD_ASSOCIATION_LU = 0,
	VPD_ASSOCIATION_PORT = 1,
	VPD_ASSOCIATION_TARGET = 2,
};

enum vpd_designator_type {
	VPD_DESIGNATOR_VENDOR = 0x0,
	VPD_DESIGNATOR_T10 = 0x1,
	VPD_DESIGNATOR_EUI64 = 0x2,
	VPD_DESIGNATOR_NAA = 0x3,
	VPD_DESIGNATOR_RELATIVE_PORT = 0x4,
	VPD_DESIGNATOR_PORT_GROUP = 0x5,
	VPD_DESIGNATOR_LU_GROUP = 0x6,
	VPD_DESIGNATOR_MD5 = 0x7,
	VPD_DESIGNATOR_NAME = 0x8,
};

enum vpd_code_set {
	VPD_CODE_SET_BINARY = 1,
	VPD_CODE_SET_ASCII = 2,
	VPD_CODE_SET_UTF8 = 3,
};

#define VPD_DESIGNATORS 32

struct vpd_designator {
	uint8_t association;	/* enum vpd_association, 3 is reserved */
	uint8_t type;		/* enum vpd_designator_type or reserved */
	uint8_t code_set;	/* enum vpd_code_set or reserved */
	bool protocol_valid;	/* PIV */
	uint8_t protocol;	/* PROTOCOL IDENTIFIER, SPC-4 7.6.1; 5 = iSCSI */
	uint8_t len;		/* of bytes; 0 is possible */
	uint8_t bytes[255];
};

struct vpd_designation {
	unsigned count;
	bool cut;		/* there were more than VPD_DESIGNATORS */
	bool truncated;		/* PAGE LENGTH goes beyond the bytes received */
	struct vpd_designator list[VPD_DESIGNATORS];
};

int vpd_designation_parse(const void *buf, size_t len, struct vpd_designation *out);

/*
 * The first designator of that association and type behind "after" (NULL: from
 * the start), or NULL.  -1 as association or type takes any.  Borrowed from d.
 */
const struct vpd_designator *vpd_designation_next(const struct vpd_designation *d,
						  const struct vpd_designator *after,
						  int association, int type);

/*
 * The number in a relative target port or a target port group designator of
 * the port that answered, or -ENOENT (SPC-4 7.8.6).
 */
int vpd_relative_port(const struct vpd_designation *d);
int vpd_port_group(const struct vpd_designation *d);

/*
 * B0h: block limits (SBC-3 6.6), in logical blocks, as sent; 0 where the
 * device sent none.  SBC-2's page ends before max_prefetch.  What may be relied
 * upon is asked of the functions below.
 */
struct vpd_block_limits {
	bool wsnz;			/* WRITE SAME refuses a length of 0 */
	uint8_t max_compare_and_write;
	uint16_t granularity;		/* OPTIMAL TRANSFER LENGTH GRANULARITY */
	uint32_t max_transfer;
	uint32_t optimal_transfer;
	uint32_t max_prefetch;
	uint32_t max_unmap_lba_count;
	uint32_t max_unmap_descriptors;
	uint32_t unmap_granularity;
	bool unmap_alignment_valid;	/* UGAVALID */
	uint32_t unmap_alignment;
	uint64_t max_write_same;
};

int vpd_block_limits_parse(const void *buf, size_t len, struct vpd_block_limits *out);

/* Most blocks in one READ or WRITE; UINT32_MAX if the device sets no limit. */
uint32_t vpd_max_transfer(const struct vpd_block_limits *bl);

/* Blocks the device likes best in one transfer; 0 if unsaid or above its limit. */
uint32_t vpd_optimal_transfer(const struct vpd_block_limits *bl);

/* Transfers should be multiples of this; 1 if unsaid or above the limit. */
uint32_t vpd_transfer_granularity(const struct vpd_block_limits *bl);

/* Most blocks in an UNMAP of one descriptor; 0 if the device has no UNMAP. */
uint32_t vpd_max_unmap(const struct vpd_block_limits *bl);

/* Most blocks in one WRITE SAME(16); UINT32_MAX (all its CDB can say) if no limit. */
uint32_t vpd_max_write_same(const struct vpd_block_limits *bl);

/*
 * Blocks are unmapped in units of the returned number that start at LBAs
 * n * granularity + *alignment; 1 and 0 if the device sent nothing usable.
 */
uint32_t vpd_unmap_granularity(const struct vpd_block_limits *bl, uint32_t *alignment);

/* B1h: block device characteristics (SBC-3 6.6). */
struct vpd_block_characteristics {
	uint16_t rotation_rate;	/* 0 unsaid, 1 does not rotate, else rpm */
	uint8_t form_factor;	/* NOMINAL FORM FACTOR */
};

int vpd_block_characteristics_parse(const void *buf, size_t len,
				    struct vpd_block_characteristics *out);

/* B2h: logical block provisioning (SBC-3 6.6). */
enum vpd_provisioning_type {
	VPD_PROVISIONING_UNSAID = 0,	/* or fully provisioned */
	VPD_PROVISIONING_RESOURCE = 1,
	VPD_PROVISIONING_THIN = 2,
};

struct vpd_provisioning {
	uint8_t threshold_exponent;
	bool lbpu;		/* UNMAP */
	bool lbpws;		/* WRITE SAME(16) with UNMAP */
	bool lbpws10;		/* WRITE SAME(10) with UNMAP */
	bool lbprz;		/* unmapped blocks read as zeros */
	uint8_t type;		/* enum vpd_provisioning_type or reserved */
};

int vpd_provisioning_parse(const void *buf, size_t len, struct vpd_provisioning *out);

#endif
