# SPDX-License-Identifier: GPL-2.0-only
"""check-style: what can be said of the tracked files without building anything.

One test point per rule. Tools: checkpatch.pl from the kernel tree, shellcheck,
ruff. The rules that no tool knows are functions here; each takes the tracked
files and yields complaints ("file:line: what").
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

from check import tapfile

ROOT = tapfile.ROOT

# Kernel C, guest C, plugin C: everything that follows kernel coding style.
KERNEL_STYLE = ("*.c", "*.h", "Kconfig*")

# checkpatch types that do not fit: (files, types). The first glob that matches a file counts, and "*" always.
CHECKPATCH_IGNORE = (
    # TRACE_EVENT() is not C; upstream's headers of this kind look the same.
    ("trace/events/*.h", ("OPEN_ENDED_LINE", "PARENTHESIS_ALIGNMENT")),
    # Handlers of NMIs are x86's own, and <linux/nmi.h> is about watchdogs.
    ("kunit/holdup.c", ("INCLUDE_LINUX",)),
    # strscpy() is the kernel's own; the guests' libc has none.
    ("bench/workloads/common/load.c", ("STRCPY",)),
    # A table of words, a line a state.
    ("contract*.h", ("LONG_LINE",)),
    # Locks are opaque types and macros that pick one of two forms by a static branch, as local_lock.h has them. One is
    # looked at to wait for it, which is no assertion.
    ("variants/*/locks.h", ("NEW_TYPEDEFS", "MACRO_ARG_REUSE", "USE_LOCKDEP")),
    ("pcpu_drain_*.h", ("NEW_TYPEDEFS", "MACRO_ARG_REUSE", "USE_LOCKDEP")),
    ("*", (
        "FILE_PATH_CHANGES",  # asks for a MAINTAINERS entry
        "CONFIG_DESCRIPTION",  # counts lines of Kconfig help; short ones are wanted here
        "MISSING_SIGN_OFF",  # patches here are a series in a repository, nobody mails them
        "NO_AUTHOR_SIGN_OFF",
    )),
)

# Files that cannot carry a licence line: raw results, patches (their text is
# the commit message), formats without comments.
NO_SPDX = re.compile(r"^(results/.*(?<!\.svg)|.*\.(patch|json|jsonl|png))$")

# Paths of one machine, and hosts that packages came from. The hosts of this
# machine's own apt sources are added at run time.
MACHINE = r"(?<![\w.})\]-])/(?:work|home|tmp/plan|tmp/x)/|\b(?:deb|ftp|security|snapshot)[\w.]*\.debian\.org\b"

SUBJECT = re.compile(r"^(Merge .*|Revert .*|[a-zA-Z0-9][\w/.,+ -]*: [^\s].*[^.\s])$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)|<img[^>]*\ssrc=\"([^\"]+)\"")


# Who may name a variant: its folder; pages; planted bugs and models, which are of one; tests with made-up boots; what
# was measured. All else finds variants by their folders. "none", the facade with nothing behind it, is an English word
# too, and "spinlock" a word of the kernel's: they are not looked for.
MAY_NAME_VARIANTS = re.compile(r"variants/|results/|kunit/(mutants|models)/|(.*/)?tests/|.*\.(md|patch)$")
# What one of them is named after.
UPSTREAM = re.compile(r"\b(exit_task_work|task[_]work_(add|run|cancel))\b")

# Workloads run in any lab; these are what labs are made of.
NAMES_NO_LAB = re.compile(r"^bench/guest/|^common/clients/\w+/guest\.c$")
LAB_WORDS = ("qemu", "tcg", "icount", "kvm", "uml")


class Tree:
    """The tracked files of the repository, and their text."""

    def __init__(self, root=ROOT):
        self.root = pathlib.Path(root)
        names = self.git("ls-files", "-z").split("\0")
        self.names = [name for name in names if name and (self.root / name).is_file()]

    def git(self, *args):
        return subprocess.run(["git", *args], cwd=self.root, check=True, capture_output=True, text=True).stdout

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def match(self, *globs):
        """Names of the files whose last part matches one of the globs."""
        return [name for name in self.names if any(pathlib.PurePath(name).match(glob) for glob in globs)]

    def scripts(self, suffix, interpreter):
        """Names of the scripts of one language, by suffix or first line."""
        return [name for name in self.names if name.endswith(suffix)
                or re.match(rf"#!.*\b{interpreter}", self.text(name)[:80])]

    def run(self, *command, **env):
        """Lines that a tool prints if it fails; none if it is content."""
        try:
            done = subprocess.run(command, cwd=self.root, env=os.environ | env, capture_output=True, text=True,
                                  check=False)
        except FileNotFoundError:
            return [f"{command[0]}: not found; make deps installs it"]
        return (done.stdout + done.stderr).splitlines() or ["failed silently"] if done.returncode else []


def spdx(tree):
    """Every file that can carry an SPDX line has one near its top."""
    for name in tree.names:
        head = tree.text(name).split("\n", 3)[:3]
        if not NO_SPDX.match(name) and not any("SPDX-License-Identifier: GPL-2.0-only" in line for line in head):
            yield f"{name}:1: no SPDX-License-Identifier: GPL-2.0-only in the first three lines"


def apt_hosts(etc=pathlib.Path("/etc/apt")):
    """Hosts of this machine's package sources."""
    files = [etc / "sources.list", *etc.glob("sources.list.d/*")]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    return sorted(set(re.findall(r"https?://([\w.-]+)", text)))


