# SPDX-License-Identifier: GPL-2.0-only
"""Print the figures of LAB_QUESTIONS.md, a table for each of its questions.

  ticks FOLDER...  boots of the workload spin in FOLDER/workloads: what a drain takes, and what the tick has of it
  waits ARM...     boots of results/virtual, rt, quiet phase: how often cyclictest has waited for a lock of the owner
  refills          boots of results/workloads/loop: page faults that take far more than others of their boot
"""

import argparse
import pathlib

import pandas

from bench import archive
from bench.report.facts import metrics, read, windows
from bench.workloads.spin import figures

BOOT = ["model", "arm", "seed"]
LATE = 40  # us; no kernel without lock waits has more than one such wake-up in 2,000
FAR_MORE = 12000  # instructions; the move of a full batch to the LRU list takes some 10,000


def ticks(tables):
    """What a drain takes, and of what: a row per boot; means over its drains."""
    found = figures.measured(tables)
    found = found[found["label"] == figures.DRAIN].assign(timers=figures.ticks)
    columns = {"kernel": "kernel", "timers": "in timer interrupts", "from_user/timer": "timer interrupts",
               "calls/tick_nohz_handler": "ticks", "calls/hrtick": "ends of a slice"}
    return found.groupby(BOOT)[list(columns)].mean().rename(columns=columns)


def waits(boot):
    """The quiet phase of a boot. Only cyclictest is switched to there, and back from, unless it waits for the owner."""
    figure, latency = metrics.measure(boot), boot.guest["cyclictest"]["quiet"]
    wakes = boot.manifest["workload"]["phase_ms"]
    return {"wake-ups": wakes, "waits": figure["quiet/owner/switches"] / 2 - wakes,
            "late": sum(count for us, count in latency["histogram"].items() if us > LATE), "longest": latency["max"],
            "own instructions": figure["quiet/cause/cyclictest: syscall"]}


def refills(cycles):
    """(cycle, instructions above the median) of page faults that take far more; cycles: a boot's, nobody drains."""
    faults = cycles.set_index("round")["cause/owner/page_fault"].sort_index()
    faults -= faults.median()
    return [(int(cycle), int(more)) for cycle, more in faults.items() if more > FAR_MORE]


def all_waits(arms):
    """A row per arm and setting: the sums of waits(), the longest of each boot."""
    rows, lab = [], archive.unpack_all() / "virtual"
    for arm in arms:
        for setting in ("seed", "sensitivity-no-ballast"):
            boots = [waits(read.read_boot(folder))
                     for folder in sorted((lab / f"rt-{arm}").glob(f"{setting}-6*"))]
            frame = pandas.DataFrame(boots)
            rows.append({"arm": arm, "boots": setting, **frame.drop(columns="longest").sum(),
                         "longest": " ".join(map(str, sorted(frame["longest"])))})
    return pandas.DataFrame(rows)


def all_refills():
    """A row per boot of the workload loop in its first setting."""
    found = windows.tables(archive.unpack_all(), "loop").windows
    found = found[found["is_isolated"] & (found["setting"] == "usual") & (found["label"] == "undrained")]
    return found.groupby(BOOT)[["round", "cause/owner/page_fault"]].apply(refills)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m bench.lab_questions", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("ticks", "waits", "refills"))
    parser.add_argument("about", nargs="*", metavar="FOLDER|ARM")
    args = parser.parse_args()
    if args.question == "ticks":
        for folder in map(pathlib.Path, args.about):
            print(folder, ticks(windows.tables(folder, "spin")).round(2).to_string(), sep="\n")
    elif args.question == "waits":
        print(all_waits(args.about).to_string(index=False))
    else:
        print(all_refills().to_string())


if __name__ == "__main__":
    main()
