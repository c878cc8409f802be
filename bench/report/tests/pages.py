# SPDX-License-Identifier: GPL-2.0-only
"""The pages of a report that a test has made."""

from bench.report.rendering import documents


def reading(path):
    """The place of a page in the order of reading."""
    return list(documents.TITLES).index(path.stem.rpartition("-")[2])


def whole(out):
    """The text of all pages under a folder, the front page first."""
    further = sorted((out / documents.FOLDER).glob("*.md"), key=reading)
    return "\n".join(path.read_text(encoding="utf-8") for path in (out / documents.FRONT, *further))