def machine(tree, hosts=()):
    """No tracked file names a path of one machine or a host of packages."""
    pattern = re.compile("|".join([MACHINE, *(rf"\b{re.escape(host)}\b" for host in hosts)]))
    for name in tree.names:
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if found := pattern.search(line):
                yield f"{name}:{number}: names {found.group()!r}, which holds on one machine only"


def subjects(tree):
    """Commit subjects read `area: what it does`, in at most 75 characters."""
    for line in tree.git("log", "--format=%h %s").splitlines():
        commit, _, subject = line.partition(" ")
        if len(subject) > 75 or not SUBJECT.match(subject):
            yield f"commit {commit}: subject is not `area: imperative` in 75 characters: {subject}"


def links(tree):
    """Relative links in pages lead to files that are there."""
    for name in tree.match("*.md"):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            for target in (one or other for one, other in LINK.findall(line)):
                path = target.partition("#")[0]
                if path and not re.match(r"\w+:", path) and not (tree.root / name).parent.joinpath(path).exists():
                    yield f"{name}:{number}: link to {path}, which does not exist"


def variants_and_arms(tree):
    """What a strategy is called: its folder, and the arms in it; not those that are words for something else, too."""
    found = {part for name in tree.names if (match := re.match(r"variants/(\w+)/(?:arms/(\w+)$)?", name))
             for part in match.groups() if part}
    return found - {"none", "spinlock"}


def names(tree):
    """Who must not know a variant or a lab names none."""
    variants = variants_and_arms(tree)
    for name in tree.names:
        words = set()
        if not MAY_NAME_VARIANTS.match(name) or re.match(r"common/.*\.patch$", name):
            words |= variants
        if NAMES_NO_LAB.match(name):
            words |= set(LAB_WORDS)
        if not words:
            continue
        pattern = re.compile(rf"(?<![a-z])({'|'.join(sorted(words))})(?![a-z])", re.IGNORECASE)
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            upstream = name.endswith(".patch") and line.startswith((" ", "@@"))
            if not upstream and (found := pattern.search(UPSTREAM.sub("", line))):
                yield f"{name}:{number}: names {found.group()}, which it should not know"


def listed(tree):
    """check/README.md lists every check."""
    page = tree.text("check/README.md")
    for name in tree.match("Makefile", "*.mk"):
        for targets in re.findall(r"^(check-[a-z0-9 -]+):", tree.text(name), re.MULTILINE):
            for target in targets.split():
                if f"`{target}`" not in page:
                    yield f"check/README.md:1: does not list {target} of {name}"


def checkpatch(tree, kernel):
    """checkpatch --strict on C, Kconfig and patches."""
    tool = pathlib.Path(kernel).resolve() / "scripts/checkpatch.pl"
    if not tool.exists():
        return [f"{tool}: no such file; make tree assembles a kernel tree"]
    complaints = []
    for types, group in checkpatch_groups(tree).items():
        # Hide git: checkpatch reads a tracked patch as source, and calls spdxcheck.py, which wants python3-git.
        complaints += tree.run(tool, f"--root={tool.parent.parent}", "--strict", "--terse", "--no-summary",
                               "--show-types", "--quiet", f"--ignore={','.join(types)}", *group, GIT_DIR="none")
    return complaints


def checkpatch_groups(tree):
    """What checkpatch is called with: {types ignored: ["-f", source, ...] or [patch, ...]}."""
    everywhere, groups = CHECKPATCH_IGNORE[-1][1], {}
    for name in tree.match(*KERNEL_STYLE):
        types = next(types for glob, types in CHECKPATCH_IGNORE if pathlib.PurePath(name).match(glob))
        groups.setdefault(tuple(sorted({*types, *everywhere})), ["-f"]).append(name)
    # Not one of the above, lest patches mix with sources.
    if patches := tree.match("*.patch"):
        groups["PATCH", *everywhere] = patches
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", required=True, help="a kernel tree, for its scripts/checkpatch.pl")
    parser.add_argument("--ruff", default="ruff", help="the ruff to call")
    args = parser.parse_args()

    tree = Tree()
    shell, python = tree.scripts(".sh", r"(ba|da|)sh\b"), tree.scripts(".py", "python")
    with tapfile.Writer("style") as tap:
        tap.point("licence lines", spdx(tree))
        tap.point("no machine's paths or package hosts", machine(tree, apt_hosts()))
        tap.point("commit subjects", subjects(tree))
        tap.point("links in pages", links(tree))
        tap.point("no variant's name outside of its folder, no lab's in a workload", names(tree))
        tap.point("checks in check/README.md", listed(tree))
        tap.point("checkpatch --strict", checkpatch(tree, args.kernel))
        tap.point("shellcheck", tree.run("shellcheck", *shell) if shell else [])
        tap.point("ruff", tree.run(args.ruff, "check", "--quiet", "--no-cache", "--output-format=concise",
                                   "--config", "check/ruff.toml", *python))
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
