import { describe, expect, it } from 'vitest';
import { COVERAGE_FORMATS } from '../../src/report/index.js';
import { coverageViewOf } from '../rig/view.js';

const view = coverageViewOf(100);
const render = async (name: string): Promise<string> => (await COVERAGE_FORMATS.find((format) => format.name === name)?.render(view, { color: false })) ?? '';

describe('coverage formats', () => {
  // @verifies AC-gate-numbers-agree
  it('show the same four numbers and the same SKIPs', async () => {
    const { total } = view;
    const json = JSON.parse(await render('json')) as { total: typeof total };
    expect(json.total).toEqual(total);
    for (const name of ['text', 'md', 'html', 'badge']) {
      const shown = await render(name);
      for (const number of name === 'badge' ? [total.passed, total.specified] : [total.specified, total.traced, total.executed, total.passed]) expect([name, shown.includes(String(number))]).toEqual([name, true]);
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
