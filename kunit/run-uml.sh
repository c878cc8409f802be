#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run the KUnit suite in User-Mode Linux, to standard output.
#   kunit/run-uml.sh PROGRAM [BOOT-PARAMETER...]
# SMP wants seccomp=on; a run that says nothing for 60 s is cut off, which its
# reader sees as a test that crashed.
set -uo pipefail

program=$1
shift
timeout --foreground 60 "$program" seccomp=on ncpus=4 mem=256M con=null con0=fd:0,fd:1 \
	kunit.enable=1 kunit.autorun=1 kunit_shutdown=halt "$@" 2>&1 </dev/null
exit 0
