# SPDX-License-Identifier: GPL-2.0-only
"""The cycles lab: hot paths in user space."""
