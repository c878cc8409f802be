#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run the KUnit suite of an x86 image in QEMU, to standard output.
#   kunit/run-qemu.sh IMAGE-FOLDER [BOOT-PARAMETER...]
# Multi-threaded TCG, so that CPUs do run at the same time. Four CPUs, one to a
# socket since the firmware's MP table lists no more; the last two are isolated.
# There is no init: the suite runs before it, and the kernel then restarts, which
# ends QEMU. 240 s at most; it takes 10.
set -uo pipefail

image=$1
shift
timeout --foreground 240 build/tools/qemu-system-x86_64 \
	-accel tcg,thread=multi -machine q35 -cpu max -smp 4,sockets=4 -m 512 -nodefaults -no-user-config \
	-display none -serial stdio -no-reboot -kernel "$image/bzImage" \
	-append "console=ttyS0 nohz_full=2-3 isolcpus=domain,managed_irq,2-3 panic=-1 oops=panic kunit.enable=1 kunit.autorun=1 kunit_shutdown=reboot $*" \
	2>&1 </dev/null
exit 0
