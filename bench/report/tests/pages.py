# SPDX-License-Identifier: GPL-2.0-only
"""The pages of a report that a test has made."""

from bench.report import report
from bench.report.rendering import documents, page


def reading(path):
    """The place of a page in the order of reading."""
    return list(documents.TITLES).index(path.stem.rpartition("-")[2])


def whole(out):
    """The text of all pages under a folder, the front page first."""
    further = sorted((out / documents.FOLDER).glob("*.md"), key=reading)
    return "\n".join(path.read_text(encoding="utf-8") for path in (out / documents.FRONT, *further))


def unchanged(boots):
    """What kernels would be built from now: the sources that were measured."""
    return {f"{b.model}-{b.manifest['kernel']}": b.manifest["source_sha256"] for b in boots if b.verdict == "ok"}


def maker(monkeypatch, tmp_path):
    """What makes a report of a folder and returns all its pages; figures take a second, so only if asked for."""
    def make(results, now=unchanged, name="out", figures=False):
        for drawing in () if figures else ("noise", "ccdf", "dose"):
            monkeypatch.setattr(page.plots, drawing, lambda *_: None)
        (tmp_path / name).mkdir(exist_ok=True)
        report.write(results, tmp_path / name, now)
        return whole(tmp_path / name)
    return make
