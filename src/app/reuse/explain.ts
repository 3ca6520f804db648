/** Why the verdicts of criteria are reused or not: one line a reason with counts, each with the file that changed. */
import type { Project } from '../../config/index.js';
import { openVerdictCache, type VerdictCache } from '../../evidence/index.js';
import { success, type Case, type Plan, type Result } from '../../model/index.js';
import { formatDuration } from '../../util/duration.js';
import { keysOf, neededCases, whyNeverReused, type Keys } from './cache.js';
import { barsOf, type Bars } from './bars.js';
import { manifestOf, readManifest, type Manifest } from './manifest.js';
import { prepare } from '../verify/verify.js';
import type { VerifyContext } from '../verify/verify-request.js';

export interface Explained {
  readonly selector: string;
  readonly criteria: readonly string[];
  readonly reused: boolean;
  /** Each one line. Of a case that is not reused: at least one. */
  readonly reasons: readonly string[];
}

interface Ground {
  readonly project: Project;
  readonly plan: Plan;
  readonly cache: VerdictCache;
  readonly keys: Keys;
  readonly bars: Bars;
}

/** Nothing is executed. @param ids specs or criteria; empty: all */
export async function explainReuse(
  project: Project,
  ids: readonly string[],
  context: VerifyContext,
): Promise<Result<readonly Explained[]>> {
  const request = { ids, failFast: false, cache: true, speculative: false, require: [], keepWorktree: false };
  const prepared = await prepare(project, request, context, null);
  if (!prepared.ok) return prepared;
  const { analysis, plan, wiring } = prepared.value;
  await using _wiring = { [Symbol.asyncDispose]: wiring.close };
  const ground: Ground = {
    project,
    plan,
    cache: await openVerdictCache(project.directories.state),
    keys: await keysOf(project, analysis, plan, context.env),
    bars: await barsOf(project, analysis, context.env),
  };
  const explained: Explained[] = [];
  for (const entry of plan.cases)
    explained.push({ selector: entry.selector, criteria: entry.criteria, ...(await explainCase(ground, entry)) });
  await ground.bars.save();
  return success(explained);
}

async function explainCase(ground: Ground, entry: Case): Promise<Pick<Explained, 'reused' | 'reasons'>> {
  const { project, plan, cache, keys, bars } = ground;
  const no = (...reasons: string[]): Pick<Explained, 'reused' | 'reasons'> => ({ reused: false, reasons });
  if (project.settings.verify.reuse === 'off') return no('verify.reuse is off');
  const never = whyNeverReused(entry, neededCases(plan));
  if (never !== null) return no(never);
  const bar = await bars.of(entry);
  if (bar !== null) return no(`it is no function of the project: ${bar}`);
  const { identity } = keys;
  const keyed = keys.of.get(entry.id);
  if (identity === null || keyed === undefined)
    return no(identity?.whole.unknown ?? 'the tools that it runs with cannot be told');
  const there = cache.get(keyed.key);
  const last = there ?? cache.newestOf(entry.selector);
  if (last === undefined) return no('no verdict of it was kept so far');
  const age = Date.now() - Date.parse(last.ended_at);
  if (!(age >= 0 && age < project.settings.verify.reuse_ttl))
    return no(`its verdict of run ${last.run} is older than verify.reuse_ttl (${formatDuration(age)})`);
  if (there !== undefined)
    return {
      reused: true,
      reasons: [
        `run ${there.run} ended ${formatDuration(age)} ago with ${there.reason}; project (${identity.whole.entries.size} entries), ${identity.tools.size} tools and ${identity.environment.size} variables are the same`,
      ],
    };
  const before = readManifest(project, last.run);
  if (before === null) return no(`what run ${last.run} rested on is no longer kept`);
  const reasons = differences(before, manifestOf(identity));
  return no(...(reasons.length > 0 ? reasons : ['its wording, its link or a setting changed']));
}

const SHOWN = 10;

/** `3 files changed: a, b, c`; a folder of installed packages stands for the files in it. */
export function differences(before: Manifest, now: Manifest): readonly string[] {
  const lines: string[] = [];
  for (const [part, one, many] of [
    ['files', 'file', 'files'],
    ['tools', 'tool', 'tools'],
    ['environment', 'variable', 'variables'],
  ] as const) {
    const names = [...new Set([...Object.keys(before[part]), ...Object.keys(now[part])])].sort();
    for (const [verb, differs] of [
      ['changed', (old?: string, next?: string) => old !== undefined && next !== undefined && old !== next],
      ['came', (old?: string) => old === undefined],
      ['went', (_old?: string, next?: string) => next === undefined],
    ] as const) {
      const found = names.filter((name) => differs(before[part][name], now[part][name]));
      if (found.length === 0) continue;
      const more = found.length > SHOWN ? `, … ${found.length - SHOWN} more` : '';
      lines.push(
        `${found.length} ${found.length === 1 ? one : many} ${verb}: ${found.slice(0, SHOWN).join(', ')}${more}`,
      );
    }
  }
  return lines;
}
