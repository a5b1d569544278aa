#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What ./quickstart shows is true: see demo.sh, which fails if it is not.
exec "$(dirname "$0")/demo.sh"
