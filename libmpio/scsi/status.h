// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SCSI status codes (SAM-5 5.3.1).
 *
 * The names start with SAM_ because <iscsi/iscsi.h> owns SCSI_STATUS_*.
 */
#ifndef MPIO_STATUS_H
#define MPIO_STATUS_H

#include <stdint.h>

enum sam_status {
	SAM_STATUS_GOOD = 0x00,
	SAM_STATUS_CHECK_CONDITION = 0x02,
	SAM_STATUS_CONDITION_MET = 0x04,
	SAM_STATUS_BUSY = 0x08,
	SAM_STATUS_RESERVATION_CONFLICT = 0x18,
	SAM_STATUS_TASK_SET_FULL = 0x28,
	SAM_STATUS_ACA_ACTIVE = 0x30,
	SAM_STATUS_TASK_ABORTED = 0x40,
};

/*
 * The name of a status byte as SAM-5 spells it, "unknown status" for a code it
 * does not define.  A constant string.
 */
const char *scsi_status_name(uint8_t status);

#endif
