import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { anyText, spec as anySpec } from './arbitrary.js';
import { formatSpec, isStrictId, loadCatalog, specFileName } from '../../src/catalog/index.js';

const spec = (id: string, more = ''): string => `id: SPEC-${id}\ntitle: T\nlevel: module\nstatus: active\n${more}`;

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'coherence-catalog-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

describe('a catalog', () => {
  it('is empty without specs/', async () => {
    expect(await loadCatalog(tree({}))).toMatchObject({ catalog: { specs: [] }, failures: [], unread: [] });
  });

  it('holds the specs of all folders, sorted by id, with their files and positions', async () => {
    const { catalog, files, failures, unread } = await loadCatalog(
      tree({
        'specs/z/b.yaml': spec(
          'b',
          'criteria:\n  - id: AC-b-x\n    title: X\n    verified_by:\n      - test: a.test.ts\n',
        ),
        'specs/a.yaml': `\ufeff${spec('a').replaceAll('\n', '\r\n')}`,
        'specs/c.yml': 'x',
        'specs/readme.md': 'x',
      }),
    );
    expect(failures).toEqual([]);
    expect([...files]).toEqual([
      ['SPEC-a', 'specs/a.yaml'],
      ['SPEC-b', 'specs/z/b.yaml'],
    ]);
    expect(catalog.specs[1]?.criteria?.[0]?.verified_by?.[0]?.position).toEqual({
      file: 'specs/z/b.yaml',
      line: 9,
      column: 9,
    });
    expect(unread).toEqual([{ file: 'specs/c.yml', why: 'spec files end in .yaml' }]);
  });

  // @verifies AC-catalog-duplicate-ids
  it('has each id once, without regard to case and across files', async () => {
    const { failures } = await loadCatalog(
      tree({
        'specs/a.yaml': spec('Same', 'criteria:\n  - id: AC-x\n    title: X\n'),
        'specs/b.yaml': spec('same', 'criteria:\n  - id: ac-X\n    title: X\n    extra: {}\n'),
      }),
    );
    expect(failures.map((found) => `${found.file}:${found.line} ${found.kind} ${found.message}`)).toEqual([
      'specs/b.yaml:1 invalid-spec The id "SPEC-same" is taken by specs/a.yaml:1 (written "SPEC-Same" there; case does not tell ids apart).',
      'specs/b.yaml:6 invalid-spec The id "ac-X" is taken by specs/a.yaml:6 (written "AC-x" there; case does not tell ids apart).',
    ]);
  });

  // @verifies AC-catalog-symlinks
  it('reads nothing through a symlink that leads out of the project', async () => {
    const outside = tree({ 'evil.yaml': spec('evil'), 'x.test.ts': '', 'folder/f.yaml': spec('f') });
    const root = tree({
      'specs/a.yaml': spec(
        'a',
        'criteria:\n  - id: AC-a-x\n    title: X\n    verified_by:\n      - test: link/x.test.ts > t\n      - run: ./x\n        inputs: ["link/**"]\n        artifacts: [file.txt]\n    implemented_by: ["link/x.ts::f"]\n',
      ),
      'real/b.yaml': spec('b'),
    });
    symlinkSync(join(outside, 'evil.yaml'), join(root, 'specs/evil.yaml'));
    symlinkSync(join(outside, 'folder'), join(root, 'specs/folder'));
    symlinkSync('../real/b.yaml', join(root, 'specs/b.yaml'));
    symlinkSync('nowhere', join(root, 'specs/dangling.yaml'));
    symlinkSync(outside, join(root, 'link'));
    symlinkSync('/etc/hostname', join(root, 'file.txt'));
    const { catalog, failures } = await loadCatalog(root);
    expect(catalog.specs.map((value) => value.id)).toEqual(['SPEC-a', 'SPEC-b']);
    expect(failures.map((found) => `${found.kind} ${found.file}:${found.line}`)).toEqual([
      'unsafe-path specs/a.yaml:9',
      'unsafe-path specs/a.yaml:10',
      'unsafe-path specs/a.yaml:10',
      'unsafe-path specs/a.yaml:13',
      'unsafe-path specs/dangling.yaml:1',
      'unsafe-path specs/evil.yaml:1',
      'unsafe-path specs/folder:1',
    ]);
  });

  it('refuses specs/ itself when it leads out or is no folder', async () => {
    const out = tree({});
    symlinkSync(tree({ 'a.yaml': spec('a') }), join(out, 'specs'));
    expect((await loadCatalog(out)).failures).toMatchObject([{ kind: 'unsafe-path', file: 'specs' }]);
    expect((await loadCatalog(tree({ specs: 'x' }))).failures).toMatchObject([{ kind: 'invalid-spec', file: 'specs' }]);
  });

  // @verifies AC-catalog-cache
  it('is the same from the cache, and content decides what is taken from it', async () => {
    const root = tree({ 'specs/a.yaml': spec('a', 'extra: { "__proto__": 1 }\n'), 'specs/b.yaml': spec('b') });
    const cacheFolder = join(root, 'cache');
    const cold = await loadCatalog(root, { cacheFolder });
    const stored = (): string =>
      readdirSync(cacheFolder)
        .map((name) => readFileSync(join(cacheFolder, name), 'utf8'))
        .join('\n');
    expect(stored()).toContain('SPEC-b');
    // The cache is really read: a value that only it has comes back.
    const [name] = readdirSync(cacheFolder);
    writeFileSync(join(cacheFolder, String(name)), stored().replace('"title":"T"', '"title":"from the cache"'));
    expect((await loadCatalog(root, { cacheFolder })).catalog.specs.map((value) => value.title)).toContain(
      'from the cache',
    );
    writeFileSync(join(cacheFolder, String(name)), '{ broken');
    expect(await loadCatalog(root, { cacheFolder })).toEqual(cold);
    expect(await loadCatalog(root, { cacheFolder })).toEqual(cold);
    writeFileSync(join(root, 'specs/a.yaml'), spec('a', 'owner: me\n'));
    rmSync(join(root, 'specs/b.yaml'));
    expect((await loadCatalog(root, { cacheFolder })).catalog.specs).toMatchObject([{ id: 'SPEC-a', owner: 'me' }]);
    expect(stored()).not.toContain('SPEC-b');
  });

  // @verifies AC-catalog-cache
  it('is the same from the cache whatever it holds, with the place of everything in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anySpec, { minLength: 1, maxLength: 3 }), async (specs) => {
        const root = tree(Object.fromEntries(specs.map((one, at) => [`specs/${at}.yaml`, formatSpec(one)])));
        const cacheFolder = join(root, 'cache');
        const cold = await loadCatalog(root, { cacheFolder });
        expect(await loadCatalog(root, { cacheFolder })).toEqual(cold);
        expect(await loadCatalog(root)).toEqual(cold);
      }),
      { numRuns: 25 },
    );
  });

  // @verifies AC-catalog-cache
  it('takes nothing from the cache for other bytes of the same size and time, and the places of a renamed file are its own', async () => {
    const text = spec(
      'a',
      'criteria:\n  - id: AC-a\n    title: X\n    implemented_by: [a.ts]\n    extra: { position: null }\n',
    );
    const root = tree({ 'specs/a.yaml': text });
    const file = join(root, 'specs/a.yaml');
    const cacheFolder = join(root, 'cache');
    await loadCatalog(root, { cacheFolder });
    const { atime, mtime } = statSync(file);
    writeFileSync(file, text.replace('title: X', 'title: Y'));
    utimesSync(file, atime, mtime);
    const title = async (): Promise<unknown> =>
      (await loadCatalog(root, { cacheFolder })).catalog.specs[0]?.criteria?.[0]?.title;
    expect([await title(), await title()]).toEqual(['Y', 'Y']);
    renameSync(file, join(root, 'specs/b.yaml'));
    const renamed = await loadCatalog(root, { cacheFolder });
    expect(renamed).toEqual(await loadCatalog(root));
    expect(renamed.catalog.specs[0]?.criteria?.[0]?.implemented_by?.[0]?.position?.file).toBe('specs/b.yaml');
    expect(renamed.catalog.specs[0]?.criteria?.[0]?.extra).toEqual({ position: null });
    // A line that lost a part of itself counts as none.
    const [name] = readdirSync(cacheFolder);
    const stored = readFileSync(join(cacheFolder, String(name)), 'utf8');
    expect(stored).toMatch(/,\d+,\d+\]\]\n$/);
    writeFileSync(join(cacheFolder, String(name)), stored.replace(/,\d+,\d+\]\]\n$/, ']]\n'));
    expect(await loadCatalog(root, { cacheFolder })).toEqual(renamed);
  });

  // @verifies AC-catalog-cache
  it('adds a line to the cache for an edit, writes it anew when much of it is old, and reads around torn lines', async () => {
    const root = tree(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`specs/${at}.yaml`, spec(`s${at}`)])));
    const cacheFolder = join(root, 'cache');
    const load = async (): Promise<readonly string[]> => {
      const loaded = await loadCatalog(root, { cacheFolder });
      expect(loaded).toEqual(await loadCatalog(root));
      return readFileSync(join(cacheFolder, String(readdirSync(cacheFolder)[0])), 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    };
    const first = await load();
    expect(first).toHaveLength(30);
    writeFileSync(join(root, 'specs/3.yaml'), spec('s3', 'owner: me\n'));
    const added = await load();
    expect(added.slice(0, 30)).toEqual(first);
    expect(added).toHaveLength(31);
    expect(await load()).toEqual(added);
    const [name] = readdirSync(cacheFolder);
    const torn = `${added.join('\n').slice(0, -40)}\n["${'0'.repeat(90)}`;
    writeFileSync(join(cacheFolder, String(name)), torn);
    expect(await load()).toHaveLength(33);
    for (const at of [1, 2, 4, 5, 6]) writeFileSync(join(root, `specs/${at}.yaml`), spec(`s${at}`, 'owner: you\n'));
    expect(await load()).toHaveLength(30);
  });

  it('that is invalid is not cached as valid', async () => {
    const root = tree({ 'specs/a.yaml': 'id: SPEC-a\n' });
    const cacheFolder = join(root, 'cache');
    for (let run = 0; run < 2; run += 1)
      expect((await loadCatalog(root, { cacheFolder })).failures.length).toBeGreaterThan(0);
    expect(
      existsSync(join(root, 'cache')) &&
        readdirSync(cacheFolder).some((name) => readFileSync(join(cacheFolder, name), 'utf8').includes('SPEC-a')),
    ).toBe(false);
  });
});

