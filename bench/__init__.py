# SPDX-License-Identifier: GPL-2.0-only
"""The labs: what boots a kernel, and what a campaign boots."""
