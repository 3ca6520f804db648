import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeCacheFolder, compiled } from '../../src/util/code-cache.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coh-code-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = (answer: string): string => {
  const file = join(folder, 'program.cjs');
  writeFileSync(
    file,
    `function answer() { return ${JSON.stringify(answer)}; }\nmodule.exports = { answer, file: __filename, join: require('node:path').join };\n`,
  );
  return file;
};
const cache = (): string => join(folder, 'cache');
/** Loads, calls and keeps, as a process does from its start to its end. */
const use = (
  file: string,
  purpose = 'a',
): { readonly answer: string; readonly isHit: boolean; readonly isKept: boolean } => {
  const { exports, isHit, keep } = compiled(file, purpose, cache());
  const answer = (exports as { answer(): string }).answer(); // the program above
  keep?.();
  return { answer, isHit, isKept: keep !== null };
};
const kept = (): string[] => readdirSync(cache()).map((name) => join(cache(), name));

describe('code cache', () => {
  it('gives what require would give', () => {
    const { exports } = compiled(program('one'), 'a', null);
    expect(exports).toMatchObject({ file: join(folder, 'program.cjs'), join });
  });

  it('is written once a purpose and hit from then on', () => {
    const file = program('one');
    expect([use(file), use(file), use(file, 'b'), use(file, 'b'), use(file)]).toEqual([
      { answer: 'one', isHit: false, isKept: true },
      { answer: 'one', isHit: true, isKept: false },
      { answer: 'one', isHit: true, isKept: true },
      { answer: 'one', isHit: true, isKept: false },
      { answer: 'one', isHit: true, isKept: false },
    ]);
    expect(kept()).toHaveLength(1);
  });

  // @verifies AC-start-code-cache-exact
  it('never serves another source, not even one of the same length', () => {
    use(program('one'));
    expect(use(program('two'))).toEqual({ answer: 'two', isHit: false, isKept: true });
  });

  // @verifies AC-start-code-cache-exact
  it('compiles when the file is torn or changed, and mends it', () => {
    const file = program('one');
    use(file);
    const [name = ''] = kept();
    truncateSync(name, statSync(name).size - 7);
    expect(use(file)).toEqual({ answer: 'one', isHit: false, isKept: true });
    const bytes = readFileSync(name);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    writeFileSync(name, bytes);
    expect(use(file)).toEqual({ answer: 'one', isHit: false, isKept: true });
    expect(use(file).isHit).toBe(true);
  });

  // @verifies AC-start-code-cache-own
  it('does not read a file that others may write', () => {
    const file = program('one');
    use(file);
    for (const name of kept()) chmodSync(name, 0o620);
    expect(use(file).isHit).toBe(false);
    expect(kept().map((name) => statSync(name).mode & 0o777)).toEqual([0o600]);
  });

  it('takes in once a day what a purpose compiled later, and keeps twenty files', () => {
    const file = program('one');
    use(file);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    for (const name of kept()) utimesSync(name, yesterday, yesterday);
    expect(use(file)).toEqual({ answer: 'one', isHit: true, isKept: true });
    for (let i = 0; i < 25; i += 1) use(program(`program ${i}`));
    expect(kept()).toHaveLength(20);
  });

  // @verifies AC-start-code-cache-optional
  it('loses nothing when it cannot be written', () => {
    writeFileSync(cache(), 'a file where the folder should be');
    expect(use(program('one'))).toEqual({ answer: 'one', isHit: false, isKept: true });
  });

  // @verifies AC-start-code-cache-optional
  it('lies where the user said, and nowhere when it is switched off or there is no home', () => {
    expect(codeCacheFolder({ HOME: folder })).toBe(join(folder, '.cache', 'coherence', 'code'));
    expect(codeCacheFolder({ HOME: folder, COHERENCE_CACHE_DIR: '/c' })).toBe('/c/code');
    expect(codeCacheFolder({ HOME: folder, NODE_COMPILE_CACHE: '/n' })).toBe('/n/coherence');
    expect(codeCacheFolder({ HOME: folder, NODE_DISABLE_COMPILE_CACHE: '1' })).toBeNull();
    expect(codeCacheFolder({ HOME: join(folder, 'none') })).toBeNull();
  });
});
