# SPDX-License-Identifier: GPL-2.0-only
"""What runs KUnit suites and judges them."""
