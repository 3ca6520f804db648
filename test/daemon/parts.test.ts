import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lineSplitter } from '../../src/app/index.js';
import { durableWriter } from '../../src/daemon/durable.js';
import { outputRing } from '../../src/daemon/output-ring.js';
import { createWake } from '../../src/daemon/schedule/wake.js';
import { JournalTrouble } from '../../src/journal/index.js';

describe('durable writes', () => {
  // @verifies AC-orchestrator-disk-full
  it('wait in order while the disk is full and are acknowledged only once they are stored', async () => {
    let full = true;
    let reported = 0;
    const stored: number[] = [];
    const writer = durableWriter(() => {
      reported += 1;
    });
    const store = (value: number) =>
      writer.write(() => {
        if (full) throw new JournalTrouble('full', 'no space');
        stored.push(value);
        return value;
      });
    let acknowledged = 0;
    const all = [1, 2, 3].map(async (value) => {
      await store(value);
      acknowledged += 1;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect({ acknowledged, waiting: writer.waiting(), told: reported > 0 }).toEqual({
      acknowledged: 0,
      waiting: 3,
      told: true,
    });
    expect(writer.flush()).toBe(false);
    full = false;
    expect(writer.flush()).toBe(true);
    await Promise.all(all);
    expect(stored).toEqual([1, 2, 3]);
  });

  it('do not hide a defect, and the next write goes on', async () => {
    const writer = durableWriter(() => undefined);
    await expect(
      writer.write(() => {
        throw new Error('a defect');
      }),
    ).rejects.toThrow('a defect');
    expect(await writer.write(() => 5)).toBe(5);
  });
});

describe('the wake', () => {
  it('ends a sleep at once, and remembers one call between two sleeps', async () => {
    const wake = createWake();
    const sleeping = wake.sleep(60_000);
    wake.notify();
    wake.notify();
    await sleeping;
    wake.notify();
    await wake.sleep(60_000);
    expect(
      await Promise.race([
        wake.sleep(60_000).then(() => 'woken'),
        new Promise((resolve) => setTimeout(() => resolve('asleep'), 20)),
      ]),
    ).toBe('asleep');
    wake.notify();
  });
});

describe('lines of the socket', () => {
  it('are put together over chunks, whatever is cut where', () => {
    const lines: string[] = [];
    const split = lineSplitter((line) => lines.push(line));
    const bytes = Buffer.from('{"a":"ä"}\n\n{"b":2}\n{"c"');
    for (const byte of bytes) expect(split(Buffer.from([byte]))).toBe(true);
    expect(lines).toEqual(['{"a":"ä"}', '{"b":2}']);
  });
});

describe('a flood of output', () => {
  // @verifies AC-orchestrator-output-bounded
  it('keeps the end in memory and a bounded copy in a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coh-ring-'));
    try {
      const ring = outputRing(join(folder, 'out'));
      const chunk = Buffer.alloc(256 * 1024, 'x');
      for (let count = 0; count < 400; count += 1) ring.push(chunk);
      ring.push(Buffer.from('the end'));
      expect(ring.tail(1e9).length).toBeLessThanOrEqual(2 * 1024 * 1024 + 256 * 1024);
      expect(ring.tail(7)).toBe('the end');
      ring.close();
      await expect.poll(async () => (await readFile(join(folder, 'out'))).length).toBeGreaterThan(0);
      expect((await readFile(join(folder, 'out'))).length).toBeLessThanOrEqual(64 * 1024 * 1024);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
