# SPDX-License-Identifier: GPL-2.0-only
"""How long a requester holds an owner's lock, and the owner its own; how long the other waits for it.

Boots an arm in the virtual lab with a guest and a plugin of their own, with and
without a storm of interrupts on the requester's CPU, and prints a table of
instructions. bench/REFERENCE.md says what it counts, and what the lab cannot show.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import shutil
import threading

from bench import arms, boot, campaign, virtual

PLUGIN = pathlib.Path("build/plugin/pcd_locks.so")
INITRAMFS = pathlib.Path("build/guest/interrupts.cpio")
FOLDER = pathlib.Path("build/lock-holds")
LOCKS = ("cpu_fbatches", "mlock_fbatch")  # the lock comes first in each
# Where in it is the word, and its bits that say that it is held: an rt_mutex's owner, a queued spinlock's byte.
WORD = {"rt": "24:0xfffffffffffffffe", "lazy": "0:0xff"}
CPUS, REQUESTER, OWNER = 3, 0, 1  # the third makes the storm
SIDES = {REQUESTER: "requester", OWNER: "owner"}
# Many more requests and fills than in a campaign, and shorter turns (5 us, half of it dithered): one meets a lock held
# only where a turn has ended in a hold.
WORKLOAD = (("phase_ms", "400"), ("requests", "1000"), ("fills", "6000"),
            ("metronome", "6"), ("metronome_span", "0"), ("metronome_dither", "3"))
DOSES = {"none": 0, "storm": 5000}  # instructions of an interrupt's handler
# A row's figures by their names in what is kept; the same columns as people read them.
KEYS = ("kernel", "interrupts", "holder", "holds", "median", "p99", "longest", "interrupted", "waiter", "waits",
        "longest_wait", "by_the_clock")
HEAD = ("kernel", "interrupts", "who holds", "holds", "median", "99 %", "longest", "interrupted", "who waits", "waits",
        "longest", "by the clock")
KEPT = pathlib.Path("results/instrument/lock-holds.json")  # for the report
SEEDS = 12


@dataclasses.dataclass
class Seen:
    """What was seen of the isolated CPU's locks, by who: of each hold its instructions and its interrupts, of each wait
    the instructions that the holder had still to go, and those of all CPUs until it ended."""

    holds: dict = dataclasses.field(default_factory=lambda: {cpu: [] for cpu in SIDES})
    waits: dict = dataclasses.field(default_factory=lambda: {cpu: [] for cpu in SIDES})

    def add(self, other):
        for cpu in SIDES:
            self.holds[cpu] += other.holds[cpu]
            self.waits[cpu] += other.waits[cpu]


def seen(lines):
    """What one boot's rows say. A wait goes on through all holds that it meets; one that the phase cuts is none."""
    found, met, waiting = Seen(), {}, {}
    for what, cpu, lock, copy, clock, held, interrupts in [line["lock"] for line in lines if "lock" in line]:
        if copy != OWNER:
            continue
        if what == "meet":
            met[lock, cpu] = held
            waiting.setdefault((lock, cpu), [clock, 0])
        elif what == "free":
            found.holds[cpu].append((held, interrupts))
            for who in [who for who in met if who[0] == lock]:
                waiting[who][1] += held - met.pop(who)
        elif (lock, cpu) in waiting:
            since, to_go = waiting.pop((lock, cpu))
            found.waits[cpu].append((to_go, clock - since))
    return found


def rank(values, share):
    """The least of the values that so many of them do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def rows(kernel, interrupts, found):
    """Two rows of the table, as lists of text and numbers: one for each who holds; None: nobody waited."""
    for holder, waiter in ((REQUESTER, OWNER), (OWNER, REQUESTER)):
        lengths, waits = [held for held, _ in found.holds[holder]], found.waits[waiter]
        figures = (len(lengths), rank(lengths, 0.5), rank(lengths, 0.99), max(lengths),
                   sum(hit > 0 for _, hit in found.holds[holder]))
        yield [kernel, interrupts, SIDES[holder], *figures, SIDES[waiter], len(waits),
               *(map(max, zip(*waits, strict=True)) if waits else (None, None))]


def table(lines):
    return "\n".join(f"| {' | '.join('-' if cell is None else str(cell) for cell in line)} |"
                     for line in (HEAD, ["---"] * len(HEAD), *lines))


def is_whole(args):
    """Is it the run whose rows the report shows: all seeds, both models, the example's own images?"""
    return (args.arm == arms.example() and args.seeds == SEEDS and set(args.models) == set(boot.MODELS)
            and not args.image)


