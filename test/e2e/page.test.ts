/** The coverage page in real Chromium, from a file. */
/// <reference lib="dom" />
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COVERAGE_FORMATS } from '../../src/report/index.js';
import { coverageViewOf } from '../rig/view.js';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

describe.skipIf(PROGRAM === undefined && process.env['CI'] !== 'true')('the coverage page', () => {
  let browser: Browser;
  let folder: string;
  const pageOf = async (size: number, options: { readonly width: number; readonly scheme: 'light' | 'dark' }) => {
    const path = join(folder, `coverage-${size}.html`);
    const format = COVERAGE_FORMATS.find((item) => item.name === 'html');
    if (!existsSync(path)) await writeFile(path, (await format?.render(coverageViewOf(size), { color: false })) ?? '');
    const page = await browser.newPage({
      viewport: { width: options.width, height: 900 },
      colorScheme: options.scheme,
    });
    const trouble: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') trouble.push(message.text());
    });
    page.on('pageerror', (error) => trouble.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:') && !request.url().startsWith('data:'))
        trouble.push(`request ${request.url()}`);
    });
    await page.goto(`file://${path}`);
    await page.waitForFunction(
      (wanted) => document.getElementById('count')?.textContent?.endsWith(`of ${wanted} criteria`) === true,
      size,
    );
    return { page, trouble };
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coh-page-'));
    browser = await chromium.launch({
      executablePath: PROGRAM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  // @verifies AC-gate-html
  it.each([
    [400, 'light'],
    [400, 'dark'],
    [1600, 'light'],
    [1600, 'dark'],
  ] as const)('shows at %i px in %s without overflow, error or request', async (width, scheme) => {
    const { page, trouble } = await pageOf(100, { width, scheme });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    expect(trouble).toEqual([]);
    await page.close();
  });

  // @verifies AC-gate-html
  it('works by keyboard: search, move, read, go back', async () => {
    const { page, trouble } = await pageOf(100, { width: 1200, scheme: 'light' });
    await page.keyboard.press('/');
    await page.keyboard.type('criterion 42');
    await page.waitForFunction(() => document.getElementById('count')?.textContent?.startsWith('1 of') === true);
    expect(await page.locator('#detail h2').textContent()).toBe('Criterion 42 <b>&amp;</b> holds');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('count')?.textContent?.startsWith('100 of') === true);
    await page.locator('#list').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('#detail h2').textContent()).toContain('Criterion 2 ');
    await page.keyboard.press('End');
    expect(await page.locator('#detail h2').textContent()).toContain('Criterion 99 ');
    expect(await page.locator('#list').getAttribute('aria-activedescendant')).toBe('row-99');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('detail');
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('list');
    expect(trouble).toEqual([]);
    await page.close();
  });

  // @verifies AC-gate-html
  it('filters 50,000 criteria with only the rows in view in the document', async () => {
    const { page, trouble } = await pageOf(50_000, { width: 1600, scheme: 'light' });
    expect(await page.locator('#list .row').count()).toBeLessThan(60);
    await page.locator('#search').fill('criterion 4999');
    await page.waitForFunction(() => document.getElementById('count')?.textContent?.startsWith('15 of') === true);
    await page.locator('#verdict').selectOption('FAIL');
    await page.waitForFunction(() => document.getElementById('count')?.textContent?.startsWith('2 of') === true);
    expect(trouble).toEqual([]);
    await page.close();
  });
});
