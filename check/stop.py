# SPDX-License-Identifier: GPL-2.0-only
"""Stop all that a program has started: compilers, emulators, whatever process group they are in."""

import contextlib
import ctypes
import os
import pathlib
import signal
import time

PR_SET_CHILD_SUBREAPER = 36
LOOK = 0.1  # s between two looks at who is left


def adopt():
    """Have what outlives its parent become this program's child, so that none is lost sight of."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def descendants():
    """Process numbers of this program's children, their children and so on, but for the dead."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, *_ = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(parent), []).append((int(stat.parent.name), state))
    found, todo = [], [os.getpid()]
    while todo:
        for number, state in children.get(todo.pop(), ()):
            todo.append(number)
            if state != "Z":
                found.append(number)
    return found


def send(number, processes):
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def stop_all(patience):
    """Ask all descendants to end, and kill who is left after so many seconds."""
    end = time.monotonic() + patience
    send(signal.SIGTERM, descendants())
    while (left := descendants()) and time.monotonic() < end:
        time.sleep(LOOK)
    # Who is being killed may still have started another; who cannot even be killed is not waited for.
    end += patience
    while left and time.monotonic() < end:
        send(signal.SIGKILL, left)
        time.sleep(LOOK)
        left = descendants()
