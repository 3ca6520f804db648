/**
 * The pytest plugin, as source text: it is copied into the reports folder of a workspace and loaded with `-p`.
 * It keeps only the selected tests, and reports every phase of each as it happens. A child that a test forks does not
 * report (other pid), and neither do the workers of pytest-xdist (their reports come through the controller).
 */
export const PLUGIN_NAME = 'coherence_pytest_report';

export const PLUGIN = String.raw`
import hashlib, hmac, json, os, sys, time

import pytest

_dumps, _write, _getpid, _hmac, _sha256, _now = json.dumps, os.write, os.getpid, hmac.new, hashlib.sha256, time.time


class _Channel:
    def __init__(self):
        self.pid, self.number, self.file, self.select, self.key = _getpid(), 0, None, None, b""
        description = os.environ.get("COHERENCE_REPORT_CHANNEL")
        try:
            with open(description, encoding="utf-8") as stream:
                channel = json.load(stream)
        except (OSError, TypeError, ValueError):
            return
        self.select = channel.get("extra")
        self.key = channel["key"].encode()
        self.session = "%d-%x" % (self.pid, time.monotonic_ns())
        self.folder, self.once, self.description = channel["folder"], channel["once"], description

    def open(self):
        if self.once:
            # The key goes, what to select stays: workers of pytest-xdist read it too.
            temporary = self.description + ".new"
            with open(temporary, "w", encoding="utf-8") as stream:
                json.dump({"key": "", "folder": "", "once": True, "extra": self.select}, stream)
            os.replace(temporary, self.description)
        path = os.path.join(self.folder, self.session + ".log")
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)

    def send(self, **event):
        if self.file is None or _getpid() != self.pid:
            return
        text = _dumps(event)
        mac = _hmac(self.key, ("%s\n%d\n%s" % (self.session, self.number, text)).encode(), _sha256).hexdigest()
        self.number += 1
        _write(self.file, (mac + " " + text + "\n").encode())


class Reporter:
    def __init__(self, config, channel):
        self.channel = channel
        self.root = str(config.rootdir)
        self.worker = hasattr(config, "workerinput")
        select = channel.select if isinstance(channel.select, dict) else None
        self.select = None if select is None else {key: [tuple(path) for path in paths] for key, paths in select.items()}
        self.chosen = {}

    def places(self, item):
        file = os.path.realpath(str(getattr(item, "path", None) or item.fspath))
        names = item.nodeid.split("::")[1:]
        # A parameter's text may hold "::": what follows the first "[" of the last name belongs to it.
        for index, name in enumerate(names):
            if "[" in name:
                names = names[:index] + ["::".join(names[index:])]
                break
        return file, names

    def wanted(self, item):
        if self.select is None:
            return True
        file, names = self.places(item)
        bare = names[:-1] + [names[-1].split("[", 1)[0]] if names else names
        for path in self.select.get(file, ()):
            size = len(path)
            if size == 0 or tuple(names[:size]) == path or tuple(bare[:size]) == path:
                return True
        return False

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        chosen = [item for item in items if self.wanted(item)]
        rest = [item for item in items if not self.wanted(item)]
        items[:] = chosen
        if rest:
            config.hook.pytest_deselected(items=rest)
        self.chosen = {item.nodeid: item for item in chosen}
        yield
        kept = {item.nodeid for item in items}
        for nodeid, item in self.chosen.items():
            file, names = self.places(item)
            line = item.location[1]
            if not self.worker:
                self.channel.send(type="collected", id=nodeid, file=file, path=names, line=None if line is None else line + 1, kept=nodeid in kept)

    def pytest_collectreport(self, report):
        if report.failed and not self.worker:
            file = os.path.realpath(os.path.join(self.root, report.nodeid.split("::")[0]))
            self.channel.send(type="collect-error", file=file, text=report.longreprtext[-6000:])

    def pytest_runtest_logstart(self, nodeid, location):
        self.channel.send(type="start", id=nodeid, at=_now())

    def pytest_runtest_logreport(self, report):
        text = report.longreprtext if report.failed else ""
        detail = ""
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            detail = str(crash.message)
        if report.skipped and isinstance(report.longrepr, tuple):
            detail = str(report.longrepr[2])
        context = getattr(report, "context", None)
        self.channel.send(
            type="phase", id=report.nodeid, when=report.when, outcome=report.outcome, xfail=hasattr(report, "wasxfail"),
            reason=str(getattr(report, "wasxfail", "")), sub=context is not None, detail=detail[:2000], text=text[-12000:], seconds=getattr(report, "duration", 0.0),
        )

    def pytest_runtest_logfinish(self, nodeid, location):
        self.channel.send(type="end", id=nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        self.channel.send(type="finish", status=int(exitstatus))


def pytest_configure(config):
    channel = _Channel()
    reporter = Reporter(config, channel)
    if channel.key and not reporter.worker:
        channel.open()
        channel.send(type="session", version=pytest.__version__, python=sys.version.split()[0])
    config.pluginmanager.register(reporter, "coherence-reporter")
`;
