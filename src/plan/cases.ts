/**
 * Links made runnable: each traced link becomes a Check that waits for cases, or a Check whose verdict is known already.
 * Equal cases are one case, however many criteria wait for it: it runs once.
 */
import { RUNNER_NAMES, RUNNER_OF, type Case, type Check, type FoundTest, type PlaceName, type Reason, type ResolvedLink, type RunnerName, type TracedCriterion } from '../model/index.js';
import { parseDuration } from '../util/duration.js';
import { canonicalJson, hashFields } from '../util/hash.js';
import { wrappedIn } from './instances.js';

export interface PlanOptions {
  readonly timeoutMs: number;
  /** `--place`: overrides what links say. */
  readonly place?: PlaceName;
  /** Names of the docker environments of config.yaml. */
  readonly environments: readonly string[];
  /** Requirements (as written) that are not met here, with what is missing. */
  readonly unmet: ReadonlyMap<string, string>;
  /** Variables of the caller that links may pass through by name. */
  readonly callerEnv: Readonly<Record<string, string | undefined>>;
  /** True for a file that may be executed directly. */
  readonly executable: (file: string) => boolean;
}

const isRunner = (name: string): name is RunnerName => (RUNNER_NAMES as readonly string[]).includes(name);

/** A case that may still gain waiting criteria while the plan grows. */
export interface DraftCase extends Omit<Case, 'criteria' | 'after'> {
  readonly criteria: Set<string>;
  readonly after: Set<string>;
}

const BY_EXTENSION: Readonly<Record<string, RunnerName>> = { rs: 'cargo', py: 'pytest', go: 'go' };

/** The runner for a link whose test only the runner itself can confirm. */
function runnerByFile(file: string): RunnerName | null {
  return BY_EXTENSION[file.slice(file.lastIndexOf('.') + 1)] ?? null;
}

type Target = { readonly selector: string; readonly file: string; readonly path: readonly string[]; readonly line: number; readonly test: FoundTest | null; readonly runner: RunnerName | `unavailable:${string}` };

function runnerOfTest(test: FoundTest, wanted: string | undefined): Target['runner'] {
  if (wanted !== undefined) return isRunner(wanted) ? wanted : `unavailable:${wanted}`;
  if (test.framework === 'file') return test.language === 'shell' ? 'command' : 'unavailable:runner';
  return RUNNER_OF[test.framework] ?? `unavailable:${test.framework}`;
}

function targets(link: ResolvedLink, parsed: { file: string; path: readonly string[] }, options: PlanOptions, sibling: RunnerName | null): Target[] {
  const wanted = link.declared.runner;
  if (link.kind === 'run') {
    const runner = wanted === undefined || wanted === 'command' ? 'command' : isRunner(wanted) ? wanted : (`unavailable:${wanted}` as const);
    return [{ selector: link.label, file: link.position.file, path: [], line: link.position.line, test: null, runner }];
  }
  if (link.tests.length === 0) {
    const runner = wanted === undefined ? (sibling ?? runnerByFile(parsed.file) ?? ('unavailable:runner' as const)) : isRunner(wanted) ? wanted : (`unavailable:${wanted}` as const);
    return [{ selector: link.label, file: parsed.file, path: parsed.path, line: 0, test: null, runner }];
  }
  return link.tests.map((test) => {
    const runner = runnerOfTest(test, wanted);
    const command = options.executable(test.file) ? `./${shellQuoted(test.file)}` : `sh ./${shellQuoted(test.file)}`;
    return { selector: runner === 'command' && test.kind === 'file' ? command : test.selector, file: test.file, path: test.path, line: test.line, test, runner };
  });
}

