# SPDX-License-Identifier: GPL-2.0-only
"""Print the contract that KUnit checks as a table into common/README.md.

python3 -m kunit.contract            replaces what is between the marks in common/README.md
python3 -m kunit.contract --check    writes build/check/contract.tap: does it say the same?

The cells are those of the variants' contract.h (words: kunit/contract.h); arms with
equal cells share a column.
"""

import argparse
import pathlib
import re
import subprocess
import sys

from check import tapfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "common/README.md"
BEGIN, END = "<!-- contract begin -->\n", "<!-- contract end -->\n"

STATES = {
    "IN_USER_MODE": "user mode",
    "IN_SYSTEM_CALL": "system call",
    "IN_EXCEPTION": "exception",
    "IN_GUEST": "in a virtual machine",
    "INTERRUPTED": "IRQ, from user mode",
    "IN_SOFTIRQ": "softirq, from user mode",
    "IS_KTHREAD": "kthread",
    "IS_IO_WORKER": "io worker",
    "IS_IDLE": "idle (cached by an IRQ)",
    "IS_ASLEEP": "asleep",
    "IS_STOPPED": "stopped",
    "IS_EXITING": "exiting, past its task works",
    "IS_OFFLINE": "offline (cached last)",
}
BY = {"OWNER": "owner", "NEXT_TASK": "next task", "KWORKER": "kworker", "REQUESTER": "requester",
      "DEAD_CALLBACK": "dead callback"}
WHERE = {"ON_ITS_CPU": "", "ELSEWHERE": " elsewhere"}
# What the requester waits for, and what it is told.
ANSWER = {
    ("FOR_NOTHING", "NOTHING"): "unasked",
    ("FOR_DRAIN", "DRAINED"): "asked",
    ("FOR_OWNER", "DRAINED"): "moving on",
    ("FOR_NOTHING", "POSTED"): "posted",
}
HELP = {"NO_HELP": "", "HELP_PATIENCE": " (help: patience)", "HELP_IDLE": " (help: idle)"}
LEGEND = """\
A field says who drains, on the owner's CPU unless *elsewhere* is said, and what the requester sees:
- *unasked*: the drain comes soon without a request. The request then finds nothing.
- *asked*: the requester waits for the drain, which comes while the owner stays in its state. It is told drained.
- *moving on*: the requester waits, within its patience, until the owner returns to user mode, sleeps or ends. It is
  told drained.
- *posted*: the requester waits for nothing and is told posted. The drain comes when the owner next enters the kernel.
- *nothing cached*: what the owner would cache goes at once where a drain would put it. The request finds nothing.

*In a virtual machine*: the owner is in KVM_RUN, has cached something in that system call, and its guest spins. KUnit
runs this in QEMU, which emulates AMD's virtualisation; User-Mode Linux has no KVM and skips it.
"""


def headers():
    """All contract headers, in the order of their columns."""
    names = subprocess.check_output(["kernel/variants.sh"], cwd=ROOT, text=True).split()
    return [ROOT / f"variants/{name}/contract.h" for name in names]


def read(path):
    """(arm, cells) of each table of a header; cells: words by state."""
    text = path.read_text(encoding="utf-8")
    for part in re.split(r"\.arm = ", text)[1:]:
        cells = re.findall(r"\[(\w+)\] = \{ ([^}]+) \}", part)
        yield part.split('"')[1], {state: tuple(words.split(", ")) for state, words in cells}


def cell(words):
    """One cell as the table says it."""
    by, where, waits, told, helped = words
    if by == "NOBODY":
        return "nothing cached"
    who = " or ".join(BY[word] for word in by.split(" | "))
    return f"{who}{WHERE[where]}, {ANSWER[waits, told]}{HELP[helped]}"


def table():
    """The table, in Markdown."""
    columns = {}
    for path in headers():
        for arm, cells in read(path):
            if set(cells) != set(STATES):
                sys.exit(f"error: {path}: arm {arm} does not have each of {', '.join(STATES)}")
            columns.setdefault(tuple(cell(cells[state]) for state in STATES), []).append(arm)
    lines = ["| owner's state | " + " | ".join(", ".join(arms) for arms in columns.values()) + " |",
             "|---" * (len(columns) + 1) + "|"]
    for i, state in enumerate(STATES.values()):
        lines.append(f"| {state} | " + " | ".join(column[i] for column in columns) + " |")
    return "\n".join(lines) + "\n\n" + LEGEND


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    args = parser.parse_args()

    text = README.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(f"error: {README} lacks the marks {BEGIN.strip()} and {END.strip()}")
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    new = table()
    if not args.check:
        README.write_text(head + BEGIN + new + END + tail, encoding="utf-8")
        return 0
    with tapfile.Writer("contract") as tap:
        tap.point("common/README.md has the table that KUnit checks",
                  [] if old == new else ["it differs; run python3 -m kunit.contract, and read what changed"])
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
