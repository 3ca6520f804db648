/** Markdown for a pull request: what is not green first, the rest folded away. */
import type { CriterionRecord } from '../model/index.js';
import { visibleLine } from '../util/text.js';
import type { Reporter } from './reporter.js';
import { summaryLine } from './text.js';

/** Text from a repository inside Markdown and its HTML: neither may take effect. */
export const markdown = (text: string): string =>
  visibleLine(text).replace(/[\\`*_{}[\]<>|#@~]/g, (character) =>
    character === '<' ? '&lt;' : character === '>' ? '&gt;' : `\\${character}`,
  );

const row = (spec: string, criterion: CriterionRecord): string => {
  const bad = criterion.checks.find((check) => check.verdict === criterion.verdict && check.verdict !== 'PASS');
  const at = bad?.file == null ? '' : `${bad.file}${bad.line === null ? '' : `:${bad.line}`}`;
  const flaky = criterion.checks.some((check) => check.flaky !== undefined) ? ', flaky' : '';
  return `| ${criterion.verdict} | ${markdown(criterion.reason)}${flaky} | ${markdown(criterion.id)} | ${markdown(criterion.title)} | ${markdown(at === '' ? (criterion.detail ?? '') : `${at} ${bad?.detail ?? ''}`)} |`;
};

export const md: Reporter = {
  name: 'md',
  render(record) {
    const head = '| verdict | reason | criterion | title | where |\n|---|---|---|---|---|';
    const all = record.specs.flatMap((spec) => spec.criteria.map((criterion) => ({ spec: spec.id, criterion })));
    const open = all.filter((item) => item.criterion.verdict !== 'PASS');
    const passed = all.filter((item) => item.criterion.verdict === 'PASS');
    const rows = (items: typeof all): string =>
      `${head}\n${items.map((item) => row(item.spec, item.criterion)).join('\n')}`;
    const parts = [`## coherence: ${summaryLine(record.summary)}`];
    if (open.length > 0) parts.push(rows(open));
    if (passed.length > 0)
      parts.push(`<details><summary>${passed.length} PASS</summary>\n\n${rows(passed)}\n\n</details>`);
    parts.push(
      `Source ${record.source.commit === null ? 'without a commit' : `\`${record.source.commit.slice(0, 12)}\``}${record.source.dirty ? ' with uncommitted changes' : ''}, ${record.summary.executed} executed, ${record.summary.cached} cached, run \`${record.run}\`.`,
    );
    return `${parts.join('\n\n')}\n`;
  },
};
