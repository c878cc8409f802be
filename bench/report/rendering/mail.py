# SPDX-License-Identifier: GPL-2.0-only
"""What a variant's page says, as plain text of a mail or a commit.

  python3 -m bench.report.rendering.mail VARIANT    what stands before the first heading: what the variant is
"""

import re
import sys
import textwrap

from bench.report.facts import strategies

WIDTH = 72  # columns of a mail


def plain(text):
    """Markdown as a mail has it: no links, no emphasis."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*`]|<a [^>]*></a>", "", text)


def wrap(text, first="", rest=None):
    return textwrap.fill(" ".join(plain(text).split()), WIDTH, initial_indent=first, break_on_hyphens=False,
                         subsequent_indent=first if rest is None else rest)


def section(name, heading=""):
    """The paragraphs and points under a heading of the variant's page, or what stands before the first; no tables."""
    text = (strategies.ROOT / "variants" / name / "README.md").read_text(encoding="utf-8")
    if not heading:
        found = text.partition("\n# ")[2].partition("\n")[2]
    elif not (found := text.partition(f"\n## {heading}\n")[2]):
        raise ValueError(f"variants/{name}/README.md has no section {heading}")
    found = re.split(r"^#", found, maxsplit=1, flags=re.MULTILINE)[0]
    if not found.strip():
        raise ValueError(f"variants/{name}/README.md says nothing under {heading or 'its title'}")
    parts = re.split(r"\n\n|\n(?=- )", found.strip())
    return "\n".join(wrap(part[2:], "- ", "  ") if part.startswith("- ") else wrap(part) + "\n"
                     for part in parts if part and not part.startswith(("|", "![", "```")))


if __name__ == "__main__":
    print(section(sys.argv[1]))
