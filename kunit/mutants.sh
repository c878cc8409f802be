#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Plant each bug of kunit/mutants/ in turn, and see that the test which its
# "Reddens:" line names fails.
#   kunit/mutants.sh [--quick] [NUMBER...]	writes build/check/mutants.tap
# NUMBER: some only, 09 or 20. "Arm:" is the arm to run. Runs only the
# test that it names, or the "Case:" that it is a parameter of, in User-Mode Linux (10 s
# each once the tree is built), or where a mutant says "Runs-in: qemu", on x86 in QEMU,
# PREEMPT_LAZY or as "Model:" says, isolated by domain or as "Isolation:" says (run-qemu.sh;
# half a minute each).
# "Tries: 3": where two CPUs have to meet, a run may miss it; one red run of three will do.
# --quick: of those that run in QEMU, only see that they still apply.
set -euo pipefail
# shellcheck source=setup/lib.sh
. setup/lib.sh
# shellcheck source=setup/tap.sh
. setup/tap.sh
# shellcheck source=kernel/lib.sh
. kernel/lib.sh

quick=
[ "${1:-}" != --quick ] || { quick=y; shift; }
folder=build/kunit/mutants

# chosen [NUMBER...]: the patches, one a line
chosen() {
	local number

	[ $# -gt 0 ] || set -- '*'
	for number; do
		compgen -G "kunit/mutants/$number-*.patch" ||
			die "mutants: no kunit/mutants/$number-*.patch; known: $(cd kunit/mutants && echo *.patch)"
	done
}

header() { sed -n "s/^$1: //p" "$2"; }

# cases PATCH: the glob of the cases to run; others may hang for the same bug
cases() {
	local case

	case=$(header Case "$1")
	echo "mm_pcpu_drain*.${case:-$(header Reddens "$1")}"
}

# run_in_uml NAME PATCH: to $folder/NAME.console
run_in_uml() {
	kunit/build-uml.sh "$kernel" "$folder/$1.linux" "$2" >"$folder/$1.log" 2>&1 || return
	# shellcheck disable=SC2086 # holds words
	kunit/run-uml.sh "$folder/$1.linux" "kunit.filter_glob=$(cases "$2")" $boot >"$folder/$1.console"
	rm "$folder/$1.linux"
}

# build_for_qemu NAME PATCH: in the tree of the test images, in place
build_for_qemu() (
	kbuild_settings
	mapfile -t fragments < <(fragments "$model" "$kernel" kunit)
	build_tree "mutant $1" patched "$model-debug" "$2"
	cp "build/linux/patched-$model-debug/arch/x86/boot/bzImage" "$folder/bzImage"
)

# run_in_qemu NAME PATCH: to $folder/NAME.console
run_in_qemu() {
	local isolation

	build_for_qemu "$@" >"$folder/$1.log" 2>&1 || return
	isolation=$(header Isolation "$2")
	# shellcheck disable=SC2086 # holds words
	KUNIT_LIMIT=${KUNIT_LIMIT:-180} kunit/run-qemu.sh mttcg "${isolation:-domain}" "$folder" "pcd_kunit.arm=$arm" \
		"kunit.filter_glob=$(cases "$2")" $boot >"$folder/$1.console"
}

# run NAME PATCH: build and run it where it wants to be
run() {
	case $(header Runs-in "$2") in
	"") run_in_uml "$@" ;;
	qemu) run_in_qemu "$@" ;;
	*) die "mutant $1: its Runs-in: is neither absent (UML) nor qemu" ;;
	esac
}

# turns_red NAME PATCH CASE: with the patch planted CASE is among those that fail.
turns_red() {
	local name=$1 patch=$2 arm kernel boot model tries try
	arm=$(header Arm "$patch")
	kernel=$(bench/arms.sh get KERNEL "$arm")
	boot=$(bench/arms.sh get BOOT "$arm")
	model=$(header Model "$patch")
	model=${model:-lazy}
	[ "$kernel" ] || die "mutant $name: its Arm: '$arm' is none; known: $(bench/arms.sh | cut -f1 | uniq | paste -sd' ')"
	tries=$(header Tries "$patch")
	for ((try = 1; try <= ${tries:-1}; try++)); do
		run "$name" "$patch" || {
			echo "# it does not apply or build: see $folder/$name.log"
			return 1
		}
		/usr/bin/python3 -m kunit.judge --failed "$folder/$name.console" >"$folder/$name.failed"
		echo "# try $try fails: $(paste -sd' ' "$folder/$name.failed")"
		! grep -qx "$3" "$folder/$name.failed" || return 0
	done
	return 1
}

chosen=$(chosen "$@")
mapfile -t patches <<<"$chosen"
mkdir -p "$folder"
# Leave the trees as they should be, whatever happens.
trap 'kernel/assemble.sh patched uml >/dev/null; [ "$quick" ] || for model in lazy rt; do [ ! -e build/linux/patched-$model-debug ] || kernel/assemble.sh patched $model-debug >/dev/null; done' EXIT
tap_begin mutants
echo "planting ${#patches[@]} bugs"
applying=
[ -z "$quick" ] || applying=$(kernel/assemble.sh --check patched uml "${patches[@]}")
for patch in "${patches[@]}"; do
	name=$(basename "$patch" .patch)
	wanted=$(header Reddens "$patch")
	if [ "$quick" ] && [ "$(header Runs-in "$patch")" = qemu ]; then
		test_point "$name applies" grep -qxF "$patch" <<<"$applying"
	else
		test_point "$name turns $wanted red" turns_red "$name" "$patch" "$wanted"
	fi
done
tap_end
