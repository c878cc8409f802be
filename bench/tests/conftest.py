# SPDX-License-Identifier: GPL-2.0-only
"""Lets the tests import the modules beside this folder."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
