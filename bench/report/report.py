# SPDX-License-Identifier: GPL-2.0-only
"""Make RESULTS.md, its pages and figures from raw results.

The same raw results give the same bytes. With --check they are made in a
temporary folder, and compared with those in place.
"""

import argparse
import filecmp
import pathlib
import subprocess
import sys
import tempfile

from bench import archive
from bench.report import plan
from bench.report.facts import evidence, frame, hotpaths, instrument, metrics, read, windows
from bench.report.judgement import sameness
from bench.report.rendering import documents, maintenance, origin, page

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = "kernel/sources.sh"  # MODEL KERNEL -> the source_sha256 that an image built now would have


def sources_now(boots):
    """{image: source_sha256 that it would have if built now} of the kernels measured; None if that cannot be told.

    A kernel is named as its image is, with -full if it is a fuller one.
    """
    images = {(boot.model, boot.manifest["kernel"]) for boot in boots if boot.verdict == "ok"}
    found = {}
    for model, kernel in sorted(images):
        try:
            done = subprocess.run([ROOT / SOURCES, model, *kernel.split("-")], cwd=ROOT, capture_output=True, text=True,
                                  check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        found[f"{model}-{kernel}"] = done.stdout.strip()
    return found


def write(results, out, now=sources_now, kept=None):
    """Write RESULTS.md and its figures under the folder out; returns the boots.

    results: the folder of labs, boots unpacked. now: gives, for the boots, what page.basis() is to compare with. kept:
    the folder of what else the report shows, of the instrument; results, if it is not named.
    """
    kept = kept or results
    (out / documents.FIGURES).mkdir(parents=True, exist_ok=True)
    boots = metrics.boots(results)
    runs = frame.labs(frame.of(boots))
    traced = read.read_others(results, ("anatomy",))
    others = [*read.read_others(results, ("hotpath",)), *traced]
    loads = windows.boots(results)
    sources = now([*boots, *others, *loads])
    again = instrument.made_again(kept, results)
    newer = origin.as_before([*boots, *others, *loads], sources, again)
    judged = page.judge(runs.get(plan.JUDGED_LAB), boots, sources, instrument.failed(kept), again)
    labs = {lab: rows.drop(plan.REBUILT, level="arm", errors="ignore")
            for lab, found in runs.items() if len(rows := frame.cells(found))}
    here = {lab: found for lab in labs
            if (found := [boot for boot in boots if boot.lab == lab and origin.ordinary(boot)])}
    timelines = {lab: {(boot.model, boot.arm): boot.path for boot in traced if boot.lab == lab} for lab in here}
    pages, figures = documents.Pages(), out / documents.FIGURES
    known = evidence.Evidence(results, runs.get(plan.JUDGED_LAB), judged.verdicts if judged else ())
    page.front(pages, figures, kept, boots, labs, judged, known, others, timelines.get(plan.JUDGED_LAB),
               sameness.changed_workloads(loads, sources, again), newer)
    page.basis(pages, figures, kept, results, boots, labs, judged, sources, others, again, newer)
    for lab, found in here.items():
        page.details(pages, figures, lab, found, labs[lab], judged, hotpaths.read_lab(results / lab), timelines[lab])
    pages.add(documents.place("maintenance"), "## What each variant is to maintain (counted in the sources)\n",
              maintenance.table(), maintenance.shared())
    pages.add(documents.FRONT, page.links(pages))
    pages.put(out)
    return boots


def files(root):
    """The report's files in a folder."""
    made = (path for folder in (documents.FIGURES, documents.FOLDER) for path in (root / folder).glob("*"))
    return {str(documents.FRONT), *(str(path.relative_to(root)) for path in made)}


def differences(made, place):
    """Names of the report's files that are not the same in both folders."""
    return sorted(name for name in files(made) | files(place)
                  if not (made / name).exists() or not (place / name).exists()
                  or not filecmp.cmp(made / name, place / name, shallow=False))


def replace(made, place):
    """Put the report's files where they belong; figures that are no longer made go."""
    for folder in (documents.FIGURES, documents.FOLDER):
        (place / folder).mkdir(parents=True, exist_ok=True)
    for name in sorted(files(place) - files(made)):
        (place / name).unlink()
    for name in sorted(files(made)):
        new = place / f"{name}.new"
        new.write_bytes((made / name).read_bytes())
        new.rename(place / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT,
                        help="where results/ and RESULTS.md are (default: this repository)")
    parser.add_argument("--boots", type=pathlib.Path, help="folder of labs (default: what results/ holds, unpacked)")
    parser.add_argument("--check", action="store_true",
                        help="change nothing; exit 1 if the files in place differ, 3 if there are no results")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        boots = write(args.boots or archive.unpacked(), made, kept=args.root / "results")
        if not boots:
            print("report: no boots in results/ yet; make results runs them", file=sys.stderr)
            return 3
        if not args.check:
            replace(made, args.root)
            print(f"report: RESULTS.md from {sum(boot.verdict == 'ok' for boot in boots)} of {len(boots)} boots")
        elif changed := differences(made, args.root):
            print(f"report: not what results/ gives now: {', '.join(changed)}; run make report and commit them",
                  file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
