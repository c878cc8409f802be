#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks of the lab itself, each a TAP file in build/check.

  plugin        the counting plugin, against programs with known counts and
                against counting instruction by instruction
  lab-repeat    one boot twice, side by side: every byte the same; another
                seed: another result
  lab-verdicts  boots made to fail, each in its own way: the right verdict
  hotpaths      none takes the same instructions as unpatched in every hot
                path, the other arms what HOTPATH_LIMITS grants

Exit status: 0 if all passed.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import sys

import boot
import campaign

sys.path.insert(0, str(boot.ROOT / "check"))
sys.path.insert(0, str(boot.ROOT / "bench/report"))
import hotpaths
import tapfile

KEPT = pathlib.Path("build/check/boots")  # the last boots of a check, by name
SHORT = (("phase_ms", "100"), ("requests", "20"), ("fills", "200"), ("tail_ms", "15"))
SPREAD = 0.001  # by block and by instruction: measured 0.00014 on the isolated CPU, 0.0004 on the other

# What an operation may take more than on unpatched, in instructions and in locked ones, by arm and kind of CPU. An
# operation has up to 4 entries, exits and switches, or 7 uses of a lock. What tracked CPUs themselves pay is a result,
# not a promise. Measured: 14 (qpw0), 3 and 40 (task_work, deferred_wq), each with no locked one.
EVERYWHERE = tuple(hotpaths.KINDS)
TRACKING = {"not isolated": (4, 0), "housekeeping": (40, 0)}
HOTPATH_LIMITS = {
    "none": dict.fromkeys(EVERYWHERE, (0, 0)),
    "qpw0": dict.fromkeys(EVERYWHERE, (16, 0)),
    "task_work": TRACKING,
    "deferred_eager": TRACKING,
    "deferred_eager_run": TRACKING,
    "deferred_lazy": TRACKING | {"isolated": (100, 8)},
    "deferred_lazy_run": TRACKING | {"isolated": (100, 8)},
}


def spec_of(cell, seed=1, **other):
    """A short boot of a cell."""
    model, _, arm = cell.partition("-")
    other = {"workload": SHORT, "image": boot.image_of(model, arm)} | other
    return boot.Spec(lab="virtual", model=model, arm=arm, seed=seed, **other)


def run_all(specs):
    """Run named boots side by side; return {name: (verdict, why)}. Their folders are KEPT/name."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {name: pool.submit(boot.boot, spec, KEPT / name) for name, spec in specs.items()}
        return {name: done.result() for name, done in running.items()}


def not_ok(verdict):
    return [] if verdict[0] == "ok" else [": ".join(verdict)]


def lines_of(name, file):
    return [json.loads(line) for line in (KEPT / name / file).read_text().splitlines()]


def marks_of(name):
    """The plugin's marks: {(mark, arg, cpu): {column: count}}."""
    header, *lines = lines_of(name, "counts.jsonl")
    rows = [dict(zip(header["mark"], line["mark"], strict=True)) for line in lines if "mark" in line]
    return {(row["mark"], row["arg"], row["cpu"]): row for row in rows}


def known_counts(tap, name):
    """Did the plugin count what the programs did?"""
    begin, end, isolated = 9, 10, 1  # MARK_CHECK_BEGIN, MARK_CHECK_END
    marks = marks_of(name)

    def counted(number, columns):
        return sum(marks[end, number, isolated][column] - marks[begin, number, isolated][column] for column in columns)

    for check in [line for line in lines_of(name, "guest.jsonl") if "check" in line]:
        columns, expected = check["what"].split("+"), check["expected"]
        found = counted(check["check"], columns) - counted(0, columns)
        wrong = [] if 0 <= found - expected <= check["spare"] else [f"counted {found}, the program did {expected}"]
        tap.point(f"known count: {expected} {check['what']}", wrong)


def sums(tap, name):
    """Is every kernel instruction attributed to a cause?"""
    wrong = []
    for (mark, arg, cpu), row in marks_of(name).items():
        causes = sum(count for column, count in row.items() if column.startswith("cause/"))
        # An entry that has not come to its handler is not attributed yet.
        if not 0 <= row["kernel"] - causes < 500:
            wrong.append(f"mark {mark} arg {arg} CPU {cpu}: {row['kernel']} in the kernel, {causes} by cause")
    tap.point("causes add up to all kernel instructions", wrong)


