/**
 * The diagnostics that need the whole graph: links that lead nowhere, tests that cannot prove anything, levels that overlap.
 */
import {
  reviewOf,
  statusOf,
  type Diagnostic,
  type FoundTest,
  type Level,
  type LinkProblem,
  type Position,
  type Scan,
  type TracedCriterion,
} from '../model/index.js';
import { diagnostic } from './diagnostic.js';

/** A link that cannot become a run, as its author is told. */
function problemOf(at: Position, { reason, message, limit }: LinkProblem, id: string): Diagnostic {
  if (limit === true)
    return diagnostic('analysis-limit', at, message, { id, hint: 'Split the file that the link names.' });
  if (reason === 'dangling-tag')
    return diagnostic('dangling-tag', at, message, {
      id,
      hint: 'Put the tag directly above its test, or remove it together with the test.',
    });
  return diagnostic(reason === 'ambiguous-selector' ? reason : 'dangling-link', at, message, { id });
}

export function lint(criteria: readonly TracedCriterion[], scan: Scan): Diagnostic[] {
  const found: Diagnostic[] = [];
  // By identity: links hold the scan's own tests, never copies.
  const linked = new Map<FoundTest, TracedCriterion[]>();
  for (const traced of criteria) {
    const { criterion, spec } = traced;
    const id = criterion.id;
    if (statusOf(spec, criterion) === 'retired') continue;
    const at = criterion.position ?? spec.position ?? { file: 'specs', line: 1, column: 1 };
    if (traced.links.length === 0 && criterion.gap === undefined && reviewOf(criterion) !== 'manual') {
      found.push(
        diagnostic('unlinked-criterion', at, `nothing verifies ${id}`, {
          id,
          hint: 'Tag a test with `@verifies`, add `verified_by`, or say why not with `gap`.',
        }),
      );
    }
    for (const link of traced.links) {
      if (link.problem !== undefined) {
        found.push(problemOf(link.position, link.problem, id));
      }
      for (const test of link.tests) {
        const by = linked.get(test);
        if (by === undefined) linked.set(test, [traced]);
        else by.push(traced);
      }
    }
    for (const link of traced.implementations)
      if (link.problem !== undefined) found.push(problemOf(link.position, link.problem, id));
  }
  for (const [test, by] of linked) {
    const sameLevel = by.every((traced) => traced.spec.level === by[0]?.spec.level);
    if (sameLevel && test.hollow !== true && (test.skip === undefined || test.skip === 'conditional')) continue;
    const ids = [...new Set(by.map((traced) => traced.criterion.id))].join(', ');
    if (test.skip !== undefined && test.skip !== 'conditional')
      found.push(diagnostic('skipped-test', test, `${test.selector} is marked ${test.skip}, so ${ids} cannot pass`));
    if (test.hollow === true)
      found.push(
        diagnostic(
          'hollow-test',
          test,
          `no assertion can be reached in ${test.selector}, so it proves nothing of ${ids}`,
          { hint: 'Assert what the criterion says.' },
        ),
      );
    const levels = new Set<Level>(by.map((traced) => traced.spec.level));
    if (levels.size > 1)
      found.push(
        diagnostic(
          'level-overlap',
          test,
          `${test.selector} verifies criteria of several levels (${[...levels].join(', ')}): ${ids}`,
          { hint: 'A higher level does not verify again what a lower one does.' },
        ),
      );
  }
  for (const file of scan.files)
    for (const test of file.tests)
      if (test.focused === true)
        found.push(
          diagnostic('focused-test', test, `${test.selector} is focused (.only), which silences its neighbours`, {
            hint: 'Remove .only.',
          }),
        );
  return found;
}
