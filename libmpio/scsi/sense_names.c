// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of sense keys and additional sense codes.  The table is sorted. */
#include "sense.h"

#include <stdlib.h>

struct asc_name {
	uint16_t code;		/* ASC << 8 | ASCQ */
	const char *name;
};

/* SPC-4 annex F.2, table F.2: what a block device may say. */
static const struct asc_name asc_names[] = {
	{ 0x0000, "no additional sense information" },
	{ 0x0006, "I/O process terminated" },
	{ 0x0016, "operation in progress" },
	{ 0x0017, "cleaning requested" },
	{ 0x0400, "logical unit not ready, cause not reportable" },
	{ 0x0401, "logical unit is in process of becoming ready" },
	{ 0x0402, "logical unit not ready, initializing command required" },
	{ 0x0403, "logical unit not ready, manual intervention required" },
	{ 0x0404, "logical unit not ready, format in progress" },
	{ 0x0405, "logical unit not ready, rebuild in progress" },
	{ 0x0406, "logical unit not ready, recalculation in progress" },
	{ 0x0407, "logical unit not ready, operation in progress" },
	{ 0x0409, "logical unit not ready, self-test in progress" },
	{ 0x040a, "logical unit not accessible, asymmetric access state transition" },
	{ 0x040b, "logical unit not accessible, target port in standby state" },
	{ 0x040c, "logical unit not accessible, target port in unavailable state" },
	{ 0x0410, "logical unit not ready, auxiliary memory not accessible" },
	{ 0x0411, "logical unit not ready, notify (enable spinup) required" },
	{ 0x0412, "logical unit not ready, offline" },
	{ 0x0414, "logical unit not ready, space allocation in progress" },
	{ 0x041a, "logical unit not ready, START STOP UNIT in progress" },
	{ 0x041b, "logical unit not ready, sanitize in progress" },
	{ 0x041e, "logical unit not ready, microcode activation required" },
	{ 0x0500, "logical unit does not respond to selection" },
	{ 0x0800, "logical unit communication failure" },
	{ 0x0801, "logical unit communication time-out" },
	{ 0x0802, "logical unit communication parity error" },
	{ 0x0803, "logical unit communication CRC error" },
	{ 0x0b00, "warning" },
	{ 0x0b01, "warning, specified temperature exceeded" },
	{ 0x0c00, "write error" },
	{ 0x0c01, "write error, recovered with auto reallocation" },
	{ 0x0c02, "write error, auto reallocation failed" },
	{ 0x0c03, "write error, recommend reassignment" },
	{ 0x0c0c, "write error, unexpected unsolicited data" },
	{ 0x0c0d, "write error, not enough unsolicited data" },
	{ 0x0e00, "invalid information unit" },
	{ 0x1000, "ID CRC or ECC error" },
	{ 0x1001, "logical block guard check failed" },
	{ 0x1002, "logical block application tag check failed" },
	{ 0x1003, "logical block reference tag check failed" },
	{ 0x1100, "unrecovered read error" },
	{ 0x1101, "read retries exhausted" },
	{ 0x1104, "unrecovered read error, auto reallocate failed" },
	{ 0x110b, "unrecovered read error, recommend reassignment" },
	{ 0x1113, "failed retransmission request" },
	{ 0x1114, "read error, LBA marked bad by application client" },
	{ 0x1400, "recorded entity not found" },
	{ 0x1401, "record not found" },
	{ 0x1700, "recovered data with no error correction applied" },
	{ 0x1800, "recovered data with error correction applied" },
	{ 0x1a00, "parameter list length error" },
	{ 0x1d00, "miscompare during verify operation" },
	{ 0x2000, "invalid command operation code" },
	{ 0x2002, "access denied, no access rights" },
	{ 0x2100, "logical block address out of range" },
	{ 0x2400, "invalid field in CDB" },
	{ 0x2500, "logical unit not supported" },
	{ 0x2600, "invalid field in parameter list" },
	{ 0x2601, "parameter not supported" },
	{ 0x2602, "parameter value invalid" },
	{ 0x2604, "invalid release of persistent reservation" },
	{ 0x2700, "write protected" },
	{ 0x2701, "hardware write protected" },
	{ 0x2702, "logical unit software write protected" },
	{ 0x2707, "space allocation failed, write protect" },
	{ 0x2800, "not ready to ready change, medium may have changed" },
	{ 0x2900, "power on, reset, or bus device reset occurred" },
	{ 0x2901, "power on occurred" },
	{ 0x2902, "SCSI bus reset occurred" },
	{ 0x2903, "bus device reset function occurred" },
	{ 0x2904, "device internal reset" },
	{ 0x2907, "I_T nexus loss occurred" },
	{ 0x2a00, "parameters changed" },
	{ 0x2a01, "mode parameters changed" },
	{ 0x2a02, "log parameters changed" },
	{ 0x2a03, "reservations preempted" },
	{ 0x2a04, "reservations released" },
	{ 0x2a05, "registrations preempted" },
	{ 0x2a06, "asymmetric access state changed" },
	{ 0x2a07, "implicit asymmetric access state transition failed" },
	{ 0x2a09, "capacity data has changed" },
	{ 0x2a14, "SA creation capabilities data has changed" },
	{ 0x2c00, "command sequence error" },
	{ 0x2f00, "commands cleared by another initiator" },
	{ 0x2f01, "commands cleared by power loss notification" },
	{ 0x2f02, "commands cleared by device server" },
	{ 0x3100, "medium format corrupted" },
	{ 0x3101, "format command failed" },
	{ 0x3200, "no defect spare location available" },
	{ 0x3500, "enclosure services failure" },
	{ 0x3700, "rounded parameter" },
	{ 0x3800, "event status notification" },
	{ 0x3807, "thin provisioning soft threshold reached" },
	{ 0x3900, "saving parameters not supported" },
	{ 0x3a00, "medium not present" },
	{ 0x3e00, "logical unit has not self-configured yet" },
	{ 0x3e01, "logical unit failure" },
	{ 0x3e02, "timeout on logical unit" },
	{ 0x3e03, "logical unit failed self-test" },
	{ 0x3f00, "target operating conditions have changed" },
	{ 0x3f01, "microcode has been changed" },
	{ 0x3f02, "changed operating definition" },
	{ 0x3f03, "INQUIRY data has changed" },
	{ 0x3f04, "component device attached" },
	{ 0x3f05, "device identifier changed" },
	{ 0x3f0a, "volume set created or modified" },
	{ 0x3f0e, "REPORTED LUNS data has changed" },
	{ 0x4100, "data path failure" },
	{ 0x4300, "message error" },
	{ 0x4400, "internal target failure" },
	{ 0x4500, "select or reselect failure" },
	{ 0x4700, "SCSI parity error" },
	{ 0x4703, "information unit iuCRC error detected" },
	{ 0x4705, "protocol service CRC error" },
	{ 0x477f, "some commands cleared by iSCSI protocol event" },
	{ 0x4800, "initiator detected error message received" },
	{ 0x4900, "invalid message error" },
	{ 0x4b00, "data phase error" },
	{ 0x4b01, "invalid target port transfer tag received" },
	{ 0x4b02, "too much write data" },
	{ 0x4b03, "ACK/NAK timeout" },
	{ 0x4b04, "NAK received" },
	{ 0x4b05, "data offset error" },
	{ 0x4b06, "initiator response timeout" },
	{ 0x4c00, "logical unit failed self-configuration" },
	{ 0x4e00, "overlapped commands attempted" },
	{ 0x5300, "media load or eject failed" },
	{ 0x5500, "system resource failure" },
	{ 0x5503, "insufficient resources" },
	{ 0x5504, "insufficient registration resources" },
	{ 0x550c, "insufficient power for operation" },
	{ 0x5a00, "operator request or state change input" },
	{ 0x5b00, "log exception" },
	{ 0x5d00, "failure prediction threshold exceeded" },
	{ 0x5dff, "failure prediction threshold exceeded (false)" },
	{ 0x5e00, "low power condition on" },
	{ 0x6500, "voltage fault" },
	{ 0x6700, "configuration failure" },
	{ 0x6708, "assign failure occurred" },
	{ 0x670a, "SET TARGET PORT GROUPS command failed" },
	{ 0x6b00, "state change has occurred" },
	{ 0x7400, "security error" },
	{ 0x7471, "logical unit access not authorized" },
};

const char *sense_key_name(uint8_t key)
{
	static const char *const names[16] = {
		"NO SENSE", "RECOVERED ERROR", "NOT READY", "MEDIUM ERROR",
		"HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
		"BLANK CHECK", "VENDOR SPECIFIC", "COPY ABORTED", "ABORTED COMMAND",
		"RESERVED KEY", "VOLUME OVERFLOW", "MISCOMPARE", "COMPLETED",
	};

	return names[key & 0x0f];
}

static int compare_code(const void *key, const void *element)
{
	const struct asc_name *a = key, *b = element;

	return (a->code > b->code) - (a->code < b->code);
}

const char *sense_asc_name(uint8_t asc, uint8_t ascq)
{
	struct asc_name key = { .code = (uint16_t)(asc << 8 | ascq) };
	const struct asc_name *found;

	found = bsearch(&key, asc_names, sizeof(asc_names) / sizeof(asc_names[0]),
			sizeof(asc_names[0]), compare_code);
	return found ? found->name : NULL;
}
