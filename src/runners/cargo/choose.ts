/** What each case of one feature set is to run, decided before any test starts: `--list` and the compiler's dep-info confirm it. */
import { readFile } from 'node:fs/promises';
import type { Build } from './build.js';
import { listTests, type Executable, type StartOptions } from './executable.js';
import { readDepInfo } from './inputs.js';
import type { Judgement } from './judge.js';
import { isDefinition, namesFor, type ListedTest } from './listing.js';
import type { Metadata } from './metadata.js';
import type { Candidate, ResolvedCase } from './resolve.js';
import type { Case } from '../../model/index.js';
import { isAbsolute, join } from 'node:path/posix';

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

/** A target that its manifest takes out of the tests: nothing is built for it that a plain `cargo test` would not. */
function leftOutByManifest(one: Case, candidates: readonly Candidate[]): Chosen | null {
  const out = candidates.find(
    ({ target }) => !target.test && !target.kind.includes('bench') && !target.kind.includes('example'),
  );
  return out === undefined || candidates.some(({ target }) => target.test)
    ? null
    : judged('configured-out', `${one.file}: its target "${out.target.name}" has \`test = false\` in Cargo.toml`);
}

/** A file that a `mod` under a condition leads to, and that the compiler did not read. */
function notCompiled({ conditions }: Candidate): Chosen | null {
  const last = conditions.at(-1);
  if (last === undefined) return null;
  const words = conditions.map((condition) => condition.text).join(' and ');
  return judged(
    'configured-out',
    `${last.file}:${last.line} ${words} of its module: not built with these features on this platform`,
  );
}

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

  /** The listed tests that are the case's own definition, or why they are not. */
  #ownNames(one: Case, modules: readonly string[], listed: readonly ListedTest[]): readonly string[] | Judgement {
    const places = new Map<string, readonly (ListedTest['place'] & object)[]>();
    for (const { name, place } of listed)
      places.set(name, [...(places.get(name) ?? []), ...(place === null ? [] : [place])]);
    const names = namesFor(one, modules, [...places.keys()]);
    const condition = one.test?.condition;
    const out = (): Judgement => ({
      reason: condition === undefined ? 'not-found' : 'configured-out',
      detail:
        condition === undefined
          ? `the build has another definition of ${one.path.join('::')} than that of ${one.file}:${one.line}`
          : `${one.file}:${condition.line} ${condition.text}: not built with these features on this platform`,
      message: '',
    });
    if (names.length === 0) return condition === undefined ? [] : out();
    const told = names.map((name) => {
      const here = places.get(name) ?? [];
      const answers = (here.length === 0 ? [null] : here).map((place) => isDefinition(one, this.#fileOf(place)));
      return answers.includes(true) ? true : answers.includes(null) ? null : false;
    });
    if (told.includes(null))
      return {
        reason: 'ambiguous-selector',
        detail: `${one.file} defines ${one.path.join('::')} at lines ${(one.test?.twins ?? []).join(', ')}, and this libtest does not say which was compiled`,
        message: '',
      };
    const own = names.filter((_, i) => told[i] === true);
    return own.length > 0 ? own : out();
  }

  /** The compiler is given files relative to the workspace's root. */
  #fileOf(place: ListedTest['place']): { readonly file: string; readonly line: number } | null {
    if (place === null) return null;
    const path = isAbsolute(place.path) ? place.path : join(this.#metadata.workspaceRoot, place.path);
    return { file: this.#start.paths.relative(path) ?? place.path, line: place.line };
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
    const excluded = leftOutByManifest(one, candidates);
    if (excluded !== null) return excluded;
    const fitting: Exclude<Chosen, { kind: 'judged' }>[] = [];
    let built = 0;
    /** Why what was built is not the case's own definition. */
    let other: Chosen | null = null;
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
      if (sources === null ? candidate.ground === 'place' : !sources.has(one.file)) {
        other ??= notCompiled(candidate);
        continue;
      }
      const list = await this.#list(executable);
      if (!list.ok) return { kind: 'judged', judged: list.judged };
      const names = this.#ownNames(one, candidate.modules, list.tests);
      if ('reason' in names) other ??= { kind: 'judged', judged: names };
      else if (names.length > 0) fitting.push({ kind: 'tests', executable, names });
    }
    const [first] = fitting;
    if (first === undefined) {
      if (other !== null) return other;
      const wanting = candidates.find(({ target }) => target.requiredFeatures.length > 0);
      if (built === 0 && wanting !== undefined)
        return judged(
          'configured-out',
          `${one.file}: its target "${wanting.target.name}" has \`required-features = [${wanting.target.requiredFeatures.join(', ')}]\`; a link's \`features\` switches them on`,
        );
      return built === 0
        ? judged('not-found', `cargo built no test executable for ${one.file}`)
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
