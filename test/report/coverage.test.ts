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

  // @verifies AC-coverage-columns
  it('fit 80 columns as text, whatever they say', async () => {
    const format = COVERAGE_FORMATS.find((item) => item.name === 'text');
    const skips = Object.fromEntries(
      ['no-link', 'gap', 'manual', 'unavailable:env:NOBODY_HAS', 'waived', 'stopped'].map((name) => [name, 12]),
    );
    const next = view.next.map((step) => ({ ...step, why: 'FAIL(assertion): expected '.repeat(9) }));
    const delta = view.delta === null ? null : { ...view.delta, against: 'a-branch-with-a-name-of-some-length' };
    const wordy = { ...view, total: { ...view.total, skips, failed: 3 }, next, delta };
    for (const shown of [view, wordy]) {
      const wide = String(await format?.render(shown, { color: false }))
        .split('\n')
        .filter((line) => line.length > 80);
      expect(wide).toEqual([]);
    }
    expect(String(await format?.render(wordy, { color: false })).replace(/\s+/gu, ' ')).toContain(
      '12 unavailable:env:NOBODY_HAS, 12 waived',
    );
  });

  // @verifies AC-coverage-columns
  it('advise a run only for what has no verdict yet, not for what was skipped or broke off', async () => {
    const format = COVERAGE_FORMATS.find((item) => item.name === 'text');
    const shown = async (verdict: 'SKIP' | 'ERROR' | null): Promise<string> =>
      (await format?.render(
        { ...view, criteria: view.criteria.map((item) => ({ ...item, traced: true, verdict })) },
        { color: false },
      )) ?? '';
    expect(await shown('SKIP')).not.toContain('verify --all');
    expect(await shown('ERROR')).not.toContain('verify --all');
    expect((await shown(null)).replace(/\s+/gu, ' ')).toContain(
      '100 traced criteria have no verdict on this source yet',
    );
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
