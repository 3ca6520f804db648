/** TAP version 14: a point a criterion; SKIP as a directive, ERROR as not ok; weak passes say why below. */
import { visibleLine } from '../util/text.js';
import type { Reporter } from './reporter.js';

const escape = (text: string): string => visibleLine(text).replaceAll('\\', '\\\\').replaceAll('#', '\\#');

export const tap: Reporter = {
  name: 'tap',
  render(record) {
    const criteria = record.specs.flatMap((spec) => spec.criteria);
    const lines = ['TAP version 14', `1..${criteria.length}`];
    criteria.forEach((criterion, i) => {
      const ok = criterion.verdict === 'PASS' || criterion.verdict === 'SKIP';
      const directive =
        criterion.verdict === 'SKIP'
          ? ` # SKIP ${escape(`${criterion.reason}${criterion.detail === undefined ? '' : `: ${criterion.detail}`}`)}`
          : '';
      lines.push(`${ok ? 'ok' : 'not ok'} ${i + 1} - ${escape(`${criterion.id} ${criterion.title}`)}${directive}`);
      const flaky = criterion.checks.find((check) => check.flaky !== undefined)?.flaky;
      if (ok && criterion.reason !== 'exit-code' && flaky === undefined) return;
      lines.push(
        '  ---',
        `  verdict: ${criterion.verdict}`,
        `  reason: ${JSON.stringify(criterion.reason)}`,
        `  detail: ${JSON.stringify(visibleLine(criterion.detail ?? ''))}`,
        ...(flaky === undefined ? [] : [`  flaky: ${JSON.stringify(visibleLine(flaky))}`]),
        '  ...',
      );
    });
    return `${lines.join('\n')}\n`;
  },
};
