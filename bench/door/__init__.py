# SPDX-License-Identifier: GPL-2.0-only
"""The door's lab: an owner and who takes out of its cache, on two CPUs, in user space."""
