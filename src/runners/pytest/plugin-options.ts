/**
 * The plugin's module on pytest's own options, as source text. The project's configuration stays in force but for what would
 * choose other tests than those asked for, run them elsewhere, write into the tree or wait for a person.
 */
export const OPTIONS_NAME = 'coherence_pytest_options';

export const OPTIONS = String.raw`
import fnmatch, importlib.util, inspect, os, pathlib

# By the name under which pytest or a plugin keeps the option; one that is not there is not set.
NEUTRAL = {
    # Other processes (pytest-xdist): their reports say nothing of definitions.
    "numprocesses": None, "maxprocesses": None, "dist": "no", "distload": False, "tx": [], "looponfail": False,
    # Other tests than those asked for, by what an earlier run left.
    "lf": False, "failedfirst": False, "newfirst": False, "cacheclear": False, "cacheshow": None,
    "stepwise": False, "stepwise_skip": False, "stepwise_reset": False,
    # No tests at all.
    "collectonly": False, "setuponly": False, "setupplan": False, "showfixtures": False, "show_fixtures_per_test": False, "markers": False,
    # A person is asked, or the world is told.
    "usepdb": False, "trace": False, "pastebin": None,
    # Snapshots that the run writes prove nothing (syrupy, pytest-snapshot, inline-snapshot, pytest-regressions).
    "update_snapshots": False, "snapshot_update": False, "inline_snapshot": "disable", "regen_all": False, "force_regen": False,
    # Reports of the whole suite are not replaced by one of a few tests.
    "xmlpath": None, "htmlpath": None, "report_log": None,
}


def neutralise(config):
    for name, value in NEUTRAL.items():
        if hasattr(config.option, name):
            setattr(config.option, name, list(value) if isinstance(value, list) else value)
    coverage = config.pluginmanager.getplugin("_cov")
    options = getattr(coverage, "options", None)
    if options is not None:
        options.cov_report, options.cov_fail_under = {}, None
    refuse_first_snapshots()


def refuse_first_snapshots():
    """Other libraries fail where no snapshot is stored; snapshottest stores what it gets, and the test passes."""
    if importlib.util.find_spec("snapshottest") is None:
        return
    try:
        from snapshottest.module import SnapshotTest
    except Exception:
        return

    def store(self, data):
        raise AssertionError("there is no stored snapshot to compare with; make it with pytest --snapshot-update, look at it and commit it")

    SnapshotTest.store = store


def left_out(session, path):
    """True when the project's own configuration keeps pytest from a file (collect_ignore, --ignore). Asked as if it had been walked to."""
    config = session.config

    def ignored(one):
        try:
            load_conftest(config, one.parent)
            return bool(session.gethookproxy(one.parent).pytest_ignore_collect(collection_path=one, config=config))
        except Exception:
            return False

    if ignored(path):
        return True
    patterns = config.getini("norecursedirs")
    for folder in path.parents:
        if folder == config.rootpath or config.rootpath not in folder.parents:
            return False
        # pytest would not walk into these, and does when a file in them is named.
        if any(fnmatch.fnmatch(folder.name, pattern) for pattern in patterns) or os.path.exists(str(folder / "pyvenv.cfg")):
            continue
        if ignored(folder):
            return True
    return False


def load_conftest(config, folder):
    """pytest looks up a folder's conftest.py only where it has loaded it, which it does when it walks there (since 8)."""
    load = getattr(config.pluginmanager, "_loadconftestmodules", None)
    if load is None:
        return
    known = {"importmode": config.getoption("importmode"), "rootpath": config.rootpath, "consider_namespace_packages": False}
    load(folder, **{name: known[name] for name in inspect.signature(load).parameters if name in known})


def arguments(config, paths):
    """The paths as pytest takes them. What follows a bracket or two colons it takes for a test's name: those are walked to."""
    start = str(config.invocation_params.dir)
    plain, odd = [], set()
    for path in paths:
        argument = pathlib.PurePath(os.path.relpath(str(path), start))
        if is_odd(argument):
            odd.add(next(str(folder) for folder in argument.parents if not is_odd(folder)))
        else:
            plain.append(str(argument))
    return [one for one in odd if not any(other != one and pathlib.PurePath(other) in pathlib.PurePath(one).parents for other in odd)] + plain, bool(odd)


def is_odd(path):
    return "[" in str(path) or "::" in str(path)
`;
