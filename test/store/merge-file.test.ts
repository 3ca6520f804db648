import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { driverLine, installMergeDriver, mergeFiles, mergeTexts } from '../../src/app/catalog/merge-file.js';
import { commentsIn } from '../../src/catalog/index.js';
import { capture } from '../../src/util/process.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'coherence-merge-'));
  folders.push(folder);
  return folder;
};
const text = (title: string, criteria: readonly string[], comment = ''): string =>
  `${comment}id: SPEC-a\ntitle: ${title}\nlevel: module\nstatus: active\n${criteria.length === 0 ? '' : `criteria:\n${criteria.map((id) => `  - id: ${id}\n    title: ${id}\n`).join('')}`}`;

const TWO = '  # c2\n  - id: AC-2\n    title: two\n';
const END = '    extra: { last: 1 }\n';
const [X, Y] = ['  # x\n  - id: AC-x\n    title: x\n', '  # y\n  - id: AC-y\n    title: y\n'];
const COMMENTED = `id: SPEC-a\ntitle: t\nlevel: module\nstatus: active\ncriteria:\n  # c1\n  - id: AC-1\n    title: one\n${TWO}${END}`;

describe('the merge driver', () => {
  // @verifies AC-store-driver-merges
  it('keeps both additions at one place, where lines would conflict, and the comments of our side', () => {
    const merge = mergeTexts(
      text('t', ['AC-1']),
      text('t', ['AC-1', 'AC-x'], '# ours\n'),
      text('new', ['AC-1', 'AC-y']),
    );
    expect(merge).toMatchObject({ conflicts: [], byField: true });
    expect(merge.text).toBe(text('new', ['AC-1', 'AC-x', 'AC-y'], '# ours\n'));
  });

  // @verifies AC-store-driver-conflict
  it('puts markers around exactly the fields in question, and exits 1', async () => {
    const folder = await temporary();
    const [o, a, b] = ['o', 'a', 'b'].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(o, text('t', ['AC-1']));
    await writeFile(a, text('ours', ['AC-1', 'AC-x']));
    await writeFile(b, text('theirs', ['AC-1', 'AC-y']));
    const merged = await mergeFiles(o, a, b);
    if (!merged.ok) throw new Error(JSON.stringify(merged.failures));
    const { code, merge } = merged.value;
    expect(code).toBe(1);
    expect(merge.conflicts).toEqual([{ spec: 'SPEC-a', field: 'title', base: 't', ours: 'ours', theirs: 'theirs' }]);
    expect(await readFile(a, 'utf8')).toBe(
      text('t', ['AC-1', 'AC-x', 'AC-y']).replace(
        'title: t\n',
        '<<<<<<< ours\ntitle: ours\n=======\ntitle: theirs\n>>>>>>> theirs\n',
      ),
    );
  });

  // @verifies AC-catalog-bytes
  it('leaves a side whose bytes are no UTF-8 to git, byte for byte', async () => {
    const folder = await temporary();
    const [o, a, b] = ['o', 'a', 'b'].map((name) => join(folder, name)) as [string, string, string];
    const latin = Buffer.from(text('caf\u00e9', ['AC-1']), 'latin1');
    await writeFile(o, text('t', ['AC-1']));
    await writeFile(a, latin);
    await writeFile(b, text('t', ['AC-1', 'AC-y']));
    expect(await mergeFiles(o, a, b)).toMatchObject({ ok: false, failures: [{ file: a, line: 2, column: 11 }] });
    expect(await readFile(a)).toEqual(latin);
  });

  // @verifies AC-store-driver-comments
  it.each([
    { what: 'their comment beside our field', ours: ['title: one', 'title: eins'], theirs: ['# c2', '# c2 theirs'] },
    { what: 'comments on both sides only', ours: ['# c1', '# c1 ours'], theirs: ['# c2', '# c2 theirs'] },
    { what: 'a comment at the end', ours: ['title: two', 'title: zwei'], theirs: [END, `${END}# tail\n`] },
    { what: 'the same comment changed twice', ours: ['# c1', '# c1 ours'], theirs: ['# c1', '# c1 theirs'] },
    { what: 'their comment where we took the criterion away', ours: [TWO, ''], theirs: ['# c2', '# c2 theirs'] },
    { what: 'a comment of each at one place', ours: ['# c2', '# mine\n  # c2'], theirs: ['# c2', '# yours\n  # c2'] },
    { what: 'their comment in a list that both extend', ours: [END, `${END}${X}`], theirs: [END, `${END}${Y}`] },
  ] as const)('keeps the comments of both sides, or says that they conflict: $what', ({ ours, theirs }) => {
    const [mine, other] = [COMMENTED.replace(ours[0], ours[1]), COMMENTED.replace(theirs[0], theirs[1])];
    const merge = mergeTexts(COMMENTED, mine, other);
    const added = (side: string): string[] => commentsIn(side).filter((item) => !commentsIn(COMMENTED).includes(item));
    for (const comment of [...added(mine), ...added(other)]) expect(merge.text).toContain(comment);
    // Nothing is said to be merged while both stand side by side.
    expect(merge.text.includes('<<<<<<<')).toBe(merge.conflicts.length > 0 || !merge.byField);
  });

  // @verifies AC-store-driver-comments
  it('loses no comment, whatever both sides do with lines of their own', () => {
    const pieces = ['# c1', '# c2', 'title: one', 'title: two'];
    const edit = fc.record({ at: fc.nat(pieces.length - 1), how: fc.constantFrom('before', 'behind', 'instead') });
    const apply = (side: string, edits: readonly { at: number; how: string }[]): string =>
      edits.reduce((text, { at, how }, number) => {
        const piece = pieces[at] ?? '';
        const said = `# ${side} ${number}`;
        if (how === 'before') return text.replace(new RegExp(`^( *)(.*${piece})`, 'm'), `$1${said}\n$1$2`);
        if (how === 'behind') return text.replace(new RegExp(`(${piece}.*)$`, 'm'), `$1 ${said}`);
        return piece.startsWith('#') ? text.replace(piece, said) : text;
      }, COMMENTED);
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 3 }), fc.array(edit, { maxLength: 3 }), (left, right) => {
        const [mine, other] = [apply('ours', left), apply('theirs', right)];
        const merge = mergeTexts(COMMENTED, mine, other);
        for (const comment of [...commentsIn(mine), ...commentsIn(other)].filter((item) => /ours|theirs/.test(item)))
          expect(merge.text).toContain(comment);
      }),
    );
  });

  it('shows both sides of a removal against a change', () => {
    const merge = mergeTexts(
      text('t', ['AC-1', 'AC-2']),
      text('t', ['AC-2']),
      text('t', ['AC-1', 'AC-2']).replace('title: AC-1', 'title: changed'),
    );
    expect(merge.conflicts).toMatchObject([{ criterion: 'AC-1', field: 'removed' }]);
    expect(merge.text).toContain('=======\n  - id: AC-1\n    title: changed\n>>>>>>> theirs\n');
  });

  it('sets lines side by side when a side is no spec', () => {
    const merge = mergeTexts(text('t', []), 'id: [\n', text('u', []));
    expect(merge.byField).toBe(false);
    expect(merge.text).toContain('id: [');
    expect(merge.text).toContain('title: u');
  });

  // @verifies AC-store-driver-git
  it('is called by git, as installed, and a second installation changes nothing', async () => {
    const root = await temporary();
    const env = {
      ...process.env,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'A',
      GIT_COMMITTER_EMAIL: 'a@b',
    };
    const git = async (...args: string[]): Promise<string> => {
      const answer = await capture({ command: ['git', ...args], cwd: root, env });
      return `${answer.end.code ?? ''} ${answer.stdout}`;
    };
    await git('init', '-qb', 'main');
    // What git would call is noted, so that the test needs no built program.
    const script = join(root, 'driver.sh');
    await writeFile(script, '#!/bin/sh\nshift\nprintf merged > "$2"\n', { mode: 0o755 });
    expect((await installMergeDriver(root, [script])).changed).toBe(true);
    expect((await installMergeDriver(root, [script])).changed).toBe(false);
    expect(await readFile(join(root, '.gitattributes'), 'utf8')).toBe('specs/**/*.yaml merge=coherence\n');
    await mkdir(join(root, 'specs'));
    const commit = async (content: string): Promise<void> => {
      await writeFile(join(root, 'specs/a.yaml'), content);
      await git('add', '.');
      await git('commit', '-qm', content);
    };
    await commit('base\n');
    await git('checkout', '-qb', 'other');
    await commit('other\n');
    await git('checkout', '-q', 'main');
    await commit('main\n');
    expect(await git('merge', '-q', 'other')).toMatch(/^0/);
    expect(await readFile(join(root, 'specs/a.yaml'), 'utf8')).toBe('merged');
    // Without the program git would leave our side alone and call it a conflict without a mark.
    await git('reset', '-q', '--hard', 'HEAD~1');
    for (const broken of [join(root, 'missing'), 'false-program-that-nobody-has', 'exit 70;']) {
      await git('config', 'merge.coherence.driver', driverLine([broken]).replace("'exit 70;'", '(exit 70);'));
      await git('merge', '-q', 'other');
      const text = await readFile(join(root, 'specs/a.yaml'), 'utf8');
      expect([text.includes('main'), text.includes('<<<<<<<'), text.includes('other')]).toEqual([true, true, true]);
      await git('merge', '--abort');
    }
    expect(await installMergeDriver(await temporary(), [script])).toEqual({ changed: false, settings: [] });
  });
});
