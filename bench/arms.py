# SPDX-License-Identifier: GPL-2.0-only
"""What is compared, for Python: what bench/arms.sh reads from the arms' files."""

import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def facts():
    """{arm: {KEY: value}}, strings, arms in the order of pages; keys are those of bench/arms.sh."""
    found = {}
    for line in subprocess.check_output(["bench/arms.sh"], cwd=ROOT, text=True).splitlines():
        arm, key, value = line.split("\t")
        found.setdefault(arm, {})[key] = value
    return found


def names():
    """All arms, controls of the lab too, in the order of pages."""
    return list(facts())


def fact(arm, key):
    """One setting of an arm that exists, "" if its file does not name it."""
    return facts()[arm].get(key, "")


def kernels():
    """The kernels of all arms, in that order."""
    return list(dict.fromkeys(fact(arm, "KERNEL") for arm in names()))


def example():
    """The arm that stands for all where one is enough."""
    return next((arm for arm in names() if fact(arm, "EXAMPLE")), names()[-1])
