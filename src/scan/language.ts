/**
 * The adapter interface of this room: one language, one object, one entry in `languages.ts`.
 */
import type { FoundFile, LanguageName } from '../model/index.js';

/** The project around a file, as a language may look at it. Reading never executes anything and never leaves the project. */
export interface ProjectView {
  /** Bytes of a project file (posix path relative to the root), or null when it is absent, a symlink, too large or unreadable. */
  read(path: string): Promise<Buffer | null>;
  /** True when the project lists this file (tracked, or untracked and not ignored). */
  exists(path: string): boolean;
  /** All listed paths, sorted. */
  readonly files: readonly string[];
}

export interface Language {
  readonly name: LanguageName;
  /** File name endings with their dot: `.rs`. Matched without regard to case on the last part of the path. */
  readonly extensions: readonly string[];
  /** Whole file names without an extension that are this language too: `Makefile`. */
  readonly names?: readonly string[];
  /**
   * The byte prefilter: false only when the file certainly holds no link, whatever else it holds.
   * Called with the whole file; must not decode it.
   */
  mentions(bytes: Buffer): boolean;
  /**
   * False only when the file certainly holds no test (`#[test]`, `def test`, `it(`…). Decides which files are analysed
   * when every test is wanted (`scanAll`). Absent: every file may hold one.
   */
  mayHoldTests?(file: string, bytes: Buffer): boolean;
  /**
   * Tests, links, symbols of one file. Never throws, whatever the bytes; trouble is in `problems`.
   * What it takes from other files of the project it reads through `project`, so that the cache knows what the answer hangs on.
   */
  find(file: string, bytes: Buffer, project: ProjectView): Promise<FoundFile>;
}
