#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Instructions that the decision core spends on one I/O, by callgrind: repeatable
# on any machine. "all" is a request's whole way through libmpio/mpath, the
# scripted transport and the measuring loop included; "decision" is picking a
# path, accounting for the command, and judging its answer.

set -eu

LIMIT_ALL=680 LIMIT_DECISION=300
# The load map comes on top: two stores, and a look at what others have stored.
LIMIT_MAP=60
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

DECISION="device_dispatch path_send transport_send transport_answered publish
	path_settle histogram_record device_answered was_done path_is_usable
	rotation_stay rotation_move move round_robin_pick weighted_paths_pick weight_of failover_only_pick
	least_queue_depth_pick commands_of least_blocks_pick bytes_of
	service_time_pick time_of wants_trial oldest_age_us measure is_sample
	choose least_choose least_take least_follow path_may_take transport_load candidates_with_slot
	load_publish load_others check_others find_live find_lock read_others bounded damage"
FEW=3200 MANY=6400
failed=0

# total COUNT: instructions of a whole run
total() { awk '/^summary:|^totals:/ { print $2; exit }' "$dir/$1"; }

# measure LABEL EXTRA ARG...: EXTRA is above the limits. Only what a request more costs is of interest: one large
# burst after the other.
measure()
{
	local label=$1 extra=$2 all decision n
	shift 2
	for n in $FEW $MANY; do
		LD_BIND_NOW=1 valgrind --quiet --tool=callgrind --callgrind-out-file="$dir/$n" \
			"$PROGRAM" "$n" "$@" >/dev/null
	done
	all=$((($(total $MANY) - $(total $FEW)) / (MANY - FEW)))
	# shellcheck disable=SC2086
	decision=$((($(count "$dir/$MANY" $DECISION) - $(count "$dir/$FEW" $DECISION)) /
		(MANY - FEW)))
	printf '%-42s all %d, decision %d instructions per I/O\n' "$label:" "$all" "$decision"
	[ "$decision" -gt 0 ] || { echo "core-cost: no such functions in the profile"; failed=1; }
	[ "$all" -le $((LIMIT_ALL + extra)) ] && [ "$decision" -le $((LIMIT_DECISION + extra)) ] ||
		failed=1
}

measure "round-robin, 1 path" 0 1 32 round-robin
for policy in failover-only round-robin round-robin-subset least-queue-depth \
	weighted-paths least-blocks service-time; do
	for paths in 2 32; do
		measure "$policy, $paths paths" 0 "$paths" 32 "$policy"
	done
done
for paths in 2 32; do
	measure "least-queue-depth, $paths paths, map" $LIMIT_MAP "$paths" 32 least-queue-depth "$dir/load.$paths" 0
	measure "the same with another process" $LIMIT_MAP "$paths" 32 least-queue-depth "$dir/load.$paths" 1
done
[ "$failed" = 0 ] || echo "core-cost: above the limit (all $LIMIT_ALL, decision $LIMIT_DECISION)"
exit "$failed"
