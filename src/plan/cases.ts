/**
 * Links made runnable: each traced link becomes a Check that waits for cases, or a Check whose verdict is known already.
 * Equal cases are one case, however many criteria wait for it: it runs once.
 */
import {
  RUNNER_NAMES,
  RUNNER_OF,
  type Case,
  type Check,
  type FoundTest,
  type PlaceName,
  type Reason,
  type ResolvedLink,
  type RunnerName,
  type TracedCriterion,
} from '../model/index.js';
import { parseDuration } from '../util/duration.js';
import { canonicalJson, hashFields } from '../util/hash.js';
import { wrappedIn } from './instances.js';
import { rivalsOf } from './rivals.js';

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
  /** The day on which the plan is made, as `2027-01-31`: waivers end. */
  readonly today: string;
  /** True for a file that may be executed directly. */
  readonly executable: (file: string) => boolean;
}

const isRunner = (name: string): name is RunnerName => (RUNNER_NAMES as readonly string[]).includes(name);

/** A case that may still gain criteria that wait for it, and cases that it waits for, while the plan grows. */
export interface DraftCase extends Case {
  timeoutMs: number;
  readonly criteria: string[];
  after: readonly string[];
}

const BY_EXTENSION: Readonly<Record<string, RunnerName>> = { rs: 'cargo', py: 'pytest', go: 'go' };

/** The runner for a link whose test only the runner itself can confirm. */
function runnerByFile(file: string): RunnerName | null {
  return BY_EXTENSION[file.slice(file.lastIndexOf('.') + 1)] ?? null;
}

type Target = {
  readonly selector: string;
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number;
  readonly test: FoundTest | null;
  readonly runner: RunnerName | `unavailable:${string}`;
};

/** What a file would need, by its ending: `unavailable:robot`. */
const noRunner = (file: string): `unavailable:${string}` =>
  `unavailable:${/\.([A-Za-z0-9]+)$/.exec(file)?.[1]?.toLowerCase() ?? 'runner'}`;

function runnerOfTest(test: FoundTest, wanted: string | undefined): Target['runner'] {
  if (wanted !== undefined) return isRunner(wanted) ? wanted : `unavailable:${wanted}`;
  if (test.framework === 'file') return test.language === 'shell' ? 'command' : noRunner(test.file);
  return RUNNER_OF[test.framework] ?? `unavailable:${test.framework}`;
}

function targets(link: ResolvedLink, { options, parse, runnerOfFile }: Planning): Target[] {
  const wanted = link.declared.runner;
  if (link.kind === 'run') {
    const runner =
      wanted === undefined || wanted === 'command'
        ? 'command'
        : isRunner(wanted)
          ? wanted
          : (`unavailable:${wanted}` as const);
    return [{ selector: link.label, file: link.position.file, path: [], line: link.position.line, test: null, runner }];
  }
  if (link.tests.length === 0) {
    const parsed = parse(link.label);
    const runner =
      wanted === undefined
        ? (runnerOfFile(parsed.file) ?? runnerByFile(parsed.file) ?? noRunner(parsed.file))
        : isRunner(wanted)
          ? wanted
          : (`unavailable:${wanted}` as const);
    return [{ selector: link.label, file: parsed.file, path: parsed.path, line: 0, test: null, runner }];
  }
  return link.tests.map((test) => {
    const runner = runnerOfTest(test, wanted);
    const command = options.executable(test.file) ? `./${shellQuoted(test.file)}` : `sh ./${shellQuoted(test.file)}`;
    return {
      selector: runner === 'command' && test.kind === 'file' ? command : test.selector,
      file: test.file,
      path: test.path,
      line: test.line,
      test,
      runner,
    };
  });
}

const shellQuoted = (text: string): string =>
  /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

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

function missing(
  link: ResolvedLink,
  place: PlaceName,
  options: PlanOptions,
): { reason: Reason; detail: string } | null {
  const requirements = [...(link.declared.requires ?? []), ...(place === 'docker' ? ['docker'] : [])];
  for (const requirement of requirements) {
    const why = options.unmet.get(requirement);
    if (why !== undefined) return { reason: `unavailable:${requirement}`, detail: why };
  }
  const environment = link.declared.environment;
  if (place === 'docker' && environment === undefined)
    return {
      reason: 'setup',
      detail: 'a link with `in: docker` needs `environment: NAME` (docker.environments in config.yaml)',
    };
  if (place === 'docker' && environment !== undefined && !options.environments.includes(environment)) {
    return { reason: 'setup', detail: `config.yaml declares no docker environment "${environment}"` };
  }
  return null;
}

/** What a link says of every test that it covers. */
interface Said {
  readonly fields: Pick<
    Case,
    | 'environment'
    | 'env'
    | 'features'
    | 'ignored'
    | 'artifacts'
    | 'inputs'
    | 'expect'
    | 'privateDaemon'
    | 'inheritWorkspace'
  >;
  /** The fields in one text, for a case's id. */
  readonly text: string;
  readonly timeoutMs: number;
}

