# SPDX-License-Identifier: GPL-2.0-only
"""RESULTS.md: reads raw results, judges, and writes pages."""
