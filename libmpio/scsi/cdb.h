// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Command descriptor blocks for block devices.
 *
 * Each builder fills *c whole and cannot fail.  The caller owns *c.  Lengths of
 * data are bytes, lengths on the medium are logical blocks.  Pure functions:
 * any thread.
 */
#ifndef MPIO_CDB_H
#define MPIO_CDB_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

enum scsi_dir {
	SCSI_DIR_NONE,
	SCSI_DIR_IN,		/* target to initiator */
	SCSI_DIR_OUT,		/* initiator to target */
};

struct scsi_cdb {
	uint8_t bytes[16];
	uint8_t len;		/* of bytes: 6, 10, 12 or 16 */
	uint8_t dir;		/* enum scsi_dir */
	uint32_t data_len;	/* expected data transfer length, bytes */
};

enum scsi_opcode_byte {
	CDB_TEST_UNIT_READY = 0x00,
	CDB_INQUIRY = 0x12,
	CDB_UNMAP = 0x42,
	CDB_MODE_SENSE_10 = 0x5a,
	CDB_READ_16 = 0x88,
	CDB_WRITE_16 = 0x8a,
	CDB_PREFETCH_16 = 0x90,
	CDB_SYNCHRONIZE_CACHE_16 = 0x91,
	CDB_WRITE_SAME_16 = 0x93,
	CDB_SERVICE_ACTION_IN_16 = 0x9e,
	CDB_REPORT_LUNS = 0xa0,
	CDB_MAINTENANCE_IN = 0xa3,
	CDB_MAINTENANCE_OUT = 0xa4,
};

/* Service actions of CDB_SERVICE_ACTION_IN_16, byte 1 bits 4-0. */
enum scsi_service_action {
	CDB_SA_READ_CAPACITY_16 = 0x10,
	CDB_SA_GET_LBA_STATUS = 0x12,
};

/* Service action of both maintenance commands: REPORT and SET TARGET PORT GROUPS. */
#define CDB_SA_TARGET_PORT_GROUPS 0x0a

/* Bytes of a parameter list with one UNMAP block descriptor (SBC-3 5.28). */
#define UNMAP_PARAM_LEN 24

/* TEST UNIT READY (SPC-4). */
void cdb_test_unit_ready(struct scsi_cdb *c);

/*
 * INQUIRY (SPC-4 6.6).  page is the VPD page code when evpd is set and must be
 * 0 otherwise.
 */
void cdb_inquiry(struct scsi_cdb *c, bool evpd, uint8_t page, uint16_t alloc_len);

/*
 * REPORT LUNS (SPC-4) with SELECT REPORT 00h: the logical units that are
 * not well known.  SPC-4 wants alloc_len to be at least 16.
 */
void cdb_report_luns(struct scsi_cdb *c, uint32_t alloc_len);

/* READ CAPACITY(16) (SBC-3 5.16).  The whole answer has 32 bytes. */
void cdb_read_capacity16(struct scsi_cdb *c, uint32_t alloc_len);

/*
 * MODE SENSE(10) (SPC-4) for the current values of one page, without
 * subpages.  page 3Fh asks for all pages.  Block descriptors are allowed (DBD
 * is 0, which every device accepts); LLBAA is 0.
 */
void cdb_mode_sense10(struct scsi_cdb *c, uint8_t page, uint16_t alloc_len);

/*
 * SYNCHRONIZE CACHE(16) (SBC-3), IMMED 0: the answer means the blocks are
 * stable.  nblocks 0 means from lba to the end of the medium.
 */
void cdb_synchronize_cache16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks);

/*
 * WRITE SAME(16) (SBC-3).  The data-out buffer is one logical block of
 * block_size bytes.  With unmap the device may unmap the blocks, if the data is
 * what it returns for unmapped ones.  nblocks 0 means to the end of the medium
 * (or is refused, see WSNZ in VPD B0h): callers never mean it.
 */
void cdb_write_same16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks,
		      uint32_t block_size, bool unmap);

/* UNMAP (SBC-3 5.28), ANCHOR 0, with a parameter list of param_len bytes. */
void cdb_unmap(struct scsi_cdb *c, uint16_t param_len);

/*
 * Fills the parameter list of an UNMAP with one block descriptor (SBC-3
 * 5.28) and returns its length, UNMAP_PARAM_LEN.
 */
size_t unmap_param_build(uint8_t buf[UNMAP_PARAM_LEN], uint64_t lba, uint32_t nblocks);

/* GET LBA STATUS (SBC-3).  At least 24 bytes bring one descriptor. */
void cdb_get_lba_status(struct scsi_cdb *c, uint64_t lba, uint32_t alloc_len);

/*
 * PRE-FETCH(16) (SBC-3), IMMED 1: the answer does not wait for the medium.
 * Answered with CONDITION MET or GOOD.
 */
void cdb_prefetch16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks);

/*
 * REPORT TARGET PORT GROUPS (SPC-4 6.37).  extended asks for the header that
 * tells the implicit transition time; devices older than SPC-4 may refuse that
 * with INVALID FIELD IN CDB, or answer without it.
 */
void cdb_report_port_groups(struct scsi_cdb *c, bool extended, uint32_t alloc_len);

/* SET TARGET PORT GROUPS (SPC-4 6.45) with a parameter list of param_len bytes. */
void cdb_set_port_groups(struct scsi_cdb *c, uint32_t param_len);

/* The command's name as the standards spell it, "unknown command" if foreign. */
const char *cdb_name(const struct scsi_cdb *c);

/* READ(16) and WRITE(16) are built for every I/O: inline, and no more than needed. */
static inline void cdb_rw16(struct scsi_cdb *c, uint8_t opcode, enum scsi_dir dir,
			    uint64_t lba, uint32_t nblocks, uint32_t block_size, bool fua)
{
	assert((uint64_t)nblocks * block_size <= UINT32_MAX);

	c->bytes[0] = opcode;
	c->bytes[1] = fua ? 1 << 3 : 0;
	put_be64(&c->bytes[2], lba);
	put_be32(&c->bytes[10], nblocks);
	c->bytes[14] = 0;
	c->bytes[15] = 0;
	c->len = 16;
	c->dir = (uint8_t)dir;
	c->data_len = nblocks * block_size;
}

/* READ(16) (SBC-3), RDPROTECT 0.  nblocks * block_size must fit 32 bits. */
static inline void cdb_read16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks,
			      uint32_t block_size, bool fua)
{
	cdb_rw16(c, CDB_READ_16, SCSI_DIR_IN, lba, nblocks, block_size, fua);
}

/*
 * WRITE(16) (SBC-3), WRPROTECT 0.  nblocks * block_size must fit 32 bits.
 * fua only where the mode header says DPOFUA.
 */
static inline void cdb_write16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks,
			       uint32_t block_size, bool fua)
{
	cdb_rw16(c, CDB_WRITE_16, SCSI_DIR_OUT, lba, nblocks, block_size, fua);
}

#endif
