#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every verdict about a flush, reached by real PDUs.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=judgement.sh
. "$(dirname "$0")/judgement.sh"

judgement flush
