/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PCD_GUEST_H
#define PCD_GUEST_H

#include "owner_abi.h"

void run_guest(struct owner_page *page, void *memory);

#endif /* PCD_GUEST_H */
