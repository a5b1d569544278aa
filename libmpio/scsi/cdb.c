// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdb.h"

/* The length of a CDB follows from its operation code (SPC-4 4.2.5.1). */
static void cdb_init(struct scsi_cdb *c, uint8_t opcode, enum scsi_dir dir, uint32_t data_len)
{
	static const uint8_t len_of_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	memset(c, 0, sizeof(*c));
	c->bytes[0] = opcode;
	c->len = len_of_group[opcode >> 5];
	c->dir = (uint8_t)dir;
	c->data_len = data_len;
}

void cdb_test_unit_ready(struct scsi_cdb *c)
{
	cdb_init(c, CDB_TEST_UNIT_READY, SCSI_DIR_NONE, 0);
}

void cdb_inquiry(struct scsi_cdb *c, bool evpd, uint8_t page, uint16_t alloc_len)
{
	assert(evpd || page == 0);

	cdb_init(c, CDB_INQUIRY, SCSI_DIR_IN, alloc_len);
	c->bytes[1] = evpd;
	c->bytes[2] = page;
	put_be16(&c->bytes[3], alloc_len);
}

void cdb_report_luns(struct scsi_cdb *c, uint32_t alloc_len)
{
	cdb_init(c, CDB_REPORT_LUNS, SCSI_DIR_IN, alloc_len);
	put_be32(&c->bytes[6], alloc_len);
}

void cdb_read_capacity16(struct scsi_cdb *c, uint32_t alloc_len)
{
	cdb_init(c, CDB_SERVICE_ACTION_IN_16, SCSI_DIR_IN, alloc_len);
	c->bytes[1] = CDB_SA_READ_CAPACITY_16;
	put_be32(&c->bytes[10], alloc_len);
}

void cdb_mode_sense10(struct scsi_cdb *c, uint8_t page, uint16_t alloc_len)
{
	assert(page <= 0x3f);

	cdb_init(c, CDB_MODE_SENSE_10, SCSI_DIR_IN, alloc_len);
	c->bytes[2] = page;
	put_be16(&c->bytes[7], alloc_len);
}

void cdb_synchronize_cache16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks)
{
	cdb_init(c, CDB_SYNCHRONIZE_CACHE_16, SCSI_DIR_NONE, 0);
	put_be64(&c->bytes[2], lba);
	put_be32(&c->bytes[10], nblocks);
}

void cdb_write_same16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks,
		      uint32_t block_size, bool unmap)
{
	cdb_init(c, CDB_WRITE_SAME_16, SCSI_DIR_OUT, block_size);
	c->bytes[1] = unmap ? 1 << 3 : 0;
	put_be64(&c->bytes[2], lba);
	put_be32(&c->bytes[10], nblocks);
}

void cdb_unmap(struct scsi_cdb *c, uint16_t param_len)
{
	cdb_init(c, CDB_UNMAP, SCSI_DIR_OUT, param_len);
	put_be16(&c->bytes[7], param_len);
}

size_t unmap_param_build(uint8_t buf[UNMAP_PARAM_LEN], uint64_t lba, uint32_t nblocks)
{
	memset(buf, 0, UNMAP_PARAM_LEN);
	put_be16(&buf[0], UNMAP_PARAM_LEN - 2);	/* UNMAP DATA LENGTH: bytes behind it */
	put_be16(&buf[2], 16);			/* block descriptors */
	put_be64(&buf[8], lba);
	put_be32(&buf[16], nblocks);
	return UNMAP_PARAM_LEN;
}

void cdb_get_lba_status(struct scsi_cdb *c, uint64_t lba, uint32_t alloc_len)
{
	cdb_init(c, CDB_SERVICE_ACTION_IN_16, SCSI_DIR_IN, alloc_len);
	c->bytes[1] = CDB_SA_GET_LBA_STATUS;
	put_be64(&c->bytes[2], lba);
	put_be32(&c->bytes[10], alloc_len);
}

void cdb_prefetch16(struct scsi_cdb *c, uint64_t lba, uint32_t nblocks)
{
	cdb_init(c, CDB_PREFETCH_16, SCSI_DIR_NONE, 0);
	c->bytes[1] = 1 << 1;
	put_be64(&c->bytes[2], lba);
	put_be32(&c->bytes[10], nblocks);
}

void cdb_report_port_groups(struct scsi_cdb *c, bool extended, uint32_t alloc_len)
{
	cdb_init(c, CDB_MAINTENANCE_IN, SCSI_DIR_IN, alloc_len);
	c->bytes[1] = (uint8_t)((extended ? 1 << 5 : 0) | CDB_SA_TARGET_PORT_GROUPS);
	put_be32(&c->bytes[6], alloc_len);
}

void cdb_set_port_groups(struct scsi_cdb *c, uint32_t param_len)
{
	cdb_init(c, CDB_MAINTENANCE_OUT, SCSI_DIR_OUT, param_len);
	c->bytes[1] = CDB_SA_TARGET_PORT_GROUPS;
	put_be32(&c->bytes[6], param_len);
}

const char *cdb_name(const struct scsi_cdb *c)
{
	switch (c->bytes[0]) {
	case CDB_TEST_UNIT_READY:
		return "TEST UNIT READY";
	case CDB_INQUIRY:
		return "INQUIRY";
	case CDB_UNMAP:
		return "UNMAP";
	case CDB_MODE_SENSE_10:
		return "MODE SENSE(10)";
	case CDB_READ_16:
		return "READ(16)";
	case CDB_WRITE_16:
		return "WRITE(16)";
	case CDB_PREFETCH_16:
		return "PRE-FETCH(16)";
	case CDB_SYNCHRONIZE_CACHE_16:
		return "SYNCHRONIZE CACHE(16)";
	case CDB_WRITE_SAME_16:
		return "WRITE SAME(16)";
	case CDB_REPORT_LUNS:
		return "REPORT LUNS";
	case CDB_MAINTENANCE_IN:
		if ((c->bytes[1] & 0x1f) == CDB_SA_TARGET_PORT_GROUPS)
			return "REPORT TARGET PORT GROUPS";
		break;
	case CDB_MAINTENANCE_OUT:
		if ((c->bytes[1] & 0x1f) == CDB_SA_TARGET_PORT_GROUPS)
			return "SET TARGET PORT GROUPS";
		break;
	case CDB_SERVICE_ACTION_IN_16:
		switch (c->bytes[1] & 0x1f) {
		case CDB_SA_READ_CAPACITY_16:
			return "READ CAPACITY(16)";
		case CDB_SA_GET_LBA_STATUS:
			return "GET LBA STATUS";
		}
		break;
	}
	return "unknown command";
}
