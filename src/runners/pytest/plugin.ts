/**
 * The pytest plugin, as source text: it is copied into the reports folder of a workspace and loaded with `-p`.
 * It keeps only the selected tests, says which definition each comes from, and reports every phase as it happens. A child that a
 * test forks does not report (other pid).
 */
import { DEFINITIONS, DEFINITIONS_NAME } from './plugin-definitions.js';
import { OPTIONS, OPTIONS_NAME } from './plugin-options.js';

export const PLUGIN_NAME = 'coherence_pytest_report';

const PLUGIN = String.raw`
import hashlib, hmac, json, os, pathlib, sys, time

import pytest
from ${DEFINITIONS_NAME} import Definitions, Watch
from ${OPTIONS_NAME} import arguments, left_out, neutralise

_dumps, _write, _getpid, _hmac, _sha256, _now = json.dumps, os.write, os.getpid, hmac.new, hashlib.sha256, time.time


class _Channel:
    def __init__(self):
        self.pid, self.number, self.file, self.extra, self.key = _getpid(), 0, None, {}, b""
        description = os.environ.get("COHERENCE_REPORT_CHANNEL")
        try:
            with open(description, encoding="utf-8") as stream:
                channel = json.load(stream)
        except (OSError, TypeError, ValueError):
            return
        self.extra = channel.get("extra") or {}
        self.key = channel["key"].encode()
        self.session = "%d-%x" % (self.pid, time.monotonic_ns())
        self.folder, self.once, self.description = channel["folder"], channel["once"], description

    def open(self):
        if self.once:
            temporary = self.description + ".new"
            with open(temporary, "w", encoding="utf-8") as stream:
                json.dump({"key": "", "folder": "", "once": True, "extra": None}, stream)
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


def _file(node):
    return os.path.realpath(str(getattr(node, "path", None) or node.fspath))


class Reporter:
    def __init__(self, channel):
        self.channel = channel
        select = channel.extra.get("select")
        self.select = None if select is None else {key: [tuple(path) for path in paths] for key, paths in select.items()}
        sources = set(channel.extra.get("sources") or ())
        self.definitions = Definitions(sources)
        self.watched, self.chosen, self.odd = {}, {}, False
        for file in sources:
            channel.send(type="definitions", file=file, list=self.definitions.source(file).found)

    def names(self, item):
        """Names below the file: classes, then the test with its parameters."""
        chain = item.listchain()
        last = max((index for index, node in enumerate(chain) if isinstance(node, pytest.File)), default=-1)
        return [node for node in chain[last + 1 :] if node.name != "()"]

    def wanted(self, item):
        if self.select is None:
            return True
        names = [node.name for node in self.names(item)]
        bare = names[:-1] + [names[-1].split("[", 1)[0]] if names else names
        for path in self.select.get(_file(item), ()):
            size = len(path)
            if size == 0 or tuple(names[:size]) == path or tuple(bare[:size]) == path:
                return True
        return False

    def pytest_sessionstart(self, session):
        self.root = str(session.config.rootdir if hasattr(session.config, "rootdir") else session.config.rootpath)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session):
        if self.select is not None and hasattr(session.config, "rootpath"):
            paths = [pathlib.Path(file) for file in self.select]
            gone = {path for path in paths if left_out(session, path)}
            for path in gone:
                self.channel.send(type="left-out", file=str(path))
            kept = [path for path in paths if path not in gone]
            self.leading = set(kept) | {folder for path in kept for folder in path.parents}
            session.config.args[:], self.odd = arguments(session.config, kept)
        yield

    # Older than pytest 7: no such argument.
    if hasattr(pytest, "version_tuple"):

        @pytest.hookimpl(tryfirst=True)
        def pytest_ignore_collect(self, collection_path, config):
            # A path that cannot be an argument is walked to; nothing else is on that way.
            return collection_path not in self.leading if self.odd else None

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
            nodes = self.names(item)
            found, codes = self.definitions.places(getattr(item, "obj", None))
            watched = self.definitions.watched(found, codes)
            if watched:
                self.watched[nodeid] = watched
            self.channel.send(
                type="collected", id=nodeid, file=_file(item), path=[node.name for node in nodes], kept=nodeid in kept, places=found,
                owners=[self.definitions.owner(node.obj) if isinstance(node, pytest.Class) else None for node in nodes],
            )

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector):
        outcome = yield
        report = outcome.get_result() if outcome.excinfo is None else None
        if report is not None and report.outcome in ("failed", "skipped"):
            longrepr = report.longrepr
            text = str(longrepr[2]) if isinstance(longrepr, tuple) else report.longreprtext
            self.channel.send(type="collect-" + report.outcome, file=_file(collector), text=text[-6000:])

    def pytest_runtest_logstart(self, nodeid, location):
        if nodeid not in self.chosen:
            # Another process collected it (pytest-xdist): its name is all that is known.
            self.chosen[nodeid] = None
            names = nodeid.split("::")[1:]
            self.channel.send(type="collected", id=nodeid, file=os.path.join(self.root, nodeid.split("::")[0]), path=names, kept=True, places=[], owners=[])
        self.channel.send(type="start", id=nodeid, at=_now())

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        watched = self.watched.get(item.nodeid)
        if watched is None:
            yield
            return
        watch = Watch(watched)
        watch.open()
        yield
        watch.close()
        self.channel.send(type="entered", id=item.nodeid, places=watch.entered, unknown=watch.unknown)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        if outcome.excinfo is None:
            report = outcome.get_result()
            self.channel.send(type="try", id=item.nodeid, when=report.when, failed=bool(report.failed), detail=self.detail(report)[:500])

    @staticmethod
    def detail(report):
        if report.skipped and isinstance(report.longrepr, tuple):
            return str(report.longrepr[2])
        crash = getattr(report.longrepr, "reprcrash", None)
        return "" if crash is None else str(crash.message)

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        if warning_message.category.__name__ == "PytestReturnNotNoneWarning":
            self.channel.send(type="returned", id=nodeid, text=str(warning_message.message)[:500])

    def pytest_runtest_logreport(self, report):
        text = report.longreprtext if report.failed else ""
        context = getattr(report, "context", None)
        self.channel.send(
            type="phase", id=report.nodeid, when=report.when, outcome=report.outcome, xfail=hasattr(report, "wasxfail"),
            reason=str(getattr(report, "wasxfail", "")), sub=context is not None, detail=self.detail(report)[:2000], text=text[-12000:], seconds=getattr(report, "duration", 0.0),
        )

    def pytest_runtest_logfinish(self, nodeid, location):
        self.channel.send(type="end", id=nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        self.channel.send(type="finish", status=int(exitstatus))


_channel = _Channel()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_cmdline_main(config):
    # A line of the project's own runs as it is written.
    if _channel.extra.get("select") is not None:
        neutralise(config)
    yield


def pytest_configure(config):
    config.addinivalue_line("markers", "verifies(id, ...): acceptance criteria that the test checks (coherence)")
    # A worker of pytest-xdist: its reports come through the controller.
    if hasattr(config, "workerinput"):
        return
    if _channel.key:
        _channel.open()
        _channel.send(type="session", version=pytest.__version__, python=sys.version.split()[0])
    config.pluginmanager.register(Reporter(_channel), "coherence-reporter")
`;

/** The plugin's files by name. */
export const PLUGIN_FILES: readonly (readonly [name: string, text: string])[] = [
  [`${PLUGIN_NAME}.py`, PLUGIN],
  [`${DEFINITIONS_NAME}.py`, DEFINITIONS],
  [`${OPTIONS_NAME}.py`, OPTIONS],
];
