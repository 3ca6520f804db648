/** Markdown for a pull request. */
import { COVERAGE_KEYS } from '../../model/index.js';
import { markdown } from '../md.js';
import type { CountsView, CoverageFormat, CoverageView, CriterionView } from './view.js';

const row = (name: string, counts: CountsView): string =>
  `| ${markdown(name)} | ${counts.specified} | ${(['traced', 'executed', 'passed'] as const).map((key) => `${counts[key]} (${counts.percent[key].toFixed(1)}%)`).join(' | ')} |`;
const HEAD = '| | specified | traced | executed | passed |\n|---|--:|--:|--:|--:|';

const verdictOf = (item: CriterionView): string =>
  item.verdict === null
    ? item.reason === ''
      ? 'not run on this source'
      : `SKIP(${item.reason})`
    : `${item.verdict}${item.reason === '' || (item.verdict === 'PASS' && item.reason !== 'exit-code') ? '' : `(${item.reason})`}`;

/** A table a spec: what is promised, what came of it, and where the test is. */
function everyCriterion(view: CoverageView): string[] {
  const bySpec = new Map<string, CriterionView[]>();
  for (const item of view.criteria) bySpec.set(item.spec, [...(bySpec.get(item.spec) ?? []), item]);
  return [...bySpec].map(
    ([spec, criteria]) =>
      `### ${markdown(spec)}\n\n| criterion | | verdict | tests |\n|---|---|---|---|\n${criteria
        .map((item) => {
          const places = [...new Set(item.tests.map((test) => `${test.file}:${test.line}`))];
          return `| ${markdown(item.id)} | ${markdown(item.title)} | ${markdown(verdictOf(item))} | ${places.slice(0, 3).map(markdown).join('<br>')}${places.length > 3 ? `<br>and ${places.length - 3} more` : ''} |`;
        })
        .join('\n')}`,
  );
}

export const md: CoverageFormat = {
  name: 'md',
  render(view, { verbose }) {
    const parts = [
      `## Coverage of ${markdown(view.project)}`,
      `${HEAD}\n${row('all', view.total)}\n${Object.entries(view.levels)
        .map(([name, counts]) => row(name, counts))
        .join('\n')}`,
    ];
    parts.push(
      view.source === null
        ? `As of ${markdown(view.at ?? '')}`
        : `Source ${view.source.commit === null ? 'without a commit' : `\`${view.source.commit.slice(0, 12)}\``}${view.source.dirty ? ' with uncommitted changes' : ''}`,
    );
    if (view.total.exit_code > 0) parts.push(`Of those that passed, ${view.total.exit_code} by exit code alone.`);
    const skips = Object.entries(view.total.skips);
    if (skips.length > 0)
      parts.push(`SKIP: ${skips.map(([reason, count]) => `${count} ${markdown(reason)}`).join(', ')}`);
    const delta = view.delta;
    if (delta !== null) {
      parts.push(
        `Since ${markdown(delta.against)}: ${COVERAGE_KEYS.map((key) => `${key} ${delta.counts[key] > 0 ? '+' : ''}${delta.counts[key]}`).join(', ')}`,
      );
      if (delta.lost.length > 0) parts.push(`No longer passed: ${delta.lost.map(markdown).join(', ')}`);
    }
    parts.push(
      `<details><summary>By spec</summary>\n\n${HEAD}\n${Object.entries(view.specs)
        .map(([name, counts]) => row(name, counts))
        .join('\n')}\n\n</details>`,
    );
    if (view.next.length > 0)
      parts.push(
        `### Next\n\n${view.next.map((step) => `- ${markdown(step.criterion)} (${step.risk}): ${markdown(step.why)}`).join('\n')}`,
      );
    if (verbose === true) parts.push(...everyCriterion(view));
    return `${parts.join('\n\n')}\n`;
  },
};
