/**
 * The verdict cache in a run: what may be taken instead of running, what is run again to audit it, what is kept afterwards.
 *
 * A verdict is reused at level 1 (`same-source`) when all of these hold: the case runs on the host and stands alone (no `needs`,
 * no artifacts, no private daemon); selector, wording, settings, the whole project, its tools and the environment are as they
 * were; it was PASS or FAIL(assertion) at the first attempt, less than `verify.reuse_ttl` ago, on a project that did not change
 * meanwhile; and nothing that its test reaches may depend on more than these (./reuse/bars.ts). At level 2 (`observed`) all that its
 * run was seen to rest on stands in for the whole project (./reuse/observed.ts).
 */
import type { Project } from '../../config/index.js';
import {
  auditSize,
  openVerdictCache,
  sample,
  wordingOf,
  type AuditFigures,
  type CachedVerdict,
  type VerdictCache,
} from '../../evidence/index.js';
import { cacheKey } from '../../closure/index.js';
import { criteriaOf, type Case, type Outcome, type Plan, type Reuse } from '../../model/index.js';
import { canonicalJson } from '../../util/hash.js';
import { unlessAborted } from '../../util/turns.js';
import type { Analysis } from '../analysis/analyse.js';
import { barsOf, type Bars } from './bars.js';
import { reuseIdentity, type ReuseIdentity } from './identity.js';
import { keepManifest } from './manifest.js';
import { changedSince, groundOf, keepGround, type Ground } from './observed.js';

export interface Keyed {
  readonly key: string;
  /** The identity of project, tools and environment: what two verdicts that go stale together share. */
  readonly inputs: string;
}