function saidBy(link: ResolvedLink, place: PlaceName, options: PlanOptions): Said {
  const { declared } = link;
  const fields = {
    environment: place === 'docker' ? (declared.environment ?? null) : null,
    env: declaredEnv(link, options),
    features: declared.features ?? [],
    ignored: declared.ignored ?? false,
    artifacts: declared.artifacts ?? [],
    expect: declared.expect ?? {},
    ...(declared.inputs === undefined ? {} : { inputs: declared.inputs }),
    privateDaemon: (declared.requires ?? []).includes('orchestrator'),
    inheritWorkspace: declared.workspace === 'inherit',
  };
  const text = JSON.stringify([
    place,
    fields.environment,
    canonicalJson(fields.env),
    fields.features,
    fields.ignored,
    fields.artifacts,
    canonicalJson(fields.expect),
    declared.inputs ?? null,
    fields.privateDaemon,
    fields.inheritWorkspace,
  ]);
  return {
    fields,
    text,
    timeoutMs: (declared.timeout === undefined ? null : parseDuration(declared.timeout)) ?? options.timeoutMs,
  };
}

/** What a plan asks of the analysis. */
export interface Lookups {
  /** A written selector's file and titles. */
  readonly parse: (selector: string) => { file: string; path: readonly string[] };
  /** The runner of a file's statically found tests, for links that only the runner can confirm. */
  readonly runnerOfFile: (file: string) => RunnerName | null;
  /** All tests found in a file. */
  readonly testsOfFile: (file: string) => readonly FoundTest[];
}

/** A plan in the making. */
export interface Planning extends Lookups {
  readonly options: PlanOptions;
  /** Found so far, by id. */
  readonly cases: Map<string, DraftCase>;
  /** What links say that declare nothing (tags in code), by place: once a plan, since most links are such. */
  readonly plain: Map<PlaceName, Said>;
}

function saidInPlan(link: ResolvedLink, place: PlaceName, planning: Planning): Said {
  if (link.origin !== 'discovered') return saidBy(link, place, planning.options);
  const said = planning.plain.get(place) ?? saidBy(link, place, planning.options);
  planning.plain.set(place, said);
  return said;
}

/** One link's check; new cases are added to those of the plan. */
export function checkOf(traced: TracedCriterion, link: ResolvedLink, planning: Planning): Check {
  const { options, cases } = planning;
  const declared = link.declared;
  const place: PlaceName = options.place ?? declared.in ?? 'host';
  const first = link.tests[0];
  const check = (runner: RunnerName | null, ids: readonly string[], known: Check['known']): Check => ({
    spec: traced.spec.id,
    criterion: traced.criterion.id,
    link: link.label,
    linkId: declared.id ?? null,
    kind: link.kind,
    place,
    file: first?.file ?? (link.kind === 'test' ? planning.parse(link.label).file : link.position.file),
    line: first?.line ?? (link.kind === 'test' ? null : link.position.line),
    hollow: link.tests.some((test) => test.hollow === true),
    ...(declared.proves === undefined ? {} : { proves: declared.proves }),
    runner,
    cases: ids,
    known,
  });
  const decided = (reason: Reason, detail: string, runner: RunnerName | null = null): Check =>
    check(runner, [], { reason, detail });
  if (link.kind === 'manual') return decided('manual', link.label);
  if (link.problem !== undefined) return decided(link.problem.reason, link.problem.message);
  const found = targets(link, planning);
  for (const target of found)
    if (target.runner.startsWith('unavailable:'))
      return decided(target.runner as Reason, `no runner for ${target.runner.slice('unavailable:'.length)} tests here`);
  const unmet = missing(link, place, options);
  const runner = (found[0]?.runner ?? 'command') as RunnerName; // 'unavailable:…' has returned above
  if (unmet !== null) return decided(unmet.reason, unmet.detail, runner);
  const { fields, text, timeoutMs } = saidInPlan(link, place, planning);
  const ids = found.map((target) => {
    // A command sees the criterion it runs for (COHERENCE_AC_ID), so it runs once for each; so does a link with a place in the graph of `needs`.
    const isOwn = target.runner === 'command' || declared.needs !== undefined || declared.workspace !== undefined;
    const owner = isOwn ? `${traced.criterion.id}/${declared.id ?? ''}` : null;
    const where = target.runner === 'command' ? ['', '0'] : [target.file, String(target.line)];
    const id = hashFields([target.runner, target.selector, ...where, JSON.stringify(target.path), text, owner]).slice(
      0,
      12,
    );
    const draft = cases.get(id);
    if (draft === undefined) {
      const wrapped =
        target.test?.reportedAt === undefined ? {} : wrappedIn(target.test, planning.testsOfFile(target.file));
      const isPlaced = target.runner === 'vitest' || target.runner === 'node-test';
      const rivals = isPlaced && target.test !== null ? rivalsOf(target.test, planning.testsOfFile(target.file)) : [];
      cases.set(id, {
        id,
        runner: target.runner as RunnerName,
        place,
        selector: target.selector,
        file: target.file,
        path: target.path,
        line: target.line,
        test: target.test,
        timeoutMs,
        ...fields,
        ...wrapped,
        ...(rivals.length === 0 ? {} : { rivals }),
        criteria: [traced.criterion.id],
        after: [],
      });
    } else {
      // One criterion's links come one after the other, so its id can only be the last.
      if (draft.criteria.at(-1) !== traced.criterion.id) draft.criteria.push(traced.criterion.id);
      draft.timeoutMs = Math.min(draft.timeoutMs, timeoutMs);
    }
    return id;
  });
  return check(runner, ids.length > 1 ? [...new Set(ids)] : ids, null);
}