describe('ids', () => {
  // @verifies AC-catalog-file-name
  it('give file names that are safe, short and different', () => {
    expect([specFileName('SPEC-caching'), specFileName('SPEC-a.b_c-1')]).toEqual(['caching.yaml', 'a.b_c-1.yaml']);
    expect(specFileName('SPEC-Caching')).toMatch(/^caching-[0-9a-f]{8}\.yaml$/);
    expect(specFileName('SPEC-a/b')).toMatch(/^a-b-[0-9a-f]{8}\.yaml$/);
    expect(specFileName(`SPEC-${'x'.repeat(101)}`)).toMatch(/^x{100}-[0-9a-f]{8}\.yaml$/);
    const id = fc.oneof(anyText(130), fc.stringMatching(/^[aA./ -]{0,6}$/)).map((name) => `SPEC-${name}`);
    fc.assert(
      fc.property(id, id, (left, right) => {
        expect(specFileName(left)).toMatch(/^[a-z0-9._-]{0,109}\.yaml$/);
        expect(specFileName(left) === specFileName(right)).toBe(left === right);
      }),
      { numRuns: 150 },
    );
  });

  // @verifies AC-catalog-strict-ids
  it('of new things are strict', () => {
    for (const good of ['SPEC-a', 'AC-a.b_c/d-E', `AC-${'x'.repeat(157)}`])
      expect([good, isStrictId(good)]).toEqual([good, true]);
    for (const bad of [
      'SPEC-',
      'spec-a',
      'SPEC--a',
      'AC-a b',
      'AC-a,b',
      'AC-a//b',
      'AC-a/../b',
      'AC-a/.',
      'AC-a/',
      'X-a',
      `AC-${'x'.repeat(158)}`,
      'AC-é',
      'AC-a\n',
    ])
      expect([bad, isStrictId(bad)]).toEqual([bad, false]);
  });

  // @verifies AC-catalog-imported-ids
  it('that an import brought are read as they are', async () => {
    const { failures, catalog } = await loadCatalog(
      tree({
        'specs/a.yaml': spec(
          'a',
          'criteria:\n  - id: "AC--a-b,-c; d: #e"\n    title: X\n  - id: legacy-1\n    title: Y\n    extra: { jsonl: {} }\n',
        ),
      }),
    );
    expect(failures).toEqual([]);
    expect(catalog.specs[0]?.criteria?.map((criterion) => criterion.id)).toEqual(['AC--a-b,-c; d: #e', 'legacy-1']);
  });
});
