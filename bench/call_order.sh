#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make a boot once more and print in which order its CPUs called functions of the kernel.
#   bench/call_order.sh FOLDER FUNCTION...
# FOLDER: of a boot, as bench/boot.py left it. A line is a vCPU's number and a function.
# QEMU writes the log itself, so that the guest executes and sends the same as before.
# A function that the compiler has put into its callers is not in System.map, nor here.
set -euo pipefail

folder=$1
shift
mapfile -t qemu <"$folder/qemu.cmd"
map=$(sed -n 's/.*syms=\([^,]*\),.*/\1/p' "$folder/qemu.cmd")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for function in "$@"; do
	awk -v name="$function" '$3 == name { print $1, name; found = 1 } END { exit !found }' "$map" ||
		{ echo "error: no $function in $map" >&2; exit 1; }
done >"$out/addresses"
filter=$(sed 's/^\([^ ]*\) .*/0x\1+1/' "$out/addresses" | paste -sd,)

"${qemu[@]//\$OUT/$out}" -d exec,nochain -dfilter "$filter" -D "$out/exec.log" || : # its status is the guest's
cmp "$folder/guest.jsonl" "$out/guest.jsonl" >&2
awk -F'[ :/]' 'NR == FNR { split($0, of, " "); name[of[1]] = of[2]; next } { print $2, name[$6] }' \
	"$out/addresses" "$out/exec.log"
