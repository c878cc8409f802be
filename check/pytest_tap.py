# SPDX-License-Identifier: GPL-2.0-only
"""pytest plugin: `pytest -p pytest_tap --tap NAME` writes build/check/NAME.tap."""

from check import tapfile


def pytest_addoption(parser):
    parser.addoption("--tap", help="name of the TAP file to write")


def pytest_configure(config):
    if name := config.getoption("--tap"):
        config.pluginmanager.register(Reporter(name))


class Reporter:
    """Turns each test's outcome into a test point."""

    def __init__(self, name):
        self.writer = tapfile.Writer(name)

    def pytest_sessionstart(self):
        self.writer.__enter__()

    def pytest_collectreport(self, report):
        if report.failed:
            self.writer.point(f"collect {report.nodeid}", [report.longreprtext])

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.writer.skip(report.nodeid, report.longrepr[2].removeprefix("Skipped: "))
        elif report.when == "call" or report.failed:
            self.writer.point(report.nodeid, [report.longreprtext or "failed"] if report.failed else [])

    def pytest_sessionfinish(self):
        self.writer.__exit__(None, None, None)
