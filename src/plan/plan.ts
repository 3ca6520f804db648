/**
 * trace graph + selection + known evidence → what will be run. A function of data.
 */
import {
  reviewOf,
  statusOf,
  type Case,
  type Check,
  type Plan,
  type PlannedCriterion,
  type PlannedSpec,
  type Reuse,
  type TraceGraph,
  type TracedCriterion,
} from '../model/index.js';
import { missingNeeds } from './needs.js';
import { checkOf, type DraftCase, type Lookups, type Planning, type PlanOptions } from './cases.js';

export interface Selection extends Lookups {
  /** Whether a criterion takes part. */
  readonly selected: (traced: TracedCriterion) => boolean;
  /** Specs named as a whole show up even when they have no criteria. */
  readonly emptySpecs: readonly string[];
}

function known(traced: TracedCriterion): PlannedCriterion['known'] {
  const { spec, criterion } = traced;
  if (statusOf(spec, criterion) === 'retired') return { reason: 'retired', detail: 'the criterion is retired' };
  if (criterion.gap !== undefined) return { reason: 'gap', detail: criterion.gap };
  if (traced.links.length > 0) return null;
  if (reviewOf(criterion) === 'manual') return { reason: 'manual', detail: 'reviewed by a person; no test is linked' };
  return { reason: 'no-link', detail: 'nothing verifies this criterion' };
}

/** A criterion on its way into the plan; its checks stand in the order of its links. */
interface Draft {
  readonly traced: TracedCriterion;
  readonly known: PlannedCriterion['known'];
  readonly checks: readonly Check[];
}

/** `needs: [id]` of a link: its cases wait for those of the named links, in the same criterion first, then in the whole plan. */
function wireNeeds(graph: readonly Draft[], cases: Map<string, DraftCase>): void {
  const byId = new Map<string, Check>();
  const waits = new Map<DraftCase, Set<string>>();
  for (const { checks } of graph) for (const check of checks) if (check.linkId !== null) byId.set(check.linkId, check);
  for (const { traced, checks } of graph)
    checks.forEach((check, i) => {
      for (const need of traced.links[i]?.declared.needs ?? []) {
        const target = checks.find((other) => other.linkId === need) ?? byId.get(need);
        for (const id of check.cases) {
          const draft = cases.get(id);
          if (draft === undefined) continue;
          const after = waits.get(draft) ?? new Set<string>();
          waits.set(draft, after);
          if (target === undefined) after.add(`missing:${need}`);
          else if (target.known !== null) after.add(`known:${need}`);
          else for (const other of target.cases) if (other !== id) after.add(other);
        }
      }
    });
  for (const [draft, after] of waits) draft.after = [...after].sort();
}

/** The plan for the selected criteria. `reuse` is filled in by `withReuse`, once the cases' cache keys are known. */
export function plan(graph: TraceGraph, selection: Selection, options: PlanOptions): Plan {
  const cases = new Map<string, DraftCase>();
  const planning: Planning = { ...selection, options, cases, plain: new Map() };
  const planned: Draft[] = [];
  for (const traced of graph.criteria) {
    if (!selection.selected(traced)) continue;
    const decided = known(traced);
    const checks =
      decided !== null
        ? []
        : [...traced.links.map((link) => checkOf(traced, link, planning)), ...missingNeeds(traced, options.today)];
    planned.push({ traced, known: decided, checks });
  }
  wireNeeds(planned, cases);
  const specs = new Map<string, PlannedCriterion[]>();
  for (const id of selection.emptySpecs) specs.set(id, []);
  for (const { traced, known: decided, checks } of planned) {
    const list = specs.get(traced.spec.id) ?? [];
    list.push({ spec: traced.spec.id, criterion: traced.criterion.id, known: decided, checks });
    specs.set(traced.spec.id, list);
  }
  for (const draft of cases.values()) if (draft.criteria.length > 1) draft.criteria.sort();
  return {
    specs: [...specs].map(([id, criteria]): PlannedSpec => ({ id, criteria })),
    cases: [...cases.values()],
    reuse: [],
  };
}

/** Takes cached verdicts for the cases that have one; those do not run. */
export const withReuse = (planned: Plan, reuse: readonly Reuse[]): Plan => ({ ...planned, reuse });

/** The cases that will really run. */
export function toRun(planned: Plan): readonly Case[] {
  const reused = new Set(planned.reuse.map((entry) => entry.case));
  return planned.cases.filter((entry) => !reused.has(entry.id));
}
