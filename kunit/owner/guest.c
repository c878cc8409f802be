// SPDX-License-Identifier: GPL-2.0-only
/* A virtual machine for the owner to be in: see OWNER_GUEST in owner_abi.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest.h"

#define KVM	"/kvm"

/* What spin() in owner.c does, in 16 bits: the page is all of the guest's memory. */
static const __u8 spin[] = {
	0x66, 0xff, 0x06, 0x00, 0x00,		/* 1: incl beats */
	0x66, 0x83, 0x3e, 0x04, 0x00, 0x00,	/*    cmpl $0, go */
	0x74, 0xf3,				/*    je 1b */
	0xf4,					/*    hlt, which ends KVM_RUN */
};

static_assert(offsetof(struct owner_page, beats) == 0 && offsetof(struct owner_page, go) == 4 &&
	      sizeof(spin) <= sizeof(((struct owner_page *)0)->guest), "as the code has it");

static int try(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		_exit(1);
	}
	return result;
}

/* Nobody has mounted /dev. */
static int open_kvm(void)
{
	if (mknod(KVM, S_IFCHR | 0600, makedev(10, 232)) && errno != EEXIST)
		try(-1, "owner: mknod");
	return try(open(KVM, O_RDWR | O_CLOEXEC), KVM);
}

/*
 * Until @page says go.  @memory is the same page where the kernel's first access faults:
 * that is in KVM_RUN.
 */
void run_guest(struct owner_page *page, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = 4096,
		.userspace_addr = (unsigned long)memory,
	};
	struct kvm_regs regs = { .rip = offsetof(struct owner_page, guest), .rflags = 2 };
	struct kvm_sregs sregs;
	int kvm = open_kvm();
	int vm = try(ioctl(kvm, KVM_CREATE_VM, 0), "owner: KVM_CREATE_VM");
	int vcpu = try(ioctl(vm, KVM_CREATE_VCPU, 0), "owner: KVM_CREATE_VCPU");

	memcpy(page->guest, spin, sizeof(spin));
	try(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "owner: KVM_SET_USER_MEMORY_REGION");
	try(ioctl(vcpu, KVM_GET_SREGS, &sregs), "owner: KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	try(ioctl(vcpu, KVM_SET_SREGS, &sregs), "owner: KVM_SET_SREGS");
	try(ioctl(vcpu, KVM_SET_REGS, &regs), "owner: KVM_SET_REGS");
	try(ioctl(vcpu, KVM_RUN, 0), "owner: KVM_RUN");
	close(vcpu);
	close(vm);
	close(kvm);
}
