# SPDX-License-Identifier: GPL-2.0-only
"""Boot all cells, in random order, some side by side.

A cell is MODEL-ARM, e.g. rt-unpatched. Each gets, in build/boots/LAB/CELL:

  drain        seed-NNN: the workload, a boot per seed. All cells get the
               same seeds, so that arms can be compared in pairs.
  hotpath      hotpath-isolated, hotpath-plain: what operations of everyday
               take, with and without an isolated CPU. Counts repeat: one
               boot of each.
  anatomy      anatomy: a trace of one drain.
  aa           aa-NNN: the workload once more on other seeds. Of unpatched.
  dose         dose-N-NNN: instead of a drain, the isolated CPU is interrupted
               for N instructions. Of unpatched, up to 4 seeds.
  sensitivity  sensitivity-SETTING-NNN: the workload with one thing of the lab
               changed. Of the cells that a primary contrast names, up to 3 seeds.

report/plan.py says how many.

An arm that is itself a control (CONTROL= in its file) gets drain alone.

Boots that are there and were made from the same image, guest, plugin and
parameters are not run again; a campaign that was interrupted goes on where it
was. Then results/LAB is packed, unless it has boots that are not there (see
bench.archive). Boots that were made with another QEMU, plugin, guest or METHOD.md
are set aside first.

Exit status: 0 if every boot was run, whatever its verdict: a failed boot is a
result, which the report counts. 1 if a boot could not be built or the lab
failed, 2 on an error.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import resource
import shutil
import sys
import threading
import time

from bench import archive, arms, boot, host_noise, probe, workloads
from bench.report import plan
from bench.workloads import plan as figures

METHOD = pathlib.Path("bench/METHOD.md")  # of the first workload; the others have workloads.METHOD


def cells_of(args):
    """The cells asked for, as (model, arm)."""
    every = [(model, arm) for model in boot.MODELS for arm in arms.names()]
    names = ["-".join(cell) for cell in every]
    asked = args.cells.replace(",", " ").split() or names
    for name in asked:
        if name not in names:
            raise boot.UsageError(f"unknown cell {name!r}; known: {', '.join(names)}")
    if args.model and args.model not in boot.MODELS:
        raise boot.UsageError(f"unknown model {args.model!r}; known: {', '.join(boot.MODELS)}")
    # An arm's name, or that of a kernel, which may run as several arms.
    kernels = arms.kernels()
    if args.arm and args.arm not in kernels:
        boot.fact(args.arm, "KERNEL")
    cells = [(model, arm) for model, arm in every if "-".join((model, arm)) in asked
             and args.model in ("", model) and args.arm in ("", arm, arms.fact(arm, "KERNEL"))
             and (not args.quick or arms.fact(arm, "COMPARED"))]
    if not cells:
        raise boot.UsageError("no cell is left: CELLS, MODEL and ARM exclude each other")
    return cells


def count(name):
    """An argparse type: a number from 1 on."""
    def parse(text):
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"{name} is {text!r}, not a number from 1 on")
        return int(text)
    return parse


def folder_of(spec):
    """Where a boot is kept."""
    return (archive.MINE / archive.place_in_results(spec.lab, spec.load) / f"{spec.model}-{spec.arm}" /
            plan.place(spec.kind, spec.setting, spec.seed))


def spec_of(args, cell, seed, *workload, **other):
    model, arm = cell
    return boot.Spec(lab=args.lab, model=model, arm=arm, seed=seed, image=boot.image_of(model, arm),
                     workload=(*args.set, *workload), **other)


def placed(specs):
    """{folder: spec}"""
    return {folder_of(spec): spec for spec in specs}


def seeds(number, first=plan.FIRST_SEED):
    """So many seeds from the first on."""
    return range(first, first + number)


def drains(args, cell):
    """The boots of the workload."""
    return placed(spec_of(args, cell, seed) for seed in seeds(args.seeds))


def hotpaths(args, cell):
    """The boots that count hot paths, instruction by instruction."""
    if arms.fact(cell[1], "CONTROL"):
        return {}
    return placed(spec_of(args, cell, 1, ("mode", "hotpath"), kind="hotpath", setting=name, isolated=isolated,
                          by_instruction=True) for name, isolated in (("isolated", True), ("plain", False)))


def anatomies(args, cell):
    """The boot that traces one drain."""
    if arms.fact(cell[1], "CONTROL"):
        return {}
    return placed([spec_of(args, cell, 1, ("mode", "anatomy"), kind="anatomy")])


def same_again(args, cell):
    """The boots that differ in nothing but their seeds from those of the workload, each paired with one of these."""
    if cell[1] != plan.BASE:
        return {}
    return placed(spec_of(args, cell, seed, kind="aa")
                  for seed in seeds(min(args.seeds, plan.STRATA), plan.OTHER_SEED))


def doses(args, cell):
    """The boots with a disturbance of known size in the place of a drain."""
    if cell[1] != plan.BASE:
        return {}
    return placed(spec_of(args, cell, seed, ("storm", "dose"), ("dose", str(dose)), kind="dose", setting=str(dose))
                  for dose in plan.DOSES for seed in seeds(min(args.seeds, plan.DOSE_SEEDS)))


def sensitivities(args, cell):
    """The boots with one thing of the lab changed."""
    if cell not in plan.sensitive_cells():
        return {}
    return placed(spec_of(args, cell, seed, *workload, kind="sensitivity", setting=name, **machine)
                  for name, (workload, machine) in plan.SETS.items()
                  for seed in seeds(min(args.seeds, plan.SENSITIVE_SEEDS)))


QUICK = ("drain", "hotpath", "anatomy")  # the kinds of boots of a quick look
KINDS = {"drain": drains, "hotpath": hotpaths, "anatomy": anatomies, "aa": same_again, "dose": doses,
         "sensitivity": sensitivities}


def in_workload(about, cell):
    """Does a workload of bench/workloads look at this cell?"""
    model, arm = cell
    wanted = about["arms"] == "all" or arms.fact(arm, "COMPARED")
    return model in about["models"] and wanted and not arms.fact(arm, "CONTROL")


def load_boots(args):
    """All boots of a workload of bench/workloads as {folder: spec}, in an order that its size decides."""
    about = workloads.about(args.workload)
    if args.only:
        raise boot.UsageError(f"workload {args.workload} has no kinds of boots, so that ONLY= says nothing")
    asked = args.setting.replace(",", " ").split() or list(about["settings"])[:1 if args.quick else None]
    for setting in asked:
        if setting not in about["settings"]:
            raise boot.UsageError(f"unknown setting {setting!r} of {args.workload}; known: "
                                  f"{', '.join(about['settings'])}")
    specs = [boot.load_spec(args.lab, model, arm, seed, args.workload, setting, workload=tuple(args.set))
             for model, arm in cells_of(args) if in_workload(about, (model, arm))
             for setting, said in about["settings"].items() if setting in asked
             for seed in seeds(min(args.seeds, said.get("seeds", about["seeds"])), figures.FIRST_SEED)]
    random.Random(len(specs)).shuffle(specs)
    return placed(specs)


def all_boots(args):
    """All boots of the campaign as {folder: spec}, in an order that its size decides."""
    if args.workload:
        return load_boots(args)
    known = boot.lab(args.lab).KINDS
    kinds = args.only.replace(",", " ").split() or (QUICK if args.quick else known)
    for kind in kinds:
        if kind not in known:
            raise boot.UsageError(f"unknown kind of boot {kind!r}; known in lab {args.lab}: {', '.join(known)}")
    boots = [found for cell in cells_of(args) for kind in kinds for found in KINDS[kind](args, cell).items()]
    random.Random(len(boots)).shuffle(boots)
    return dict(boots)


def remove_leftovers():
    """Remove what killed runs left behind."""
    for folder in boot.STAGING.glob("*"):
        owner = folder.name.split("-")[-2]
        if not pathlib.Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def check_lab(name):
    """UsageError if this machine cannot run the lab, or not now; said before the first boot, in seconds."""
    if not boot.lab(name).NEEDS_PROBE:
        return
    if why := probe.why_not(name):
        raise boot.UsageError(f"lab {name} cannot run here: {why}")
    if why := host_noise.why_not(archive.MINE / name):
        raise boot.UsageError(why)


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def run_all(boots, jobs):
    """Run the boots of {folder: spec}; return how many had each verdict."""
    stop, begin, verdicts = threading.Event(), time.monotonic(), {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(boot.boot, spec, folder, stop): folder for folder, spec in boots.items()}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(running), 1):
                verdict, why = done.result()
                verdicts[verdict] = verdicts.get(verdict, 0) + 1
                elapsed = time.monotonic() - begin
                name = running[done].relative_to(archive.MINE)
                print(f"boot {number} of {len(boots)}: {name}: {verdict}{': ' + why if why else ''}; "
                      f"{minutes(elapsed)} of about {minutes(elapsed / number * len(boots))}", flush=True)
        finally:
            # Also on an interrupt or a full disk: no boot goes on or begins.
            stop.set()
            pool.shutdown(cancel_futures=True)
    return verdicts


def arguments(*words):
    """What a campaign is told, as an argparse.Namespace: by words such as "--seeds", "3", not by the command line."""
    return parser().parse_args(words)


def every_boot():
    """{folder: spec} of all boots of all campaigns in the virtual lab, in a fixed order."""
    asked = [("--seeds", str(plan.BOOTS)), *(("--workload", name) for name in workloads.names())]
    return {folder: spec for words in asked for folder, spec in sorted(all_boots(arguments(*words)).items())}


def parser():
    """What the command line may say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", default="virtual", help="how kernels are run (default: %(default)s)")
    parser.add_argument("--workload", choices=["", *workloads.names()], default="",
                        help="one of bench/workloads (default: bench/workload and its controls)")
    parser.add_argument("--seeds", type=count("SEEDS"), default=12,
                        help="boots per cell with the workload (default: %(default)s)")
    parser.add_argument("--only", default="", help=f"kinds of boots, of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--setting", default="", help="settings of the workload (default: all)")
    parser.add_argument("--cells", default="", help="cells, separated by commas or blanks (default: all)")
    parser.add_argument("--model", default="", help="only this preemption model")
    parser.add_argument("--arm", default="", help="only this arm, or the arms of this kernel")
    parser.add_argument("--jobs", type=count("JOBS"), default=os.cpu_count(), help="boots at a time (default: cores)")
    parser.add_argument("--quick", action="store_true",
                        help="a look: one seed, the first setting, arms that are compared, no controls: no verdict")
    parser.add_argument("--set", type=boot.pair, action="append", default=[], metavar="NAME=VALUE",
                        help="override a parameter of bench/workload")
    parser.error = boot.fail
    return parser


