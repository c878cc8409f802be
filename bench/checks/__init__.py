# SPDX-License-Identifier: GPL-2.0-only
"""Checks of the lab and of the kernels, by boots: python3 -m bench.checks NAME."""
