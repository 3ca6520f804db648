/**
 * The plugin's module on definitions, as source text: which `def` and `class` a collected test comes from, through decorators,
 * and whether its body was entered. A name says too little: it can be defined twice, or be rebound.
 */
export const DEFINITIONS_NAME = 'coherence_pytest_definitions';

export const DEFINITIONS = String.raw`
import ast, functools, os, sys, threading, types

# So many objects behind one test are looked at: decorators are a few deep.
LIMIT = 300
PLAIN = (types.FunctionType, types.MethodType, functools.partial, staticmethod, classmethod)
LATER = 0x20 | 0x80 | 0x100 | 0x200  # generator, coroutine, iterable coroutine, asynchronous generator


class Source:
    """The definitions of one file that pytest could collect: those of the module and of its classes."""

    def __init__(self, file):
        self.found, self.lines = [], []
        try:
            with open(file, "rb") as stream:
                text = stream.read()
            self.lines = text.decode("utf-8", "replace").splitlines()
            self.walk(ast.parse(text).body, [], [])
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            self.found = []
        self.firsts = {one["first"] for one in self.found}

    def walk(self, body, path, conditions):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                first = min([one.lineno for one in node.decorator_list] + [node.lineno])
                here = path + [node.name]
                self.found.append({"path": here, "first": first, "last": getattr(node, "end_lineno", None) or node.lineno, "conditions": conditions})
                if isinstance(node, ast.ClassDef):
                    self.walk(node.body, here, conditions)
                continue
            for branch, part in enumerate(self.branches(node)):
                self.walk(part, path, conditions if branch < 0 else conditions + [self.condition(node, branch)])
            for part in self.always(node):
                self.walk(part, path, conditions)

    def condition(self, node, branch):
        text = self.lines[node.lineno - 1].strip() if node.lineno <= len(self.lines) else ""
        return {"line": node.lineno, "branch": branch, "text": text[:160]}

    @staticmethod
    def branches(node):
        """Bodies of which not every one is run."""
        if isinstance(node, (ast.If, ast.For, ast.AsyncFor, ast.While)):
            return [node.body, node.orelse]
        if hasattr(node, "handlers") and node.handlers:
            return [node.body + node.orelse] + [one.body for one in node.handlers]
        return [one.body for one in getattr(node, "cases", [])]

    @staticmethod
    def always(node):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return [node.body]
        if hasattr(node, "handlers"):
            return ([] if node.handlers else [node.body, node.orelse]) + [node.finalbody]
        return []


class Definitions:
    def __init__(self, wanted):
        self.sources = {}
        self.wanted = set(wanted)

    def source(self, file):
        if file not in self.sources:
            self.sources[file] = Source(file)
        return self.sources[file]

    def places(self, obj):
        """What a test's callable leads to: [file, first line, it is the callable itself and runs when called], with their code."""
        found, codes = [], []
        for function, is_direct in _behind(obj):
            code = function.__code__
            file = file_of(function)
            if file is not None:
                found.append([file, code.co_firstlineno, is_direct and not code.co_flags & LATER])
                codes.append(code)
        return found, codes

    def watched(self, found, codes):
        """Code that has to be seen entered, since a wrapper or an event loop decides on it. By identity: equal code has equal hashes."""
        return {
            id(code): (code, place[:2])
            for place, code in zip(found, codes)
            if not place[2] and place[0] in self.wanted and place[1] in self.source(place[0]).firsts
        }

    def owner(self, cls):
        """Where a class is defined: [file, first line]; None when its file does not tell one definition from another."""
        module = sys.modules.get(getattr(cls, "__module__", None) or "")
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            return None
        file = os.path.realpath(file)
        same = [one for one in self.source(file).found if ".".join(one["path"]) == cls.__qualname__]
        if len(same) > 1:
            lines = {one.__code__.co_firstlineno for one in vars(cls).values() if isinstance(one, types.FunctionType) and one.__qualname__.startswith(cls.__qualname__ + ".")}
            first = vars(cls).get("__firstlineno__")
            same = [one for one in same if one["first"] == first or any(one["first"] <= line <= one["last"] for line in lines)]
        return [file, same[0]["first"]] if len(same) == 1 else None


def file_of(function):
    """A compiled file that was copied with its tree still names the old place; the module's globals name the one in use."""
    written = function.__code__.co_filename
    actual = function.__globals__.get("__file__")
    if isinstance(actual, str) and os.path.basename(actual) == os.path.basename(written):
        written = actual
    return os.path.realpath(written) if written and not written.startswith("<") else None


def _behind(obj):
    """Functions that a callable is, wraps or closes over; nearest first. Only plain attributes are read, nothing is called."""
    queue, seen, kept = [(obj, True, 0)], set(), []
    while queue and len(seen) < LIMIT:
        one, is_direct, depth = queue.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        kept.append(one)
        if isinstance(one, (types.MethodType, staticmethod, classmethod)):
            queue.append((one.__func__, is_direct, depth))
        elif isinstance(one, functools.partial):
            queue.append((one.func, is_direct, depth))
            queue.extend((part, False, depth + 1) for part in one.args + tuple(one.keywords.values()) if isinstance(part, PLAIN))
        elif isinstance(one, types.FunctionType):
            yield one, is_direct
            parts = list(one.__defaults__ or ()) + list((one.__kwdefaults__ or {}).values()) + list(vars(one).values())
            for cell in one.__closure__ or ():
                try:
                    parts.append(cell.cell_contents)
                except ValueError:
                    pass
            queue.extend((part, False, depth + 1) for part in parts if isinstance(part, PLAIN) or depth < 2)
        elif not isinstance(one, (type, types.ModuleType)):
            own = getattr(type(one), "__dict__", {}).get("__call__") if is_direct else None
            if own is not None:
                queue.append((own, True, depth))
            try:
                parts = list(object.__getattribute__(one, "__dict__").values())
            except (AttributeError, TypeError):
                parts = list(one) if isinstance(one, (tuple, list)) and len(one) < 20 else []
            queue.extend((part, False, depth + 1) for part in parts if isinstance(part, PLAIN))


_forks = [0]
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=lambda: _forks.__setitem__(0, _forks[0] + 1))


class Watch:
    """Sees which of some code objects are entered while it is open; unknown where another profiler is in the way."""

    def __init__(self, watched):
        self.left, self.entered, self.unknown = dict(watched), [], False
        self.forks, self.tool, self.begun = _forks[0], None, None

    def note(self, code):
        place = self.left.pop(id(code), None)
        if place is not None:
            self.entered.append(place[1])

    def open(self):
        if not self.left:
            return
        if sys.version_info >= (3, 12):
            monitoring = sys.monitoring
            self.tool = next((one for one in (4, 3) if monitoring.get_tool(one) is None), None)
            self.unknown = self.tool is None
            if not self.unknown:
                self.codes = [code for code, place in self.left.values()]
                monitoring.use_tool_id(self.tool, "coherence")
                monitoring.register_callback(self.tool, monitoring.events.PY_START, lambda code, offset: self.note(code))
                for code in self.codes:
                    monitoring.set_local_events(self.tool, code, monitoring.events.PY_START)
            return
        self.unknown = sys.getprofile() is not None
        if not self.unknown:
            self.profile = self.called
            threading.setprofile(self.profile)
            sys.setprofile(self.profile)

    def called(self, frame, event, argument):
        # A coroutine that is closed before it began is "called" and returns from where it stands.
        if self.begun is not None:
            (begun, at), self.begun = self.begun, None
            if not (event == "return" and frame is begun and frame.f_lasti == at):
                self.note(begun.f_code)
        if not self.left:
            sys.setprofile(None)
        elif event == "call" and id(frame.f_code) in self.left:
            self.begun = (frame, frame.f_lasti)

    def close(self):
        if self.tool is not None:
            monitoring = sys.monitoring
            for code in self.codes:
                monitoring.set_local_events(self.tool, code, 0)
            monitoring.register_callback(self.tool, monitoring.events.PY_START, None)
            monitoring.free_tool_id(self.tool)
        elif getattr(self, "profile", None) is not None:
            now = sys.getprofile()
            if now is self.profile:
                sys.setprofile(None)
            elif self.left:
                self.unknown = True
            threading.setprofile(None)
        # A child may have run it.
        if self.left and _forks[0] != self.forks:
            self.unknown = True
`;