def agreement(tap, by_block, by_instruction):
    """Do blocks count what instructions count, and see the same events?"""
    guests = [(KEPT / name / "guest.jsonl").read_bytes() for name in (by_block, by_instruction)]
    tap.point("the guest does not notice how it is counted", [] if guests[0] == guests[1] else ["its results differ"])
    blocks, single = marks_of(by_block), marks_of(by_instruction)
    wrong = []
    for mark, cpu in itertools.product((2, 4), (0, 1)):
        for column in blocks[mark, 0, cpu]:
            a, b = (m[mark, 0, cpu][column] - m[mark - 1, 0, cpu][column] for m in (blocks, single))
            exact = not (column in ("kernel", "user", "atomics") or column.startswith("cause/"))
            if (exact and a != b) or abs(a - b) > 50 + SPREAD * b:
                wrong.append(f"mark {mark} CPU {cpu} {column}: {a} by block, {b} by instruction")
    tap.point("counts by block agree with counts by instruction", wrong)


def check_plugin(tap, cell):
    results = run_all({
        "counts": spec_of(cell, workload=(("mode", "check"),)),
        "by-block": spec_of(cell),
        "by-instruction": spec_of(cell, by_instruction=True),
    })
    for name, verdict in results.items():
        tap.point(f"boot {name}", not_ok(verdict))
    if tap.failed:
        return
    known_counts(tap, "counts")
    sums(tap, "by-block")
    agreement(tap, "by-block", "by-instruction")


def first_difference(a, b):
    """Where two files' contents part, for a look: the first line that is not in both, cut."""
    if isinstance(a, dict):
        return f": {[key for key in a if a[key] != b.get(key)]}"
    for number, (one, other) in enumerate(itertools.zip_longest(a.splitlines(), b.splitlines()), 1):
        if one != other:
            return f" in line {number}: {(one or b'')[:200]} and {(other or b'')[:200]}"
    return ""


def differences(a, b):
    """What differs between two boots' folders, but for what may: a list of lines."""
    found = []
    if {path.name for path in a.iterdir()} != {path.name for path in b.iterdir()}:
        found.append("not the same files")
    for path in sorted(a.iterdir()):
        if path.name == "manifest.json":
            one, other = ({k: v for k, v in json.loads((folder / path.name).read_text()).items()
                           if k not in boot.VARYING} for folder in (a, b))
        else:
            one, other = path.read_bytes(), (b / path.name).read_bytes()
        if one != other:
            found.append(f"{path.name} differs{first_difference(one, other)}")
    return found


def check_lab_repeat(tap, cell):
    results = run_all({"first": spec_of(cell), "second": spec_of(cell), "other-seed": spec_of(cell, seed=2)})
    for name, verdict in results.items():
        tap.point(f"boot {name}", not_ok(verdict))
    tap.point("the same seed gives the same bytes", differences(KEPT / "first", KEPT / "second"))
    changed = differences(KEPT / "first", KEPT / "other-seed")
    for name in ("guest.jsonl", "counts.jsonl"):
        same = [] if any(line.startswith(f"{name} differs") for line in changed) else ["the same for both seeds"]
        tap.point(f"another seed gives another {name}", same)


def check_lab_verdicts(tap, cell):
    def inject(failure, **other):
        return spec_of(cell, workload=(*SHORT, ("inject", failure)), **other)

    _, _, arm = cell.partition("-")
    unknown = "qpw=1" if boot.arm(arm)["KERNEL"] != "qpw" else "qpw=2"
    expected = {
        "panic": ("panic", "Attempted to kill init", inject("panic")),
        "hang": ("hang", "silent", inject("hang", silence=5)),
        "garbage": ("guest-failure", "garbage", inject("garbage")),
        "fail": ("guest-failure", "as asked", inject("fail")),
        "unknown-parameter": ("guest-failure", "refused by the kernel", spec_of(cell, append=unknown)),
        "unknown-workload": ("guest-failure", "bench.speed", spec_of(cell, workload=(("speed", "1"),))),
        "unknown-class": ("guest-failure", "drain_now does not take", spec_of(cell, workload=(("class", "nothing"),))),
        "tick": ("guest-failure", "nohz_full", spec_of(cell, append="nohz_full=")),
        "no-init": ("boot-failure", "Kernel panic", spec_of(cell, append="rdinit=/none init=/none")),
        "dead-at-boot": ("boot-failure", "Kernel panic",
                         spec_of(cell, append="panic=0 rdinit=/none init=/none", silence=5)),
        "no-image": ("build-failure", "no image", spec_of(cell, image=pathlib.Path("build/images/none-such"))),
        "no-qemu": ("lab-failure", "No such file", spec_of(cell, qemu=pathlib.Path("build/tools/none-such"))),
        "bad-qemu": ("lab-failure", "status 1", spec_of(cell, qemu=pathlib.Path("/bin/false"))),
    }
    results = run_all({name: spec for name, (_, _, spec) in expected.items()})
    for name, (verdict, text, _) in expected.items():
        got, why = results[name]
        wrong = [] if got == verdict and text in why else [f"got {got}: {why}; expected {verdict}: ... {text} ..."]
        tap.point(f"verdict {verdict}: {name}", wrong)
    left = [str(path) for path in boot.STAGING.glob(f"*-{os.getpid()}-*")]
    tap.point("no half-made folder is left", left)


