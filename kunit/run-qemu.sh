#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run the KUnit suite of an x86 image in QEMU, to standard output.
#   kunit/run-qemu.sh LAB ISOLATION IMAGE-FOLDER [BOOT-PARAMETER...]
# LAB: mttcg: CPUs do run at the same time, another schedule each time; or
#   dither-SEED: one at a time, counted by instruction, turns end where the seed
#   says: the same schedule each time.
# ISOLATION: nohz_full alone, or domain: isolcpus= as well, or isolcpus alone, each of
#   the last two CPUs; all: nohz_full= of all, of which the kernel excepts the first;
#   boot: of the first two; empty: of none.
# Five CPUs (KUNIT_CPUS), one to a socket since the firmware's MP table lists no more, and
# 512 MB (KUNIT_MEMORY). The initramfs (KUNIT_INITRD) holds only the program that plays
# owners: the suite runs before any init, and the kernel then restarts, which ends QEMU.
# 400 s at most, or KUNIT_LIMIT. Where turns end by the seed, QEMU gets 1800 s of CPU time,
# four times what a run takes, and ten times that by the clock: how busy this machine is
# does not matter. Slow tests are left out.
set -uo pipefail

: "${3:?usage: kunit/run-qemu.sh LAB ISOLATION IMAGE-FOLDER [BOOT-PARAMETER...]}"
lab=$1 isolation=$2 image=$3
shift 3
limit=400 cpu_limit=unlimited
qemu=(build/tools/qemu-system-x86_64)
cpus=${KUNIT_CPUS:-5} isolated=$((${KUNIT_CPUS:-5} - 2))-$((${KUNIT_CPUS:-5} - 1))
# The local APIC of QEMU counts nanoseconds. Without a clock that a guest can trust
# no tick stops and timers have a tick's resolution.
# Some memory is movable, so that a longterm pin has to migrate. KVM on PREEMPT_RT wants a
# processor that says that its TSC is constant; QEMU's does not. With an unknown frequency
# the clock would change a second after boot, by stop_machine(), which shuts out the test
# that is to end what keeps a CPU from stopping.
boot="console=ttyS0 movablecore=128M setcpuid=constant_tsc,tsc_known_freq tsc=reliable lapic_timer_khz=1000000 panic=-1 oops=panic kunit.enable=1 kunit.autorun=1 kunit_shutdown=reboot"

case $isolation in
nohz_full) boot+=" nohz_full=$isolated" ;;
domain) boot+=" nohz_full=$isolated isolcpus=domain,managed_irq,$isolated" ;;
all) boot+=" nohz_full=0-$((cpus - 1))" ;;
boot) boot+=" nohz_full=0-1" ;;
isolcpus) boot+=" isolcpus=domain,managed_irq,$isolated" ;;
empty) boot+=" nohz_full=" ;;
*) echo "error: run-qemu.sh: unknown isolation $isolation; known: nohz_full domain all boot isolcpus empty" >&2; exit 1 ;;
esac
case $lab in
mttcg)
	machine=(-machine "q35,hpet=off" -accel "tcg,thread=multi")
	# The guest reads this machine's own counter and cannot calibrate it in an
	# emulator; roughly right will do. Other machines than x86: nanoseconds.
	khz=$(awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' /proc/cpuinfo)
	boot+=" tsc_early_khz=${khz:-1000000}"
	# The monitor reads what the guest writes to a port: the suite asks for machine
	# checks there. Not where schedules are replayed: it answers when it likes.
	machine+=(-chardev "socket,id=monitor,path=pcd-kunit-$$,abstract=on,server=on,wait=off"
		-mon "chardev=monitor,mode=readline"
		-chardev "socket,id=guest,path=pcd-kunit-$$,abstract=on"
		-device "isa-debugcon,chardev=guest")
	;;
dither-*)
	# As bench/virtual.py: 1 ns per instruction, and a clock that does not err.
	qemu=(env LD_PRELOAD=build/preload/main_loop.so "${qemu[@]}")
	machine=(-machine "q35,hpet=off" -accel "tcg,thread=single" -icount "shift=0,sleep=off"
		-rtc "clock=vm,base=2026-01-01" -seed "${lab#dither-}")
	boot+=" pcd_kunit.dither=${lab#dither-} kunit.filter=speed>slow"
	limit=18000 cpu_limit=1800
	;;
*) echo "error: run-qemu.sh: unknown lab $lab; known: mttcg dither-SEED" >&2; exit 1 ;;
esac

timeout --foreground "${KUNIT_LIMIT:-$limit}" prlimit --cpu="$cpu_limit" "${qemu[@]}" "${machine[@]}" \
	-cpu max -smp "$cpus,sockets=$cpus" -m "${KUNIT_MEMORY:-512}" -nodefaults -no-user-config \
	-display none -serial stdio -no-reboot -kernel "$image/bzImage" \
	-initrd "${KUNIT_INITRD:-build/kunit/owner.cpio}" -append "$boot $*" 2>&1 </dev/null
exit 0
