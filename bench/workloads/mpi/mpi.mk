# SPDX-License-Identifier: GPL-2.0-only
# MPICH as Debian has it; the second package is what a program needs to be built against it.
mpi_packages := mpich libmpich-dev
mpi_programs := build/guest/mpi/rank
mpi_cc := $(CC) $(cc_flags) --sysroot=build/guest/mpi/root -isystem =/usr/include/x86_64-linux-gnu/mpich \
	-Wl,--no-as-needed -lmpich

# Headers and libraries are those of that Debian, whatever the host has.
build/guest/mpi/rank: $(wildcard bench/workloads/mpi/rank/*.c bench/workloads/mpi/*.h bench/workloads/common/*.h bench/guest/*.h) build/guest/mpi/root/packages.txt
	$(call compile,$(mpi_cc))
