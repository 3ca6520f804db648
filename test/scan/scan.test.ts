import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Scan } from '../../src/model/index.js';
import { scan, ScanCache } from '../../src/scan/index.js';
import { listFiles } from '../../src/sources/index.js';

let root: string;
let cache: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coherence-scan-'));
  cache = mkdtempSync(join(tmpdir(), 'coherence-scan-cache-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const run = async ({
  cacheFolder = cache,
  ...options
}: {
  readonly want?: readonly string[];
  readonly scanAll?: boolean;
  readonly cacheFolder?: string | null;
} = {}): Promise<Scan> =>
  scan({ root, files: await listFiles(root), cache: ScanCache.open(root, cacheFolder), ...options });

const outline = (found: Scan): string[] =>
  found.files.map(
    (file) =>
      `${file.file}: ${file.tests.map((test) => test.path.join(' > ')).join(', ')} [${file.links.map((link) => link.target).join(', ')}]`,
  );

const TAGGED = "import { it } from 'vitest';\n// @verifies AC-a\nit('tagged', () => {});\n";
const UNTAGGED = "import { it } from 'vitest';\nit('untagged', () => {});\n";

// @verifies AC-scan-which-files
describe('which files are analysed', () => {
  it('those with a tag, those that are wanted, and all test files on request', async () => {
    write({ 'a.test.ts': TAGGED, 'b.test.ts': UNTAGGED, 'src/c.ts': 'export function work() {}\n' });
    expect(outline(await run())).toEqual(['a.test.ts: tagged [AC-a]']);
    expect(outline(await run({ want: ['b.test.ts', 'src/c.ts', 'gone.ts'] }))).toEqual([
      'a.test.ts: tagged [AC-a]',
      'b.test.ts: untagged []',
      'src/c.ts:  []',
    ]);
    expect((await run({ want: ['src/c.ts'] })).files.at(-1)?.symbols).toEqual([{ name: 'work', line: 1, endLine: 1 }]);
    expect(outline(await run({ scanAll: true }))).toEqual(['a.test.ts: tagged [AC-a]', 'b.test.ts: untagged []']);
  });

  it('one with a focused test, since that silences others', async () => {
    write({ 'b.test.ts': UNTAGGED.replace('it(', 'it.only(') });
    expect((await run()).files[0]?.tests[0]?.focused).toBe(true);
  });

  it('none of test data, vendored or ignored folders and symlinks', async () => {
    write({
      'fixtures/a.test.ts': TAGGED,
      'test/__fixtures__/a.test.ts': TAGGED,
      'go/testdata/a.test.ts': TAGGED,
      'node_modules/p/a.test.ts': TAGGED,
      'vendor/a.test.ts': TAGGED,
      'dist/a.test.ts': TAGGED,
      '.gitignore': 'dist/\n',
      'real.test.ts': TAGGED,
      'docs/guide.md': '<!-- @verifies AC-doc -->\n',
    });
    symlinkSync('real.test.ts', join(root, 'link.test.ts'));
    expect(outline(await run())).toEqual(['real.test.ts: tagged [AC-a]']);
    expect(outline(await run({ want: ['fixtures/a.test.ts'] }))[0]).toBe('fixtures/a.test.ts: tagged [AC-a]');
  });
});

// @verifies AC-scan-other-languages
it('binds comment tags of other languages to the file and passes over their strings', async () => {
  write({
    'db/schema.sql': "-- @verifies AC-sql\nselect '-- @verifies AC-no';\n/* @implements AC-block */\n",
    Makefile: '# @implements AC-make\nall:\n\techo "# @implements AC-no"\n',
    'lib/a.rb': '# it\'s @verifies AC-ruby\nputs "\n# @verifies AC-heredoc-like"\n',
    'src/a.c': 'char *s = "/* @verifies AC-no */"; // @verifies AC-c\n',
  });
  expect(outline(await run())).toEqual([
    'Makefile:  [AC-make]',
    'db/schema.sql:  [AC-sql, AC-block]',
    'lib/a.rb:  [AC-ruby, AC-heredoc-like]',
    'src/a.c:  [AC-c]',
  ]);
  const [, sql] = (await run()).files;
  expect(sql?.tests).toMatchObject([{ kind: 'file', framework: 'file', selector: 'db/schema.sql' }]);
  expect(sql?.links[0]).toMatchObject({ line: 1, column: 14, binds: { kind: 'file' } });
});

