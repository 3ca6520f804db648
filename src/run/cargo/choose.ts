/** What each case of one feature set is to run, decided before any test starts: `--list` and the compiler's dep-info confirm it. */
import { readFile } from 'node:fs/promises';
import type { Build } from './build.js';
import { listTests, type Executable, type StartOptions } from './executable.js';
import { readDepInfo } from './inputs.js';
import type { Judgement } from './judge.js';
import { namesFor } from './listing.js';
import type { Metadata } from './metadata.js';
import type { Candidate, ResolvedCase } from './resolve.js';

/** Test executables of a build by package, target kind and name. */
function executables(build: Build, metadata: Metadata): ReadonlyMap<string, Executable> {
  const found = new Map<string, Executable>();
  for (const artifact of build.stream.artifacts) {
    const entry = metadata.packages.find((candidate) => candidate.id === artifact.packageId);
    if (entry === undefined || !artifact.test || artifact.executable === null) continue;
    found.set(`${entry.id}|${artifact.target.kind.join(',')}|${artifact.target.name}`, {
      path: artifact.executable,
      entry,
      artifact,
      stream: build.stream,
    });
  }
  return found;
}

const executableOf = (candidate: Candidate, all: ReadonlyMap<string, Executable>): Executable | undefined =>
  all.get(`${candidate.entry.id}|${candidate.target.kind.join(',')}|${candidate.target.name}`);

/** What a case is to run: tests of one executable, a whole target, or a judgement already. */
export type Chosen =
  | { readonly kind: 'tests'; readonly executable: Executable; readonly names: readonly string[] }
  | { readonly kind: 'target'; readonly executable: Executable }
  | { readonly kind: 'judged'; readonly judged: Judgement };

const judged = (reason: Judgement['reason'], detail: string, message = ''): Chosen => ({
  kind: 'judged',
  judged: { reason, detail, message },
});

export class Chooser {
  readonly #start: StartOptions;
  readonly #metadata: Metadata;
  readonly #build: Build;
  readonly #executables: ReadonlyMap<string, Executable>;
  readonly #lists = new Map<string, ReturnType<typeof listTests>>();
  readonly #sources = new Map<string, Promise<ReadonlySet<string> | null>>();

  constructor(start: StartOptions, metadata: Metadata, build: Build) {
    this.#start = start;
    this.#metadata = metadata;
    this.#build = build;
    this.#executables = executables(build, metadata);
  }

  #list(executable: Executable): ReturnType<typeof listTests> {
    const known = this.#lists.get(executable.path) ?? listTests(executable, this.#start);
    this.#lists.set(executable.path, known);
    return known;
  }

  /** Files that the compiler read for an executable, relative to the project; null when its dep-info cannot be read. */
  #sourcesOf(executable: Executable): Promise<ReadonlySet<string> | null> {
    const read = async (): Promise<ReadonlySet<string> | null> => {
      const host = this.#start.paths.host(`${executable.path}.d`);
      const text = host === null ? null : await readFile(host, 'utf8').catch(() => null);
      return text === null
        ? null
        : new Set(
            readDepInfo(text, this.#metadata.workspaceRoot).flatMap((path) => this.#start.paths.relative(path) ?? []),
          );
    };
    const known = this.#sources.get(executable.path) ?? read();
    this.#sources.set(executable.path, known);
    return known;
  }

  async choose(resolved: ResolvedCase): Promise<Chosen> {
    const { case: one, candidates } = resolved;
    if (candidates.length === 0)
      return judged(
        'not-found',
        `${one.file} belongs to no target of a cargo package here (a module that no \`mod\` leads to?)`,
      );
    const failure = resolved.packages
      .map((entry) => this.#build.failed.get(entry.id))
      .find((found) => found !== undefined);
    if (failure !== undefined) return judged(failure.reason, failure.detail, failure.message);
    const fitting: Exclude<Chosen, { kind: 'judged' }>[] = [];
    let built = 0;
    for (const candidate of candidates) {
      const executable = executableOf(candidate, this.#executables);
      if (executable === undefined) continue;
      built += 1;
      if (!candidate.harness) {
        if (candidate.ground === 'place') continue;
        if (one.path.length > 0 || candidate.modules.length > 0)
          return judged(
            'not-reported',
            `target "${candidate.target.name}" has no harness (harness = false): it reports no single tests; link the whole file ${one.file}`,
          );
        fitting.push({ kind: 'target', executable });
        continue;
      }
      const sources = await this.#sourcesOf(executable);
      // Not compiled into this executable (cfg, another #[path]): a test of that name in it is another one.
      if (sources === null ? candidate.ground === 'place' : !sources.has(one.file)) continue;
      const list = await this.#list(executable);
      if (!list.ok) return { kind: 'judged', judged: list.judged };
      const names = namesFor(one, candidate.modules, list.names);
      if (names.length > 0) fitting.push({ kind: 'tests', executable, names });
    }
    const [first] = fitting;
    if (first === undefined) {
      return built === 0
        ? judged(
            'not-found',
            `cargo built no test executable for ${one.file} (\`test = false\` or missing required-features?)`,
          )
        : judged(
            'not-found',
            `no test executable of ${resolved.packages.map((entry) => entry.name).join(', ')} lists ${one.path.join('::') || 'a test'} of ${one.file}`,
          );
    }
    if (fitting.length > 1)
      return judged(
        'ambiguous-selector',
        `${one.selector} is compiled into several targets: ${fitting.map((entry) => entry.executable.artifact.target.name).join(', ')}`,
      );
    return first;
  }
}
