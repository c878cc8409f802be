# SPDX-License-Identifier: GPL-2.0-only
"""The runner of all checks, and linters."""
