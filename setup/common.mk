# SPDX-License-Identifier: GPL-2.0-only
# What the other makefiles share: compilers of what runs outside of the kernel, Python, pytest.

# checkpatch wants these written as in the kernel.
cc_style  := -D__noreturn='__attribute__((noreturn))' -D__packed='__attribute__((packed))' \
	-D'__aligned(n)=__attribute__((aligned(n)))' -D'__printf(a, b)=__attribute__((format(printf, a, b)))'
cc_flags  := -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE $(cc_style)
guest_cc  := $(CC) $(cc_flags) -static
plugin_cc := $(CC) $(cc_flags) -fPIC -shared -fvisibility=hidden
cycles_cc := $(CC) $(cc_flags)

# $(call compile,COMPILER): a target from the C files that it depends on, whole or not at all
define compile
@mkdir -p $(@D)
$1 -o $@.new $(filter %.c,$^) && mv $@.new $@
endef

# Programs in Python are modules of packages: bench, bench.report, bench.cycles, check, kunit.
python = /usr/bin/python3 -B -m
pytest = $(python) pytest -q --import-mode=importlib -p no:cacheprovider -p check.pytest_tap
