/**
 * Which cases may share a process, and in which order groups run: functions of data.
 */
import { verdictOf, type Case, type Outcome, type RunnerName } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { groupBy } from './group.js';

/** A `run:` link stands in a spec file; whatever runner it names, it is a command, judged by the report that it asks for. */
export const runnerOf = (entry: Case): RunnerName =>
  entry.test === null && entry.path.length === 0 && /\.ya?ml$/i.test(entry.file) ? 'command' : entry.runner;

/** Everything that must be equal for two cases to share a process, the runner's own configuration apart. */
const keyOf = (entry: Case): string =>
  canonicalJson([
    runnerOf(entry),
    entry.place,
    entry.environment,
    entry.env,
    entry.after,
    entry.inheritWorkspace,
    entry.privateDaemon ? entry.id : null,
    runnerOf(entry) === 'command' ? entry.id : null,
  ]);

/** Groups in the order of their first case. Since `after` is part of the key, groups depend on each other as cases do: without cycles. */
export const groupsOf = (cases: readonly Case[]): Case[][] => [...groupBy(cases, keyOf).values()];

/** Cases that wait for themselves, directly or through others. */
export function inCycle(cases: readonly Case[]): ReadonlySet<string> {
  const byId = new Map(cases.map((entry) => [entry.id, entry]));
  const waiting = new Set(byId.keys());
  for (let changed = true; changed;) {
    changed = false;
    for (const id of waiting) {
      if ((byId.get(id)?.after ?? []).some((other) => waiting.has(other))) continue;
      waiting.delete(id);
      changed = true;
    }
  }
  // What is left waits for a cycle; what merely depends on one is gated by state like everything else.
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    (byId.get(from)?.after ?? []).some(
      (next) => waiting.has(next) && (next === to || (!seen.has(next) && reaches(next, to, seen.add(next)))),
    );
  return new Set([...waiting].filter((id) => reaches(id, id, new Set())));
}

export type Gate =
  | { readonly open: true }
  | { readonly open: false; readonly reason: Outcome['reason']; readonly detail: string };

/** Whether a case may start, once all that it waits for has ended. Gated on state, never on an exit code: a skip passes on. */
export function gateOf(entry: Case, outcomes: ReadonlyMap<string, Outcome>, reused: ReadonlySet<string>): Gate {
  let skip: Gate | null = null;
  for (const id of entry.after) {
    if (reused.has(id)) continue;
    if (id.startsWith('missing:'))
      return { open: false, reason: 'setup', detail: `needs: no link has the id "${id.slice('missing:'.length)}"` };
    const outcome = outcomes.get(id);
    if (outcome === undefined)
      return {
        open: false,
        reason: 'canceled',
        detail: id.startsWith('known:')
          ? `needs "${id.slice('known:'.length)}", which is not run`
          : 'what it needs has not run',
      };
    const verdict = verdictOf(outcome.reason);
    if (verdict === 'SKIP')
      skip ??= { open: false, reason: outcome.reason, detail: `what it needs was skipped: ${outcome.detail}` };
    else if (verdict !== 'PASS')
      return { open: false, reason: 'canceled', detail: `what it needs did not pass: ${verdict}(${outcome.reason})` };
  }
  return skip ?? { open: true };
}
