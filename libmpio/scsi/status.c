// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status.h"

const char *scsi_status_name(uint8_t status)
{
	switch (status) {
	case SAM_STATUS_GOOD:
		return "GOOD";
	case SAM_STATUS_CHECK_CONDITION:
		return "CHECK CONDITION";
	case SAM_STATUS_CONDITION_MET:
		return "CONDITION MET";
	case SAM_STATUS_BUSY:
		return "BUSY";
	case SAM_STATUS_RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT";
	case SAM_STATUS_TASK_SET_FULL:
		return "TASK SET FULL";
	case SAM_STATUS_ACA_ACTIVE:
		return "ACA ACTIVE";
	case SAM_STATUS_TASK_ABORTED:
		return "TASK ABORTED";
	default:
		return "unknown status";
	}
}
