# SPDX-License-Identifier: GPL-2.0-only
# What comes from outside: host packages, kernel source, roots.

.PHONY: deps source guest-root qemu ruff check-setup

deps:				## install the host packages that are missing
	@setup/deps.sh

source: deps			## fetch and unpack the kernel source (KERNEL_SRC= takes yours)
	$(STAGE) source "fetching the kernel source" setup/source.sh

# Programs for the guest, from Debian; bench/ makes the initramfs from it.
guest-root: deps
	$(STAGE) guest-root "unpacking the guest's programs" sh -ec '\
		root=$$(setup/root.sh guest bookworm rt-tests busybox-static stress-ng); \
		mkdir -p build/guest; ln -sfn "$$root" build/guest/root$(foreach w,$(workloads),$(if $($w_packages),; \
		root=$$(setup/root.sh $w bookworm $($w_packages)); \
		mkdir -p build/guest/$w; ln -sfn "$$root" build/guest/$w/root))'

qemu: deps			## unpack QEMU 10.0: build/tools/qemu-system-x86_64
	$(STAGE) qemu "unpacking QEMU" sh -ec '\
		root=$$(setup/root.sh qemu "bookworm bookworm-backports" qemu-system-x86); \
		setup/tool.sh "$$root" usr/bin/qemu-system-x86_64 build/tools/qemu-system-x86_64 \
			-L @usr/share/qemu -L @usr/share/seabios -L @usr/lib/ipxe/qemu'

ruff: deps
	$(STAGE) ruff "unpacking ruff" sh -ec '\
		root=$$(setup/root.sh ruff forky ruff); \
		setup/tool.sh "$$root" usr/bin/ruff build/tools/ruff'

# What set-up says to bad input; needs no network.
check-setup: deps
	setup/check.sh