def main():
    args = parser().parse_args()
    args.seeds = 1 if args.quick else args.seeds
    os.chdir(boot.ROOT)
    boot.interruptible()
    try:
        boots = all_boots(args)
        remove_leftovers()
        built = [spec for spec in boots.values() if boot.built(spec.image)]
        if not built:
            raise boot.UsageError("no image of these boots is built; make kernels builds them")
        name = archive.place_in_results(args.lab, args.workload)
        method = workloads.METHOD if args.workload else METHOD
        archive.begin(name, boot.manifest(built[0]) | {"method_sha256": boot.sha256(method)})
        todo = {folder: spec for folder, spec in boots.items() if not boot.is_done(spec, folder)}
        if len(todo) < len(boots):
            print(f"{len(boots) - len(todo)} of {len(boots)} boots are there already", flush=True)
        if todo:
            check_lab(args.lab)
        begin = time.monotonic()
        try:
            verdicts = run_all(todo, boot.lab(args.lab).jobs(args.jobs))
        finally:
            # Also of a campaign that is interrupted: what there is can be committed, and the rest made elsewhere.
            if any(boot.is_done(spec, folder) for folder, spec in boots.items()):
                archive.keep(name)
    except (archive.ArchiveError, boot.UsageError) as error:
        boot.fail(error)
    except OSError as error:
        boot.fail(boot.explain(error))
    except KeyboardInterrupt:
        boot.fail("interrupted; the same command goes on from here")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    summary = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
    if todo:
        print(f"note: {len(todo)} boots in {minutes(time.monotonic() - begin)}: {summary}; "
              f"the largest took {peak} MB", flush=True)
    sys.exit(bool(verdicts.keys() & {"build-failure", "lab-failure"}))


if __name__ == "__main__":
    main()
