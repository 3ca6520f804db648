/**
 * The verdict cache in a run: what may be taken instead of running, what is run again to audit it, what is kept afterwards.
 *
 * A verdict is reused at level 1 (`same-source`) when all of these hold: the case runs on the host and stands alone (no `needs`,
 * no artifacts, no private daemon); selector, wording, settings, the whole project, its tools and the environment are as they
 * were; it was PASS or FAIL(assertion) at the first attempt, less than `verify.reuse_ttl` ago, on a project that did not change
 * meanwhile; and nothing that its test reaches may depend on more than these (./reuse/bars.ts).
 */
import type { Project } from '../config/index.js';
import {
  auditSize,
  cacheKey,
  openVerdictCache,
  sample,
  wordingOf,
  type AuditFigures,
  type CachedVerdict,
  type VerdictCache,
} from '../evidence/index.js';
import { criteriaOf, type Case, type Outcome, type Plan, type Reuse } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import type { Analysis } from './analyse.js';
import { barsOf } from './reuse/bars.js';
import { reuseIdentity, type ReuseIdentity } from './reuse/identity.js';
import { keepManifest } from './reuse/manifest.js';

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

/** Why a case is never reused whatever its inputs, or null. */
export function whyNeverReused(entry: Case, needed: ReadonlySet<string>): string | null {
  if (entry.runner === 'command') return 'a command line may rest on anything: the network, the clock, the machine';
  if (!CACHEABLE.has(entry.runner)) return `what a ${entry.runner} test rests on is not analysed`;
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
  options: { readonly read: boolean; readonly env: Env; readonly percent: number },
): Promise<RunCache> {
  if (project.settings.verify.reuse === 'off')
    return { reuse: [], audit: async () => [], keep: async () => undefined, notes: [] };
  const cache = await openVerdictCache(project.directories.state);
  const keys = await keysOf(project, analysis, plan, options.env);
  const cases = new Map(plan.cases.map((entry) => [entry.id, entry]));
  const hits = options.read ? hitsOf(cache, keys.of, project.settings.verify.reuse_ttl) : [];
  const audited = new Map(sample(hits, auditSize(hits.length, options.percent)).map((hit) => [hit.case, hit]));
  const notes: string[] = [];
  return {
    notes,
    reuse: hits.filter((hit) => !audited.has(hit.case)),
    audit: async (outcomes) => auditHits(cache, hits, audited, cases, outcomes, notes),
    keep: async (outcomes, run) => {
      const { identity } = keys;
      if (identity === null) return;
      const may = [...outcomes].flatMap(([id, outcome]) => {
        const keyed = keys.of.get(id);
        const entry = cases.get(id);
        const isKept =
          outcome.attempt === 1 &&
          outcome.flaky === undefined &&
          (outcome.reason === 'executed' || outcome.reason === 'assertion');
        return keyed === undefined || entry === undefined || !isKept ? [] : [{ keyed, entry, outcome }];
      });
      // A file that changed while tests ran was read before or after: on which of the two a verdict rests is not known.
      if (may.length === 0 || !(await identity.unchanged())) return;
      const bars = await barsOf(project, analysis, options.env);
      const added: CachedVerdict[] = [];
      for (const { keyed, entry, outcome } of may) {
        if ((await bars.of(entry)) !== null) continue;
        const { reason, detail, endedAt } = outcome;
        if (reason !== 'executed' && reason !== 'assertion') continue;
        added.push({ ...keyed, selector: entry.selector, reason, run, detail, ended_at: endedAt });
      }
      await bars.save();
      // Disk full or a read-only state folder costs a hit later, never a verdict now.
      await cache.put(added).catch(() => undefined);
      if (added.length > 0) await keepManifest(project, run, identity).catch(() => undefined);
    },
  };
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
    const { reason, run, detail, ended_at } = there;
    hits.push({ case: id, key, inputs, outcome: { reason, run, detail, ended_at } });
  }
  return hits;
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
  /** Null where no case can have a key: then nothing was read. */
  readonly identity: ReuseIdentity | null;
}

/** Keys of the cases that can have one. */
export async function keysOf(project: Project, analysis: Analysis, plan: Plan, env: Env): Promise<Keys> {
  const needed = neededCases(plan);
  const alone = plan.cases.filter((entry) => whyNeverReused(entry, needed) === null);
  if (alone.length === 0) return { of: new Map(), identity: null };
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
  return { of: keys, identity };
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
  const hits = hitsOf(cache, keys.of, project.settings.verify.reuse_ttl);
  return new Set(hits.filter((hit) => hit.outcome.reason === 'executed').map((hit) => hit.case));
}

/** What audits have seen over time; null when none has run. */
export async function auditFigures(project: Project): Promise<AuditFigures | null> {
  const { figures } = await openVerdictCache(project.directories.state);
  return figures.audited === 0 ? null : figures;
}