def hotpath_folders(arms):
    """{cell: [folder]} of the boots that count hot paths: kept results if they are up to date, else boots of now."""
    todo, folders = {}, {}
    args = argparse.Namespace(lab="virtual", set=[])
    for model, arm in itertools.product(boot.MODELS, arms):
        for kept, spec in campaign.hotpaths(args, (model, arm)).items():
            name = f"hotpaths/{model}-{arm}/{kept.name}"
            folder = kept if boot.is_done(spec, kept) else KEPT / name
            folders.setdefault((model, arm), []).append(folder)
            if not boot.is_done(spec, folder):
                todo[name] = spec
    run_all(todo)
    return folders


def over_limits(paths, base, limits):
    """What a cell's paths take more than they may: lines of text."""
    for (kind, name), then in base.items():
        path = paths.get((kind, name))
        if path is None:
            yield f"{kind}, {name}: not counted"
        elif kind in limits:
            more, locked = path.kernel - then.kernel, path.atomics - then.atomics
            exact = limits[kind] == (0, 0)
            if more > limits[kind][0] or locked > limits[kind][1] or (exact and (more, locked) != (0, 0)):
                yield (f"{kind}, {name}: {more:+} instructions, {locked:+} locked; limit {limits[kind]}: "
                       f"{hotpaths.cause(path, then, 6)}")


def check_hotpaths(tap, _):
    folders = hotpath_folders([hotpaths.BASE, *HOTPATH_LIMITS])
    cells = {}
    for cell, of in folders.items():
        cells[cell], faults = hotpaths.read_cell(of)
        tap.point(f"boots of {'-'.join(cell)}", faults)
    for model in boot.MODELS:
        base = cells[model, hotpaths.BASE]
        if not base:
            continue  # its boots have failed above
        # Context tracking: one atomic operation each on the way in and out, where the CPU is tracked.
        known = {kind: base[kind, "getppid"].atomics for kind in hotpaths.KINDS if (kind, "getppid") in base}
        right = {"isolated": 2, "housekeeping": 2, "not isolated": 0}
        wrong = [] if known == right else [f"counted {known}, not {right}"]
        tap.point(f"known count: locked instructions of getppid, {model}", wrong)
        for arm, limits in HOTPATH_LIMITS.items():
            said = "takes exactly what unpatched takes" if arm == "none" else "takes no more than it may"
            tap.point(f"{model}-{arm} {said} in {len(base)} hot paths", over_limits(cells[model, arm], base, limits))
    other = spec_of("rt-none", seed=2, workload=(("mode", "hotpath"),), by_instruction=True)
    tap.point("boot with another seed", not_ok(run_all({"hotpath-isolated": other})["hotpath-isolated"]))
    again, faults = hotpaths.read_cell([KEPT / "hotpath-isolated"])
    wrong = [f"{key}: {cells['rt', 'none'][key].kernel}, {path.kernel} with another seed" for key, path in again.items()
             if cells["rt", "none"].get(key) and path.kernel != cells["rt", "none"][key].kernel]
    tap.point("counts of hot paths do not depend on the seed", faults + wrong)


CHECKS = {"plugin": check_plugin, "lab-repeat": check_lab_repeat, "lab-verdicts": check_lab_verdicts,
          "hotpaths": check_hotpaths}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--cell", default="rt-qpw1", help="what is booted (default: %(default)s)")
    args = parser.parse_args()
    os.chdir(boot.ROOT)
    boot.interruptible()
    with tapfile.Writer(args.check) as tap:
        CHECKS[args.check](tap, args.cell)
    sys.exit(bool(tap.failed))


if __name__ == "__main__":
    main()
