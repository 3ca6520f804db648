/** A table that fits 80 columns, and what to do next. */
import { COVERAGE_KEYS } from '../../model/index.js';
import { clip, counted, visibleLine, wrapLines } from '../../util/text.js';
import { painter } from '../paint.js';
import type { CountsView, CoverageFormat } from './view.js';

const COLUMNS = 80;
const NAME = 30;
const cell = (count: number, percent: number): string =>
  `${count} ${`${percent.toFixed(1)}%`.padStart(6)}`.padStart(12);
const row = (name: string, counts: CountsView): string =>
  `${clip(visibleLine(name), NAME).padEnd(NAME)}${String(counts.specified).padStart(10)}${cell(counts.traced, counts.percent.traced)}${cell(counts.executed, counts.percent.executed)}${cell(counts.passed, counts.percent.passed)}`;

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value));

export const text: CoverageFormat = {
  name: 'text',
  render(view, { color }) {
    const paint = painter(color);
    const lines = [
      paint(
        'bold',
        `${''.padEnd(NAME)}${'specified'.padStart(10)}${'traced'.padStart(12)}${'executed'.padStart(12)}${'passed'.padStart(12)}`,
      ),
      row('all', view.total),
    ];
    const section = (title: string, groups: Readonly<Record<string, CountsView>>): void => {
      const entries = Object.entries(groups).filter(([name]) => name !== '');
      if (entries.length === 0) return;
      lines.push('', paint('dim', title), ...entries.map(([name, counts]) => row(name, counts)));
    };
    section('by level', view.levels);
    section('by spec', view.specs);
    section('by risk', view.risks);
    section('by owner', view.owners);
    const say = (sentence: string, color?: 'red' | 'dim', indent = '  '): void => {
      for (const line of wrapLines(sentence, COLUMNS, indent))
        lines.push(color === undefined ? line : paint(color, line));
    };
    if (view.total.exit_code > 0) {
      lines.push('');
      say(`of those that passed, ${view.total.exit_code} by exit code alone`);
    }
    const skips = Object.entries(view.total.skips);
    lines.push('');
    say(
      skips.length === 0
        ? 'no SKIP'
        : `SKIP: ${skips.map(([reason, count]) => `${count} ${visibleLine(reason)}`).join(', ')}`,
    );
    if (view.total.failed + view.total.error > 0)
      say(`${view.total.failed} FAIL, ${view.total.error} ERROR on this source`, 'red');
    if (view.retired > 0) say(`${view.retired} retired, in no number above`);
    if (view.delta !== null)
      say(
        `since ${visibleLine(view.delta.against)}: ${COVERAGE_KEYS.map((key) => `${key} ${signed(view.delta?.counts[key] ?? 0)}`).join(', ')}`,
      );
    if (view.audit !== null)
      say(`verdict cache: ${view.audit.stale} stale of ${view.audit.audited} hits that were run again`);
    // What was skipped or broke off has a verdict: to run it once more would give the same one.
    const open = view.criteria.filter((item) => item.traced && item.verdict === null).length;
    if (open > 0)
      say(
        `${counted(open, 'traced criterion has', 'traced criteria have')} no verdict on this source yet: \`coherence verify --all\` gives one.`,
      );
    if (view.next.length > 0) lines.push('', paint('bold', 'next'));
    for (const step of view.next) {
      say(`  ${visibleLine(step.criterion)} (${step.risk}): ${visibleLine(step.why)}`, undefined, '      ');
      for (const candidate of step.candidates.slice(0, 2))
        say(
          `    perhaps ${visibleLine(candidate.selector)}  ${visibleLine(`${candidate.file}:${candidate.line}`)}`,
          'dim',
          '      ',
        );
    }
    return `${lines.join('\n')}\n`;
  },
};
