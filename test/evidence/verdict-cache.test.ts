import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVerdictCache, type CachedVerdict } from '../../src/evidence/index.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coherence-verdicts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'verdicts.jsonl');
const key = (n: number): string => n.toString(16).padStart(64, '0');
const verdict = (n: number, more: Partial<CachedVerdict> = {}): CachedVerdict => ({
  key: key(n),
  inputs: 'i',
  selector: `t > ${n}`,
  reason: 'executed',
  run: 'R1',
  detail: '',
  ended_at: '2026-01-01T00:00:00.000Z',
  ...more,
});

describe('the verdict cache', () => {
  it('gives another process what was put, and the last of a key', async () => {
    const cache = await openVerdictCache(folder);
    await cache.put([verdict(1), verdict(2, { reason: 'assertion', detail: 'two' })]);
    await cache.put([verdict(1, { run: 'R2' })]);
    expect(cache.get(key(1))).toEqual(verdict(1, { run: 'R2' }));
    const later = await openVerdictCache(folder);
    expect(later.get(key(1))).toEqual(verdict(1, { run: 'R2' }));
    expect(later.get(key(2))).toEqual(verdict(2, { reason: 'assertion', detail: 'two' }));
    expect(later.get(key(3))).toBeUndefined();
  });

  it('finds a verdict whatever order its fields were given in', async () => {
    const { key: id, ...rest } = verdict(1);
    await (await openVerdictCache(folder)).put([{ ...rest, key: id }]);
    expect((await openVerdictCache(folder)).get(key(1))).toEqual(verdict(1));
  });

  // @verifies AC-gate-cache-sound
  it('forgets what was there before a drop, in the process that drops and in others, and nothing that comes later', async () => {
    const cache = await openVerdictCache(folder);
    await cache.put([verdict(1, { inputs: 'stale' }), verdict(2, { inputs: 'good' })]);
    await cache.drop(['stale']);
    await cache.put([verdict(3, { inputs: 'stale' })]);
    for (const seen of [cache, await openVerdictCache(folder)]) {
      expect(seen.get(key(1))).toBeUndefined();
      expect(seen.get(key(2))).toEqual(verdict(2, { inputs: 'good' }));
      expect(seen.get(key(3))).toEqual(verdict(3, { inputs: 'stale' }));
    }
  });

  const trouble: Record<string, string> = {
    'a line that was cut': JSON.stringify(verdict(1)).slice(0, 150),
    'a reason that is never cached': JSON.stringify({ ...verdict(1), reason: 'cached' }),
    'a field of another type': JSON.stringify({ ...verdict(1), run: 7 }),
    'a second key of the same name': JSON.stringify(verdict(1)).replace(
      '"inputs":"i"',
      `"inputs":"i","key":"${key(2)}"`,
    ),
    'text that is no JSON': `{"key":"${key(1)}" and more`,
    null: 'null',
  };
  // @verifies AC-gate-cache-sound
  it.each(Object.entries(trouble))('takes no verdict from %s, and those around it count', async (_name, line) => {
    await (await openVerdictCache(folder)).put([verdict(8)]);
    appendFileSync(file(), line);
    await (await openVerdictCache(folder)).put([verdict(9)]);
    const cache = await openVerdictCache(folder);
    expect(cache.get(key(1))).toBeUndefined();
    expect(cache.get(key(2))).toBeUndefined();
    expect([cache.get(key(8)), cache.get(key(9))]).toEqual([verdict(8), verdict(9)]);
  });

  it('adds up what audits saw', async () => {
    await (await openVerdictCache(folder)).audited({ audited: 3, stale: 1 });
    const cache = await openVerdictCache(folder);
    await cache.audited({ audited: 2, stale: 0 });
    expect(cache.figures).toEqual({ audited: 5, stale: 1 });
    expect((await openVerdictCache(folder)).figures).toEqual({ audited: 5, stale: 1 });
  });

  it('grows to its limit only: the newest verdicts stay, with what audits saw', async () => {
    const cache = await openVerdictCache(folder, 10);
    await cache.audited({ audited: 1, stale: 0 });
    for (let n = 1; n <= 10; n += 1) await cache.put([verdict(n)]);
    const lines = readFileSync(file(), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    expect(lines.length).toBe(6);
    const later = await openVerdictCache(folder, 10);
    expect([5, 6, 10].map((n) => later.get(key(n)) !== undefined)).toEqual([false, true, true]);
    expect(later.figures.audited).toBe(1);
  });

  // @verifies AC-gate-cache-sound
  it('does not bring back what another process has dropped when it makes the file shorter', async () => {
    const cache = await openVerdictCache(folder, 10);
    await cache.put([
      ...[1, 2, 3, 4, 5, 6, 7].map((n) => verdict(n)),
      verdict(8, { inputs: 'stale' }),
      verdict(9, { inputs: 'stale' }),
    ]);
    await (await openVerdictCache(folder, 10)).drop(['stale']);
    await cache.put([verdict(10), verdict(11)]);
    const later = await openVerdictCache(folder, 10);
    expect([8, 9].map((n) => later.get(key(n)))).toEqual([undefined, undefined]);
    expect(later.get(key(11))).toEqual(verdict(11));
  });
});
