import { describe, expect, it } from 'vitest';
import { COVERAGE_FORMATS } from '../../src/report/index.js';
import { coverageViewOf } from '../rig/view.js';

const view = coverageViewOf(100);
const render = async (name: string): Promise<string> =>
  (await COVERAGE_FORMATS.find((format) => format.name === name)?.render(view, { color: false })) ?? '';

describe('coverage formats', () => {
  // @verifies AC-gate-numbers-agree
  it('show the same four numbers and the same SKIPs', async () => {
    const { total } = view;
    const json = JSON.parse(await render('json')) as { total: typeof total };
    expect(json.total).toEqual(total);
    for (const name of ['text', 'md', 'html', 'badge']) {
      const shown = await render(name);
      for (const number of name === 'badge'
        ? [total.passed, total.specified]
        : [total.specified, total.traced, total.executed, total.passed])
        expect([name, shown.includes(String(number))]).toEqual([name, true]);
      expect([name, shown.includes(`${total.percent.passed.toFixed(1)}%`)]).toEqual([name, true]);
      if (name !== 'badge') expect(shown).toContain(`${total.skips['gap']} gap`);
    }
  });

  it('fit 80 columns as text', async () => {
    const wide = (await render('text')).split('\n').filter((line) => /\d%/.test(line) && line.length > 80);
    expect(wide).toEqual([]);
  });

  it('let nothing of a repository take effect in HTML', async () => {
    const page = await render('html');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });
});

// @verifies AC-coverage-formats
it('markdown gives numbers, and with --verbose every criterion by itself', async () => {
  const format = COVERAGE_FORMATS.find((item) => item.name === 'md');
  const short = await format?.render(view, { color: false });
  const long = await format?.render(view, { color: false, verbose: true });
  expect(short).not.toContain('| AC-area');
  const rows = (long ?? '').split('\n').filter((line) => line.startsWith('| AC-area'));
  expect(rows).toHaveLength(view.criteria.length);
  expect(rows.find((line) => line.includes('AC-area2-2 '))).toBe(
    '| AC-area2-2 | Criterion 2 &lt;b&gt;&amp;&lt;/b&gt; holds | FAIL(assertion) | test/a2.test.ts:3 |',
  );
});
