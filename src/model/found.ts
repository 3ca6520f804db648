/**
 * What static analysis finds in code: tests, links to criteria, declarations. No test is executed to find them.
 */
import type { Position } from './spec.js';

export type LanguageName = 'typescript' | 'rust' | 'python' | 'go' | 'java' | 'shell' | 'other';

/** Which framework a test is written for. Only some of them have a runner here; `RUNNER_OF` says which. */
export type Framework =
  | 'vitest'
  | 'jest'
  | 'mocha'
  | 'node-test'
  | 'playwright'
  | 'bun'
  | 'deno'
  | 'pytest'
  | 'unittest'
  | 'cargo'
  | 'doctest'
  | 'go'
  | 'junit'
  | 'file';

export const RUNNER_NAMES = ['vitest', 'node-test', 'pytest', 'cargo', 'go', 'command'] as const;
export type RunnerName = (typeof RUNNER_NAMES)[number];

/** The runner that executes tests of a framework; null where this tool has none: SKIP(unavailable:<framework>). */
export const RUNNER_OF: Readonly<Record<Framework, RunnerName | null>> = {
  vitest: 'vitest',
  jest: null,
  mocha: null,
  'node-test': 'node-test',
  playwright: null,
  bun: null,
  deno: null,
  pytest: 'pytest',
  unittest: 'pytest',
  cargo: 'cargo',
  doctest: 'cargo',
  go: 'go',
  junit: null,
  file: null,
};

export type TestKind = 'file' | 'suite' | 'case';

/** Why a test would not run, read off the source: its own modifier or one of an enclosing suite. */
export type SkipMark = 'skip' | 'todo' | 'ignore' | 'conditional';

/**
 * A test file, suite or case.
 *
 * `selector` is the contract's form: `test/cache.test.ts > cache > survives a restart` (TypeScript),
 * `tests/caching.rs::module::hit` (Rust), `tests/test_a.py::TestX::test_y` (Python), `pkg/a_test.go::TestX/name` (Go),
 * `src/test/java/ATest.java::ATest::name` (Java), the file's path alone for a file.
 */
export interface FoundTest extends Position {
  readonly language: LanguageName;
  readonly framework: Framework;
  readonly kind: TestKind;
  /** Names from the outermost suite (or module, class) to the test itself; empty for a file. */
  readonly path: readonly string[];
  readonly selector: string;
  /**
   * Where the runner's own report says the test stands, when that is not `file`:`line`: a test that a wrapper declares stands at
   * the wrapper's call, but is reported at the `it(` inside it. Line null: the report names no line.
   */
  readonly reportedAt?: { readonly file: string; readonly line: number | null };
  /** Last line of the declaration. */
  readonly endLine: number;
  /** True when the title cannot be known without running: it has no selector of its own and links through what encloses it. */
  readonly dynamic: boolean;
  /** True when one declaration gives several reported tests (each, rstest, parametrize). */
  readonly parametrised: boolean;
  readonly skip?: SkipMark;
  /**
   * What decides whether this definition exists or runs at all: an `if`/`else`, `switch` case or `try` around it, `#[cfg(…)]` of
   * itself and of the modules around it, a `//go:build` line or the file's name. The innermost place; the text joins all of them.
   */
  readonly condition?: Condition;
  /**
   * Lines of all definitions in this file that have this very selector, itself included, ascending; absent where it is the only
   * one. Which of them runs, or whether the last one hides the others, only the runner's report can tell.
   */
  readonly twins?: readonly number[];
  /**
   * Other tests may get this one's name, and the runner numbers them as they run (Go's `x#01`). `name`: what it is reported as by
   * the source's order, null where only a run knows that order; `of`: so many tests of the source have the name.
   */
  readonly turn?: { readonly name: string | null; readonly of: number };
  /**
   * A call with a title and a function that no analysis understands (`prop('…', () => …)` of a package): perhaps a test. It counts
   * only when a runner reports it, by place or title; it never counts as one of the tests that a suite or a file is known to hold.
   */
  readonly possible?: boolean;
  /** Focused (`.only`): a lint error, since it silences its neighbours. */
  readonly focused?: boolean;
  /** True when no assertion can be reached from the body; absent where that is unknown. */
  readonly hollow?: boolean;
  /** SHA-256 of the body without formatting and comments; hex. Empty for a file. */
  readonly fingerprint: string;
}

/** A condition in source text, one line, as written there, and its line. */
export interface Condition {
  readonly text: string;
  readonly line: number;
}

export type LinkSource = 'comment' | 'docstring' | 'title' | 'tag' | 'annotation' | 'decorator';

/**
 * What a tag in code is bound to: a whole file, a test found beside it, a declaration that implements, or nothing: then `line` and
 * `between` say where its reach ended and why (`a blank line ends its reach`).
 */
export type Binding =
  | { readonly kind: 'file' }
  | { readonly kind: 'test'; readonly selector: string; readonly line: number }
  | { readonly kind: 'code'; readonly symbol: string; readonly line: number }
  | { readonly kind: 'dangling'; readonly line: number; readonly between: string };

/** One `@verifies`/`@implements` (or a language's own habit) with one target. Several ids give several links. */
export interface FoundLink extends Position {
  readonly relation: 'verifies' | 'implements';
  readonly target: string;
  readonly source: LinkSource;
  readonly binds: Binding;
}

/** All that analysis of one file gives. Plain data, so it can be cached by the file's blob id. */
export interface FoundFile {
  readonly file: string;
  readonly language: LanguageName;
  readonly tests: readonly FoundTest[];
  readonly links: readonly FoundLink[];
  /** Named declarations, for `implemented_by: path::symbol`. */
  readonly symbols: readonly FoundSymbol[];
  /** Things about this file alone that the author should know, such as a parse that broke off. */
  readonly problems: readonly FoundProblem[];
}

/** `limit`: the analysis was cut short here, so nothing that hangs on this file can be believed. */
export type FoundProblem = Position & { readonly message: string; readonly limit?: boolean };

export interface FoundSymbol {
  readonly name: string;
  readonly line: number;
  readonly endLine: number;
  /** It only says that something exists elsewhere (`declare`, a declaration file): it implements nothing. */
  readonly ambient?: boolean;
}

/** Files that only say what exists elsewhere: TypeScript's declaration files and Python's stubs. */
export const isDeclarationFile = (file: string): boolean => /\.d\.[cm]?ts$|\.pyi$/iu.test(file);

/** The result of scanning a tree. Files without tests or links are left out. */
export interface Scan {
  readonly files: readonly FoundFile[];
}