const shellQuoted = (text: string): string => (/^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Declared variables as values; a name without a value is let through from the caller, as `requires: [env:NAME]` is. */
function declaredEnv(link: ResolvedLink, options: PlanOptions): Record<string, string> {
  const env: Record<string, string> = {};
  for (const requirement of link.declared.requires ?? []) {
    const name = requirement.startsWith('env:') ? requirement.slice(4) : null;
    const value = name === null ? undefined : options.callerEnv[name];
    if (name !== null && value !== undefined) env[name] = value;
  }
  for (const [name, value] of Object.entries(link.declared.env ?? {})) {
    const actual = value ?? options.callerEnv[name];
    if (actual !== undefined) env[name] = actual;
  }
  return env;
}

function missing(link: ResolvedLink, place: PlaceName, options: PlanOptions): { reason: Reason; detail: string } | null {
  const requirements = [...(link.declared.requires ?? []), ...(place === 'docker' ? ['docker'] : [])];
  for (const requirement of requirements) {
    const why = options.unmet.get(requirement);
    if (why !== undefined) return { reason: `unavailable:${requirement}`, detail: why };
  }
  const environment = link.declared.environment;
  if (place === 'docker' && environment === undefined) return { reason: 'setup', detail: 'a link with `in: docker` needs `environment: NAME` (docker.environments in config.yaml)' };
  if (place === 'docker' && environment !== undefined && !options.environments.includes(environment)) {
    return { reason: 'setup', detail: `config.yaml declares no docker environment "${environment}"` };
  }
  return null;
}

/** One link's check; new cases are added to `cases` by id. */
export function checkOf(traced: TracedCriterion, link: ResolvedLink, parsed: { file: string; path: readonly string[] }, sibling: RunnerName | null, options: PlanOptions, cases: Map<string, DraftCase>, testsOfFile: (file: string) => readonly FoundTest[]): Check {
  const declared = link.declared;
  const place: PlaceName = options.place ?? declared.in ?? 'host';
  const first = link.tests[0];
  const base = {
    spec: traced.spec.id, criterion: traced.criterion.id, link: link.label, linkId: declared.id ?? null, kind: link.kind, place,
    file: first?.file ?? (link.kind === 'test' ? parsed.file : link.position.file), line: first?.line ?? (link.kind === 'test' ? null : link.position.line),
    hollow: link.tests.length > 0 && link.tests.some((test) => test.hollow === true),
  };
  const decided = (reason: Reason, detail: string, runner: RunnerName | null = null): Check => ({ ...base, runner, cases: [], known: { reason, detail } });
  if (link.kind === 'manual') return decided('manual', link.label);
  if (link.problem !== undefined) return decided(link.problem.reason, link.problem.message);
  const found = targets(link, parsed, options, sibling);
  for (const target of found) if (target.runner.startsWith('unavailable:')) return decided(target.runner as Reason, `no runner for ${target.runner.slice('unavailable:'.length)} tests here`);
  const unmet = missing(link, place, options);
  const runner = (found[0]?.runner ?? 'command') as RunnerName; // 'unavailable:…' has returned above
  if (unmet !== null) return decided(unmet.reason, unmet.detail, runner);
  const timeoutMs = (declared.timeout === undefined ? null : parseDuration(declared.timeout)) ?? options.timeoutMs;
  const env = declaredEnv(link, options);
  // What the link says of every target, and what it says in one text: both once a link.
  const said = {
    env, features: declared.features ?? [], ignored: declared.ignored ?? false, artifacts: declared.artifacts ?? [], expect: declared.expect ?? {}, ...(declared.inputs === undefined ? {} : { inputs: declared.inputs }),
    privateDaemon: (declared.requires ?? []).includes('orchestrator'), inheritWorkspace: declared.workspace === 'inherit',
  };
  const environment = place === 'docker' ? (declared.environment ?? null) : null;
  const text = JSON.stringify([place, environment, canonicalJson(env), said.features, said.ignored, said.artifacts, canonicalJson(said.expect), declared.inputs ?? null, said.privateDaemon, said.inheritWorkspace]);
  const ids = found.map((target) => {
    const shared = { runner: target.runner as RunnerName, place, environment, selector: target.selector, file: target.file, path: target.path, line: target.line, ...said };
    // A command sees the criterion it runs for (COHERENCE_AC_ID), so it runs once for each; so does a link with a place in the graph of `needs`.
    const isOwn = target.runner === 'command' || declared.needs !== undefined || declared.workspace !== undefined;
    const owner = isOwn ? `${traced.criterion.id}/${declared.id ?? ''}` : null;
    const where = target.runner === 'command' ? ['', '0'] : [target.file, String(target.line)];
    const id = hashFields([target.runner, target.selector, ...where, JSON.stringify(target.path), text, owner]).slice(0, 12);
    const draft = cases.get(id);
    if (draft === undefined) {
      const wrapped = target.test?.reportedAt === undefined ? {} : wrappedIn(target.test, testsOfFile(target.file));
      cases.set(id, { id, ...shared, test: target.test, ...wrapped, timeoutMs, criteria: new Set([traced.criterion.id]), after: new Set() });
    } else {
      draft.criteria.add(traced.criterion.id);
      if (timeoutMs < draft.timeoutMs) cases.set(id, { ...draft, timeoutMs });
    }
    return id;
  });
  return { ...base, runner, cases: [...new Set(ids)], known: null };
}