// @verifies AC-scan-cache
describe('the cache', () => {
  const cacheText = (): string => readFileSync(join(cache, readdirSync(cache)[0] ?? ''), 'utf8');
  const damage = (change: (text: string) => string): void =>
    writeFileSync(join(cache, readdirSync(cache)[0] ?? ''), change(cacheText()));

  it('gives the same answer as no cache, in whole', async () => {
    write({
      'a.test.ts': TAGGED,
      'b.test.mjs':
        "import test from 'node:test';\nimport { check } from './h.mjs';\n/* @verifies AC-b */\ncheck('x');\ntest.skip('y', async (t) => { await t.test('z'); });\n",
      'h.mjs': "import test from 'node:test';\nexport function check(n) { test(n, () => {}); }\n",
      'x.test.ts': 'it.only(`a ${b}`, () => { const = });\n',
    });
    const cold = await run({ want: ['h.mjs'] });
    expect(await run({ want: ['h.mjs'] })).toEqual(cold);
    expect(await run({ want: ['h.mjs'], cacheFolder: null })).toEqual(cold);
    expect(cold.files.length).toBe(4);
  });

  it('is what a second scan reads instead of the file', async () => {
    write({ 'a.test.ts': TAGGED });
    await run();
    // Proof that the entry is used: with a true checksum, what it says is believed.
    const { createHash } = await import('node:crypto');
    damage((text) => {
      const [header = '', ...lines] = text.split('\n');
      const body = lines.join('\n').replace('"tagged"', '"from the cache"');
      return `${header.split(' ').slice(0, 2).join(' ')} ${createHash('sha1').update(body).digest('hex')}\n${body}`;
    });
    expect(outline(await run())).toEqual(['a.test.ts: from the cache [AC-a]']);
  });

  it('forgets a file that changed', async () => {
    write({ 'a.test.ts': TAGGED, 'b.test.ts': UNTAGGED });
    await run();
    write({ 'a.test.ts': TAGGED.replace('AC-a', 'AC-z'), 'b.test.ts': TAGGED });
    expect(outline(await run())).toEqual(['a.test.ts: tagged [AC-z]', 'b.test.ts: tagged [AC-a]']);
  });

  it('forgets an answer when another file that it hangs on changes, appears or goes', async () => {
    write({
      'test/a.test.js': "import { T } from './t.js';\n// @verifies AC-a\nit(T, () => {});\n",
      'test/t.js': "export const T = 'one';\n",
    });
    const title = async (): Promise<string> => outline(await run())[0] ?? '';
    const framework = async (): Promise<string | undefined> => (await run()).files[0]?.tests[0]?.framework;
    expect(await title()).toBe('test/a.test.js: one [AC-a]');
    write({ 'test/t.js': "export const T = 'two';\n" });
    expect(await title()).toBe('test/a.test.js: two [AC-a]');
    rmSync(join(root, 'test/t.js'));
    expect((await run()).files[0]?.tests[0]?.dynamic).toBe(true);
    write({ 'test/t.ts': "export const T = 'three';\n" });
    expect(await title()).toBe('test/a.test.js: three [AC-a]');
    expect(await framework()).toBe('vitest');
    write({ 'jest.config.js': '' });
    expect(await framework()).toBe('jest');
  });

  it.each<[string, (text: string) => string]>([
    ['cut off', (text) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['not ours', () => '\u0000\u0001\u0002'],
    ['changed in a byte', (text) => text.replace('tagged', 'TAGGED')],
    ['of another version', (text) => text.replace(/^(coherence-scan )\w+/u, '$10000')],
  ])('is made anew in silence when it is %s', async (_, change) => {
    write({ 'a.test.ts': TAGGED });
    await run();
    const whole = cacheText();
    damage(change);
    expect(outline(await run())).toEqual(['a.test.ts: tagged [AC-a]']);
    expect(cacheText()).toBe(whole);
  });

  it('that cannot be written is no trouble', async () => {
    write({ 'a.test.ts': TAGGED });
    writeFileSync(join(cache, 'file'), '');
    expect(outline(await run({ cacheFolder: join(cache, 'file', 'below') }))).toEqual(['a.test.ts: tagged [AC-a]']);
  });
});

// @verifies AC-scan-limits
it('says of a file that is too large that what its tags mean is unknown, and nothing of one without tags', async () => {
  const filler = `const a = '${'x'.repeat(4 * 1024 * 1024)}';\n`;
  write({ 'big.test.ts': `${filler}${TAGGED}`, 'bundle.js': `${filler}// @implements {Thing}\n` });
  for (const found of [await run(), await run()]) {
    expect(found.files.map(({ file }) => file)).toEqual(['big.test.ts']);
    expect(found.files[0]?.links).toMatchObject([{ target: 'AC-a', line: 3, binds: { kind: 'dangling' } }]);
    expect(found.files[0]?.problems).toMatchObject([{ limit: true, message: expect.stringContaining('4 MiB') }]);
  }
});
