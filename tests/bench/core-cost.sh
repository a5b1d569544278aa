#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Instructions that the decision core spends on one I/O, by callgrind: repeatable
# on any machine. "all" is a request's whole way through libmpio/mpath, the
# scripted transport and the measuring loop included; "decision" is picking a
# path, accounting for the command, and judging its answer.

set -eu

LIMIT_ALL=650 LIMIT_DECISION=300
PROGRAM=${1:-./core-cost}

command -v valgrind >/dev/null || { echo "SKIP: valgrind is not installed"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' TERM INT

# count FILE FUNCTION...: instructions in these functions, their inlined parts too
count()
{
	local file=$1
	shift
	callgrind_annotate --threshold=100 --show=Ir "$file" 2>/dev/null |
		awk -v wanted=" $* " '
			/^ *[0-9,]+ \(/ {
				name = $0
				sub(/ \[[^]]*\]$/, "", name)
				sub(/.*:/, "", name)
				gsub(/,/, "", $1)
				if (wanted == "  " || index(wanted, " " name " "))
					sum += $1
			}
			END { printf "%d\n", sum }'
}

DECISION="device_dispatch round_robin_pick path_send transport_send transport_answered
	path_settle histogram_record device_answered was_done path_is_usable"
FEW=6400 MANY=12800
failed=0
# Only what a path and a request more cost is of interest: one large burst.
for paths in 1 2 32; do
	for n in $FEW $MANY; do
		LD_BIND_NOW=1 valgrind --quiet --tool=callgrind --callgrind-out-file="$dir/$n" \
			"$PROGRAM" "$n" "$paths" 32 >/dev/null
	done
	all=$((($(awk '/^summary:|^totals:/ { print $2; exit }' "$dir/$MANY") -
		$(awk '/^summary:|^totals:/ { print $2; exit }' "$dir/$FEW")) / (MANY - FEW)))
	# shellcheck disable=SC2086
	decision=$((($(count "$dir/$MANY" $DECISION) - $(count "$dir/$FEW" $DECISION)) /
		(MANY - FEW)))
	printf '%2d paths: all %d, decision %d instructions per I/O\n' \
		"$paths" "$all" "$decision"
	[ "$decision" -gt 0 ] || { echo "core-cost: no such functions in the profile"; failed=1; }
	[ "$all" -le "$LIMIT_ALL" ] && [ "$decision" -le "$LIMIT_DECISION" ] || failed=1
done
[ "$failed" = 0 ] || echo "core-cost: above the limit (all $LIMIT_ALL, decision $LIMIT_DECISION)"
exit "$failed"