export interface RunCache {
  /** Cached verdicts to take; those chosen for the audit are left out, so that they run. */
  readonly reuse: readonly Reuse[];
  /** Compares what the audit saw. Gives the cases whose reused verdicts must not stand (they share inputs with a stale one). */
  audit(outcomes: ReadonlyMap<string, Outcome>): Promise<readonly Case[]>;
  /** Keeps the verdicts of this run that may be reused. */
  keep(outcomes: ReadonlyMap<string, Outcome>, run: string): Promise<void>;
  readonly notes: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;
type Hit = Reuse & { readonly inputs: string };

/** Runners whose tests can be told to be functions of the project at all; what a command or a Go test calls is not analysed. */
const CACHEABLE: ReadonlySet<string> = new Set(['vitest', 'node-test', 'pytest', 'cargo']);

/** Why a case is never reused at level 1 whatever its inputs, or null. */
export function whyNeverReused(entry: Case, needed: ReadonlySet<string>): string | null {
  if (entry.runner === 'command') return 'a command line may rest on anything: the network, the clock, the machine';
  if (!CACHEABLE.has(entry.runner)) return `what a ${entry.runner} test rests on is not analysed`;
  return whyNotAlone(entry, needed);
}

/** The same at level 2, where the run itself tells: of a command only what its author says it reads counts beside. */
const whyNeverObserved = (entry: Case, needed: ReadonlySet<string>): string | null =>
  entry.runner === 'command' && entry.inputs === undefined ? 'its link declares no inputs' : whyNotAlone(entry, needed);

function whyNotAlone(entry: Case, needed: ReadonlySet<string>): string | null {
  if (entry.place !== 'host') return 'it runs in a container';
  if (entry.after.length > 0 || needed.has(entry.id)) return 'it is one of several steps that need each other';
  if (entry.privateDaemon) return 'it has a daemon of its own';
  if (entry.inheritWorkspace || entry.artifacts.length > 0) return 'it hands files on';
  return null;
}

export const neededCases = (plan: Plan): ReadonlySet<string> => new Set(plan.cases.flatMap((entry) => entry.after));

export async function runCache(
  project: Project,
  analysis: Analysis,
  plan: Plan,
  options: { readonly read: boolean; readonly env: Env; readonly percent: number; readonly signal?: AbortSignal },
): Promise<RunCache> {
  if (project.settings.verify.reuse === 'off')
    return { reuse: [], audit: async () => [], keep: async () => undefined, notes: [] };
  const cache = await openVerdictCache(project.directories.state);
  const keys = await keysOf(project, analysis, plan, options.env);
  const cases = new Map(plan.cases.map((entry) => [entry.id, entry]));
  const hits = options.read ? allHits(project, cache, keys) : [];
  const audited = new Map(sample(hits, auditSize(hits.length, options.percent)).map((hit) => [hit.case, hit]));
  const notes: string[] = [];
  return {
    notes,
    reuse: hits.filter((hit) => !audited.has(hit.case)),
    audit: async (outcomes) => auditHits(cache, hits, audited, cases, outcomes, notes),
    keep: async (outcomes, run) => {
      const may = [...outcomes].flatMap(([id, outcome]) => {
        const entry = cases.get(id);
        const isKept =
          outcome.attempt === 1 &&
          outcome.flaky === undefined &&
          (outcome.reason === 'executed' || outcome.reason === 'assertion');
        return entry === undefined || !isKept ? [] : [{ entry, outcome }];
      });
      if (may.length === 0) return;
      // A verdict that is not kept costs a run later: whoever is told to stop does not look at ten thousand files first.
      await unlessAborted(options.signal, keepAll(may, run));
    },
  };

  async function keepAll(may: readonly Kept[], run: string): Promise<void> {
    const bars = await barsOf(project, analysis, options.env);
    // Disk full or a read-only state folder costs a hit later, never a verdict now.
    await keepSame(project, cache, keys, bars, may, run).catch(() => undefined);
    const { commit, dirty } = await analysis.source.identity();
    await keepObserved(project, cache, keys, bars, may, run, dirty ? null : commit).catch(() => undefined);
    await bars.save();
  }
}

interface Kept {
  readonly entry: Case;
  readonly outcome: Outcome;
}

/** What is written of an outcome; null for one that no cache holds. */
function verdictLine({ entry, outcome }: Kept, keyed: Keyed, run: string): CachedVerdict | null {
  const { reason, detail, endedAt } = outcome;
  if (reason !== 'executed' && reason !== 'assertion') return null;
  const proof = outcome.proof === 'exit-code' ? { proof: outcome.proof } : {};
  return { ...keyed, selector: entry.selector, reason, run, detail, ended_at: endedAt, ...proof };
}

async function keepSame(
  project: Project,
  cache: VerdictCache,
  { of, identity }: Keys,
  bars: Bars,
  may: readonly Kept[],
  run: string,
): Promise<void> {
  // A file that changed while tests ran was read before or after: on which of the two a verdict rests is not known.
  if (identity === null || !may.some(({ entry }) => of.has(entry.id)) || !(await identity.unchanged())) return;
  const added: CachedVerdict[] = [];
  for (const kept of may) {
    const keyed = of.get(kept.entry.id);
    const line = keyed === undefined ? null : verdictLine(kept, keyed, run);
    if (line !== null && (await bars.of(kept.entry)) === null) added.push(line);
  }
  await cache.put(added);
  if (added.length > 0) await keepManifest(project, run, identity);
}

async function keepObserved(
  project: Project,
  cache: VerdictCache,
  { seen }: Keys,
  bars: Bars,
  may: readonly Kept[],
  run: string,
  commit: string | null,
): Promise<void> {
  const added: CachedVerdict[] = [];
  const grounds = new Map<Outcome['observed'], Ground>();
  for (const kept of may) {
    const key = seen.get(kept.entry.id);
    if (key === undefined) continue;
    const { observed } = kept.outcome;
    const ground = grounds.get(observed) ?? groundOf(observed);
    grounds.set(observed, ground);
    if (!ground.ok || (CACHEABLE.has(kept.entry.runner) && (await bars.of(kept.entry)) !== null)) continue;
    const line = verdictLine(kept, { key, inputs: await keepGround(project, ground.list) }, run);
    if (line !== null) added.push(commit === null ? line : { ...line, commit });
  }
  await cache.put(added);
}

/** Verdicts that are young enough; one that is younger than now comes from a clock that was put back, so its age is not known. */
function hitsOf(cache: VerdictCache, keys: ReadonlyMap<string, Keyed>, ttlMs: number): Hit[] {
  const now = Date.now();
  const hits: Hit[] = [];
  for (const [id, { key, inputs }] of keys) {
    const there = cache.get(key);
    if (there === undefined) continue;
    const age = now - Date.parse(there.ended_at);
    if (!(age >= 0 && age < ttlMs)) continue;
    const { reason, run, detail, ended_at, proof } = there;
    const outcome = { reason, run, detail, ended_at, ...(proof === undefined ? {} : { proof }) };
    hits.push({ case: id, key, inputs, outcome });
  }
  return hits;
}

/** Verdicts on the same source, and for the rest those whose every seen input is as it was. */
function allHits(project: Project, cache: VerdictCache, { of, seen }: Keys): readonly Hit[] {
  const ttl = project.settings.verify.reuse_ttl;
  const same = hitsOf(cache, of, ttl);
  const there = new Set(same.map((hit) => hit.case));
  const open = new Map([...seen].filter(([id]) => !there.has(id)).map(([id, key]) => [id, { key, inputs: '' }]));
  const unchanged = new Map<string, boolean>();
  const observed = hitsOf(cache, open, ttl).flatMap((hit) => {
    const inputs = cache.get(hit.key)?.inputs ?? '';
    const holds = unchanged.get(inputs) ?? changedSince(project, inputs)?.length === 0;
    unchanged.set(inputs, holds);
    return holds ? [{ ...hit, inputs }] : [];
  });
  return [...same, ...observed];
}

async function auditHits(
  cache: VerdictCache,
  hits: readonly Hit[],
  audited: ReadonlyMap<string, Hit>,
  cases: ReadonlyMap<string, Case>,
  outcomes: ReadonlyMap<string, Outcome>,
  notes: string[],
): Promise<readonly Case[]> {
  const stale: string[] = [];
  let seen = 0;
  for (const [id, hit] of audited) {
    const outcome = outcomes.get(id);
    if (outcome === undefined || outcome.reason === 'canceled' || outcome.reason === 'run-timeout') continue;
    seen += 1;
    if (outcome.reason === hit.outcome.reason) continue;
    stale.push(hit.inputs);
    notes.push(
      `stale-hit: ${cases.get(id)?.selector ?? id} was ${hit.outcome.reason} in run ${hit.outcome.run} and is ${outcome.reason} now, on the same inputs; every cached verdict with these inputs was dropped.`,
    );
  }
  if (seen > 0) await cache.audited({ audited: seen, stale: stale.length }).catch(() => undefined);
  if (stale.length === 0) return [];
  await cache.drop(stale).catch(() => undefined);
  return hits
    .filter((hit) => !audited.has(hit.case) && stale.includes(hit.inputs))
    .flatMap((hit) => cases.get(hit.case) ?? []);
}

export interface Keys {
  readonly of: ReadonlyMap<string, Keyed>;
  /** Keys at level 2, by case; empty unless `verify.reuse` is `observed`. */
  readonly seen: ReadonlyMap<string, string>;
  /** Null where no case can have a key: then nothing was read. */
  readonly identity: ReuseIdentity | null;
}

/** Keys of the cases that can have one. */
export async function keysOf(project: Project, analysis: Analysis, plan: Plan, env: Env): Promise<Keys> {
  const needed = neededCases(plan);
  const alone = plan.cases.filter((entry) => whyNeverReused(entry, needed) === null);
  const observes = project.settings.verify.reuse === 'observed';
  const observable = observes ? plan.cases.filter((entry) => whyNeverObserved(entry, needed) === null) : [];
  if (alone.length + observable.length === 0) return { of: new Map(), seen: new Map(), identity: null };
  const identity = await reuseIdentity(project, analysis.source, env);
  const wording = new Map(
    analysis.catalog.specs.flatMap((spec) =>
      criteriaOf(spec).map((criterion) => [criterion.id, wordingOf(criterion)] as const),
    ),
  );
  const configuration = canonicalJson({
    cargo: { parallel: project.settings.cargo.parallel },
    backends: project.settings.backends,
  });
  const keys = new Map<string, Keyed>();
  for (const entry of alone) {
    const inputs = await identity.of(entry);
    if (inputs === null) continue;
    const wordings = entry.criteria.map((id) => wording.get(id) ?? '');
    keys.set(entry.id, { key: cacheKey({ entry, identity: inputs, wordings, configuration }), inputs });
  }
  const seen = new Map<string, string>();
  for (const entry of observable) {
    const wordings = entry.criteria.map((id) => wording.get(id) ?? '');
    seen.set(entry.id, cacheKey({ entry, identity: `observed ${identity.surroundings}`, wordings, configuration }));
  }
  return { of: keys, seen, identity };
}

/** Cases of a plan that have a cached PASS for exactly what they rest on now, ignored files included. */
export async function standingPasses(
  project: Project,
  analysis: Analysis,
  plan: Plan,
  env: Env,
): Promise<ReadonlySet<string>> {
  if (project.settings.verify.reuse === 'off') return new Set();
  const cache = await openVerdictCache(project.directories.state);
  const keys = await keysOf(project, analysis, plan, env);
  return new Set(
    allHits(project, cache, keys)
      .filter((hit) => hit.outcome.reason === 'executed')
      .map((hit) => hit.case),
  );
}

/** What audits have seen over time; null when none has run. */
export async function auditFigures(project: Project): Promise<AuditFigures | null> {
  const { figures } = await openVerdictCache(project.directories.state);
  return figures.audited === 0 ? null : figures;
}
