# SPDX-License-Identifier: GPL-2.0-only
"""The report's controls hold, and each fails once it is broken on purpose."""

import dataclasses
import pathlib
import shutil

from bench import archive, arms, boot, campaign
from bench.checks.made import KEPT, not_ok, run_all
from bench.report import plan
from bench.report.judgement import controls
from bench.report.rendering.words import failures


def place_tree(name, boots):
    """Lay boots out as a campaign's results do, in KEPT/controls/NAME; those that results/ has are copied.

    Returns {name in KEPT: spec} of those that are still to be run.
    """
    todo = {}
    for folder, spec in boots.items():
        place = pathlib.Path("controls", name, folder.relative_to(archive.MINE))
        here = archive.BOOTS / folder.relative_to(archive.MINE)
        if boot.is_done(spec, here):
            shutil.copytree(here, KEPT / place)
        else:
            todo[str(place)] = spec
    return todo


def stand_ins(boots, workload=(), **other):
    """The same boots with something changed that their folders do not tell."""
    return {folder: dataclasses.replace(spec, workload=(*spec.workload, *workload), **other)
            for folder, spec in boots.items()}


def check_lab_controls(tap, _):
    six, two = (campaign.arguments("--seeds", str(seeds)) for seeds in (6, 2))
    cell = ("rt", plan.BASE)
    base, rebuilt = campaign.drains(six, cell), campaign.drains(six, ("rt", "rebuilt"))
    again, doses = campaign.same_again(six, cell), campaign.doses(two, cell)
    # Broken on purpose, {what: (the control that is to fail, boots that stand in for its own)}.
    broken = {
        "another-rebuilt": (controls.Control.AA, stand_ins(rebuilt, image=boot.image_of("rt", arms.names()[-1]))),
        "another-image": (controls.Control.AA, stand_ins(again, image=boot.image_of("rt", arms.names()[-1]))),
        "no-dose": (controls.Control.DOSE, stand_ins(doses, workload=(("inject", "no-dose"),))),
    }
    shutil.rmtree(KEPT / "controls", ignore_errors=True)
    todo = place_tree("sound", base | rebuilt | again | doses)
    for what, (_, boots) in broken.items():
        todo |= place_tree(what, boots)
    results = run_all(todo)
    tap.point(f"{len(results)} boots", [f"{name}: {': '.join(got)}" for name, got in results.items() if not_ok(got)])
    if tap.failed:
        return
    tap.point("no control fails, with so few boots", failures(KEPT / "controls/sound"))
    for what, (control, _) in broken.items():
        for folder in base:
            place = folder.relative_to(archive.MINE)
            shutil.copytree(KEPT / "controls/sound" / place, KEPT / "controls" / what / place)
        failed = [one.control for one in controls.read_labs(KEPT / "controls" / what)["virtual"].failed]
        wrong = [] if control in failed else [f"failed: {', '.join(failed) or 'none'}"]
        tap.point(f"broken on purpose, it fails: {control}, {what}", wrong)
