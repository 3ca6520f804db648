/**
 * The verdict cache in a run: what may be taken instead of running, what is run again to audit it, what is kept afterwards.
 *
 * A verdict is reused when all of these hold: the case runs on the host and stands alone (no `needs`, no artifacts, no private
 * daemon); its closure is known and a function of the tree; selector, wording, environment, tool versions and every file of the
 * closure are as they were; and it was PASS or FAIL(assertion) at the first attempt, on a source that did not change meanwhile.
 */
import type { Project } from '../config/index.js';
import {
  auditSize,
  cacheKey,
  closureDigest,
  environmentDigest,
  openVerdictCache,
  sample,
  wordingOf,
  type AuditFigures,
  type CachedVerdict,
  type ClosureDigest,
  type VerdictCache,
} from '../evidence/index.js';
import { criteriaOf, type Case, type Outcome, type Plan, type Reuse } from '../model/index.js';
import { inheritedEnv } from '../run/index.js';
import { canonicalJson } from '../util/hash.js';
import type { Analysis } from './analyse.js';
import { closureGroup } from './closures.js';
import { closuresOf } from './project-closures.js';

interface Keyed {
  readonly key: string;
  readonly inputs: string;
}

export interface RunCache {
  /** Cached verdicts to take; those chosen for the audit are left out, so that they run. */
  readonly reuse: readonly Reuse[];
  /** Compares what the audit saw. Gives the cases whose reused verdicts must not stand (they share inputs with a stale one). */
  audit(outcomes: ReadonlyMap<string, Outcome>): Promise<readonly Case[]>;
  /** Keeps the verdicts of this run. */
  keep(outcomes: ReadonlyMap<string, Outcome>, run: string): Promise<void>;
  readonly notes: readonly string[];
}

const CACHEABLE = new Set(['vitest', 'node-test', 'pytest', 'cargo', 'command']);

function isAlone(entry: Case, needed: ReadonlySet<string>): boolean {
  return (
    CACHEABLE.has(entry.runner) &&
    entry.place === 'host' &&
    entry.after.length === 0 &&
    !needed.has(entry.id) &&
    !entry.privateDaemon &&
    !entry.inheritWorkspace &&
    entry.artifacts.length === 0
  );
}

export async function runCache(
  project: Project,
  analysis: Analysis,
  plan: Plan,
  options: {
    readonly read: boolean;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly percent: number;
  },
): Promise<RunCache> {
  const cache = await openVerdictCache(project.directories.state);
  const keys = await keysOf(project, analysis, plan, options.env);
  const cases = new Map(plan.cases.map((entry) => [entry.id, entry]));
  const hits: (Reuse & { readonly inputs: string })[] = [];
  if (options.read) {
    for (const [id, { key, inputs }] of keys) {
      const there = cache.get(key);
      if (there !== undefined)
        hits.push({
          case: id,
          key,
          inputs,
          outcome: { reason: there.reason, run: there.run, detail: there.detail, ended_at: there.ended_at },
        });
    }
  }
  const audited = new Map(sample(hits, auditSize(hits.length, options.percent)).map((hit) => [hit.case, hit]));
  const notes: string[] = [];
  return {
    notes,
    reuse: hits.filter((hit) => !audited.has(hit.case)),
    audit: async (outcomes) => auditHits(cache, hits, audited, cases, outcomes, notes),
    keep: async (outcomes, run) => {
      const added: CachedVerdict[] = [];
      for (const [id, outcome] of outcomes) {
        const keyed = keys.get(id);
        if (
          keyed === undefined ||
          outcome.attempt !== 1 ||
          (outcome.reason !== 'executed' && outcome.reason !== 'assertion')
        )
          continue;
        added.push({
          ...keyed,
          selector: cases.get(id)?.selector ?? '',
          reason: outcome.reason,
          run,
          detail: outcome.detail,
          ended_at: outcome.endedAt,
        });
      }
      // Disk full or a read-only state folder costs a hit later, never a verdict now.
      await cache.put(added).catch(() => undefined);
    },
  };
}

async function auditHits(
  cache: VerdictCache,
  hits: readonly (Reuse & { readonly inputs: string })[],
  audited: ReadonlyMap<string, Reuse & { readonly inputs: string }>,
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

/** Keys of the cases that can have one. */
async function keysOf(
  project: Project,
  analysis: Analysis,
  plan: Plan,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, Keyed>> {
  const needed = new Set(plan.cases.flatMap((entry) => entry.after));
  const alone = plan.cases.filter((entry) => isAlone(entry, needed));
  if (alone.length === 0) return new Map();
  const closures = await closuresOf(project, analysis, env);
  const wording = new Map(
    analysis.catalog.specs.flatMap((spec) =>
      criteriaOf(spec).map((criterion) => [criterion.id, wordingOf(criterion)] as const),
    ),
  );
  const environment = environmentDigest(inheritedEnv(env));
  const configuration = canonicalJson({
    cargo: { parallel: project.settings.cargo.parallel },
    backends: project.settings.backends,
  });
  const keys = new Map<string, Keyed>();
  const digests = new Map<string, ClosureDigest | null>();
  for (const entry of alone) {
    const group = closureGroup(entry);
    let digest = digests.get(group);
    if (digest === undefined) {
      const closure = await closures.of(entry);
      digest = closure === null ? null : closureDigest(closure);
      digests.set(group, digest);
    }
    if (digest === null) continue;
    const key = cacheKey({
      entry,
      closure: digest.whole,
      wordings: entry.criteria.map((id) => wording.get(id) ?? ''),
      environment,
      configuration,
    });
    keys.set(entry.id, { key, inputs: digest.inputs });
  }
  await closures.save();
  return keys;
}

/** Cases of a plan that have a cached PASS for exactly what they rest on now, ignored files included. */
export async function standingPasses(
  project: Project,
  analysis: Analysis,
  plan: Plan,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlySet<string>> {
  const cache = await openVerdictCache(project.directories.state);
  return new Set(
    [...(await keysOf(project, analysis, plan, env))]
      .filter(([, { key }]) => cache.get(key)?.reason === 'executed')
      .map(([id]) => id),
  );
}

/** What audits have seen over time; null when none has run. */
export async function auditFigures(project: Project): Promise<AuditFigures | null> {
  const { figures } = await openVerdictCache(project.directories.state);
  return figures.audited === 0 ? null : figures;
}
