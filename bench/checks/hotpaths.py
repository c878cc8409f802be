# SPDX-License-Identifier: GPL-2.0-only
"""What hot paths take: of none exactly what they take of unpatched, of other arms no more than they may."""

import itertools

from bench import archive, arms, boot, campaign
from bench.checks.made import KEPT, not_ok, run_all, spec_of
from bench.report.facts import hotpaths
from bench.report.plan import BASE
from bench.report.rendering.hotpaths import cause


def hotpath_limits():
    """{arm: {kind of CPU: (instructions, locked)}}: what LIMITS= allows an operation more than on unpatched.

    An operation has up to 4 entries, exits and switches, or 7 uses of a lock. What isolated CPUs themselves pay is a
    result, mostly, not a promise.
    """
    found = {}
    for arm in arms.names():
        for limit in arms.fact(arm, "LIMITS").split():
            kind, instructions, locked = limit.split(":")
            found.setdefault(arm, {})[kind.replace("_", " ")] = (int(instructions), int(locked))
    return found


def hotpath_folders(cells):
    """{cell: [folder]} of the boots that count hot paths: kept results if they are up to date, else boots of now."""
    todo, folders = {}, {}
    args = campaign.arguments()
    for model, arm in cells:
        for kept, spec in campaign.hotpaths(args, (model, arm)).items():
            name = f"hotpaths/{model}-{arm}/{kept.name}"
            here = archive.BOOTS / kept.relative_to(archive.MINE)
            folder = here if boot.is_done(spec, here) else KEPT / name
            folders.setdefault((model, arm), []).append(folder)
            if not boot.is_done(spec, folder):
                todo[name] = spec
    run_all(todo)
    return folders


def over_limits(arm, paths, base, limits):
    """What an arm's paths take more than they may: lines of text."""
    for (kind, name), then in base.items():
        path = paths.get((kind, name))
        if path is None:
            yield f"{kind}, {name}: not counted"
        elif kind in limits:
            path = hotpaths.beside(path, then, arm)
            # In different phases of the scheduler the least of each can be compared.
            one, other = ((min(path.met), min(then.met)) if hotpaths.other_phase(path, then)
                          else (path.counts, then.counts))
            more, locked = one[0] - other[0], one[1] - other[1]
            exact = limits[kind] == (0, 0)
            if more > limits[kind][0] or locked > limits[kind][1] or (exact and (more, locked) != (0, 0)):
                yield (f"{kind}, {name}: {more:+} instructions, {locked:+} locked; limit {limits[kind]}: "
                       f"{cause(path, then, 6)}")


def check_hotpaths(tap, _):
    limits_of = hotpath_limits()
    folders = hotpath_folders(itertools.product(boot.MODELS, (BASE, *limits_of)))
    cells = {}
    for cell, of in folders.items():
        cells[cell], faults = hotpaths.read_cell(of)
        tap.point(f"boots of {'-'.join(cell)}", faults)
    for model in boot.MODELS:
        base = cells[model, BASE]
        if not base:
            continue  # its boots have failed above
        for arm, limits in limits_of.items():
            exactly = not any(map(any, limits.values()))
            said = "takes exactly what unpatched takes" if exactly else "takes no more than it may"
            tap.point(f"{model}-{arm} {said} in {len(base)} hot paths",
                      over_limits(arm, cells[model, arm], base, limits))
    other = spec_of("rt-none", seed=2, workload=(("mode", "hotpath"),), by_instruction=True)
    tap.point("boot with another seed", not_ok(run_all({"hotpath-isolated": other})["hotpath-isolated"]))
    again, faults = hotpaths.read_cell([KEPT / "hotpath-isolated"])
    wrong = [f"{key}: {cells['rt', 'none'][key].kernel}, {path.kernel} with another seed" for key, path in again.items()
             if cells["rt", "none"].get(key) and path.kernel != cells["rt", "none"][key].kernel]
    tap.point("counts of hot paths do not depend on the seed", faults + wrong)