def keep(args, found):
    """Keep the rows of a whole run for the report, with what they depend on; of another say that they are not."""
    if not (args.keep and is_whole(args)):
        print(f"\nnote: {KEPT} stays as it is: only the rows of a whole run (make lock-holds, without ARM= and with "
              f"SEEDS={SEEDS}) are kept for the report", flush=True)
        return
    images = {model: boot.sha256((args.image or boot.image_of(model, args.arm)) / "bzImage") for model in args.models}
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps({
        "arm": args.arm, "seeds": args.seeds, "image_sha256": images, "guest_sha256": boot.sha256(INITRAMFS),
        "plugin_sha256": boot.sha256(PLUGIN), "rows": [dict(zip(KEYS, row, strict=True)) for row in found]},
        indent=1) + "\n")


def run(image, model, arm, dose, seed, folder, stop):
    """One boot; what was seen in it. UsageError if it did not end well, or saw nothing."""
    spec = boot.Spec(lab=virtual.NAME, model=model, arm=arm, seed=seed, image=image,
                     workload=(*WORKLOAD, ("dose", str(dose))))
    if not boot.built(image):
        raise boot.UsageError(f"no image in {image}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for output in virtual.OUTPUTS:
        (folder / output).touch()
    plugin = ",".join([str(PLUGIN), *(f"lock={lock}+{WORD[model]}" for lock in LOCKS)])
    command = virtual.command(image, boot.cmdline(spec), seed, folder, cpus=CPUS, plugin=plugin, initramfs=INITRAMFS)
    verdict, why = boot.judge(virtual, boot.run_qemu(virtual, command, folder, boot.SILENCE, stop), folder)
    if verdict != "ok":
        raise boot.UsageError(f"{spec}: {verdict}: {why} ({folder})")
    with (folder / "counts.jsonl").open() as lines:
        found = seen(map(json.loads, lines))
    if not all(found.holds.values()):
        raise boot.UsageError(f"{spec}: no lock of {' or '.join(LOCKS)} was held by each ({folder})")
    return found


def all_boots(args, stop):
    """What was seen in all boots: {(model, interrupts): Seen}."""
    cells, running = {}, {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for model in args.models:
            image = args.image or boot.image_of(model, args.arm)
            for interrupts, dose in DOSES.items():
                for seed in campaign.seeds(args.seeds):
                    folder = FOLDER / f"{image.name}-{interrupts}-{seed}"
                    job = pool.submit(run, image, model, args.arm, dose, seed, folder, stop)
                    running[job] = model, interrupts
        try:
            for job in concurrent.futures.as_completed(running):
                cells.setdefault(running[job], Seen()).add(job.result())
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", default=arms.example(),
                        help="one whose requesters take the owner's lock (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="boots of each kind (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="boots side by side (default: %(default)s)")
    parser.add_argument("--models", nargs="+", choices=boot.MODELS, default=boot.MODELS)
    parser.add_argument("--keep", action="store_true",
                        help=f"keep the figures of a whole run in {KEPT}, for the report")
    parser.add_argument("--image", type=pathlib.Path, help="another image, of one model")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    try:
        cells = all_boots(args, threading.Event())
    except (boot.UsageError, boot.qemu_lab.LabError) as error:
        boot.fail(error)
    except KeyboardInterrupt:
        boot.fail("interrupted")
    seeds = campaign.seeds(args.seeds)
    print(f"{args.seeds} boots of each row, seeds {seeds[0]} to {seeds[-1]}; instructions\n")
    found = [row for model in args.models for interrupts in DOSES
             for row in rows(f"{model}-{args.arm}", interrupts, cells[model, interrupts])]
    print(table(found))
    keep(args, found)


if __name__ == "__main__":
    main()
