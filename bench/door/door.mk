# SPDX-License-Identifier: GPL-2.0-only
# What a door costs its owner, on two CPUs of this machine.

.PHONY: door check-door

build/door/door: $(wildcard bench/door/*.[ch])
	$(call compile,$(CC) $(cc_flags) -pthread)

door: deps build/door/door	## what a door, or a lock, costs an owner on two CPUs (2 min, quiet machine, root; kept for the report)
	@$(python) bench.door.lab

check-door: deps build/door/door
	$(pytest) --tap door bench/door/tests
