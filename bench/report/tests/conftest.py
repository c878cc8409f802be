# SPDX-License-Identifier: GPL-2.0-only
"""Lets the tests import the modules beside this folder, and those of bench."""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
