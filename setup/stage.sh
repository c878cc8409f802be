#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run one stage of a long job and show where it is.
#   setup/stage.sh NAME "WHAT IT DOES" COMMAND...
# PLAN (environment): the names of the job's stages, in order; NAME's place among
# them is the k in "stage k of n". Output goes to build/log/NAME.log, of which a
# terminal shows the last line. Expected times: of the last run on this machine,
# else what setup/times states, times how much longer than stated this machine took
# so far for what it did for the first time: a line of $CACHE/times/.first each,
# seconds taken and stated. A stage with nothing to do says nothing. Of two that are
# the same in one clone, the second waits and then finds nothing to do.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh

name=$1 what=$2
shift 2
log=build/log/$name.log
times=$CACHE/times/$name
first=$CACHE/times/.first
mkdir -p "${log%/*}" "${times%/*}"
touch "$first"

place=
total=0
for stage in ${PLAN:-}; do
	total=$((total + 1))
	[ "$stage" != "$name" ] || place=$total
done
title="${place:+stage $place of $total: }$what"
stated=$(awk -v name="$name" '
	/^#/ { next }
	{ pattern = $1; gsub(/\*/, ".*", pattern) }
	name ~ "^" pattern "$" { print $2; exit }' setup/times)
expected=$(cat "$times" 2>/dev/null || [ -z "$stated" ] || awk -v stated="$stated" '
	{ took += $1; said += $2 }
	END { printf "%.0f", stated * (said ? took / said : 1) }' "$first")

clock() {	# SECONDS -> m:ss
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# progress SECONDS: how far it is.
progress() {
	printf '%s, %s' "$title" "$(clock "$1")"
	if [ "$expected" ] && [ "$1" -gt "$expected" ]; then
		printf ', longer than the %s expected' "$(clock "$expected")"
	elif [ "$expected" ]; then
		printf ' of about %s' "$(clock "$expected")"
	fi
}

# Every second: one line that is written over on a terminal, now and then a new
# line in a log. It ends with its parent, however that ends.
ticker() {
	local seconds=0 line

	while sleep 1 && kill -0 $$ 2>/dev/null; do
		seconds=$((seconds + 1))
		line=$(progress $seconds)
		if [ -t 1 ]; then
			line+="  $(tail -n1 "$log" | tr -dc '[:print:]')"
			printf '\r\033[K%.*s' "$(($(tput cols 2>/dev/null || echo 80) - 1))" "$line"
		elif [ $seconds -eq 1 ] || [ $((seconds % 60)) -eq 0 ]; then
			echo "$line"
		fi
	done
}

ticker &
ticker=$!
job=
finish() {
	{ kill "$ticker" && wait "$ticker"; } 2>/dev/null || true
	[ ! -t 1 ] || printf '\r\033[K'
}
interrupted() {
	trap '' INT TERM HUP
	[ -z "$job" ] || { kill -TERM -- -"$job" && wait "$job"; } 2>/dev/null || true
	finish
	echo "$title: interrupted; the next run goes on from here" >&2
	exit 130
}
trap interrupted INT TERM HUP

# What a killed run left running still holds it.
exec 7>"build/log/.lock-$name"
flock 7
waited=$SECONDS

# In a process group of its own, so that an interrupt ends all of it.
set -m
"$@" </dev/null >"$log" 2>&1 8>&- &
job=$!
set +m
status=0
wait "$job" || status=$?
finish
if [ $status -ne 0 ]; then
	grep -m1 ': error: ' "$log" >&2 || true	# a compiler's first
	grep '^error: ' "$log" >&2 || tail -n 3 "$log" >&2
	echo "error: $title: failed after $(clock $SECONDS); its output is in $log" >&2
	exit 1
fi
grep '^note: ' "$log" || true
took=$((SECONDS - waited))
if [ $took -ge 2 ]; then
	[ -e "$times" ] || [ -z "$stated" ] || echo "$took $stated" >>"$first"
	echo $took >"$times"
fi
[ $SECONDS -lt 2 ] || echo "$title, done in $(clock $SECONDS)"
