import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Capture, CAPTURE_LIMIT, LINE_LIMIT, StreamMask, wholeLength } from '../../src/run/decorators/capture.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function captured(
  chunks: readonly Buffer[],
  secrets: readonly string[] = [],
): Promise<{ lines: string[]; bytes: Buffer; truncated: boolean; total: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
  folders.push(folder);
  const lines: string[] = [];
  const file = join(folder, 'stdout');
  const capture = new Capture({ file, secrets, onLine: (line) => void lines.push(line) });
  for (const chunk of chunks) capture.write(chunk);
  const result = await capture.close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  return { lines, bytes: await readFile(file), truncated: result.truncated, total: result.bytes };
}

/** Text in chunks of `size` bytes, so that characters and lines are cut anywhere. */
const sliced = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
};

describe('output capture', () => {
  // @verifies AC-run-output-is-whole
  it('gives whole lines and whole characters whatever the chunks', async () => {
    for (const size of [1, 2, 3, 5, 1000]) {
      const { lines, bytes } = await captured(sliced('first é\n日本\r\n\0NUL\n\nlast 🙂', size));
      expect(lines).toEqual(['first é', '日本', '\0NUL', '', 'last 🙂']);
      expect(bytes.toString()).toBe('first é\n日本\r\n\0NUL\n\nlast 🙂');
    }
  });

  // @verifies AC-run-output-is-capped
  it('keeps the beginning and the end of a long stream around a mark, within 512 KiB, on character boundaries', async () => {
    for (const shift of [0, 1, 2, 3]) {
      const { bytes, truncated, total } = await captured(
        sliced(`${'a'.repeat(shift)}${'é日🙂'.repeat(100_000)}THE END`, 65_536),
      );
      expect(total).toBe(shift + 900_000 + 7);
      expect(truncated).toBe(true);
      expect(bytes.length).toBeLessThanOrEqual(CAPTURE_LIMIT);
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      expect(text).toMatch(/^a{0,3}é日🙂/u);
      expect(text).toMatch(/\n\[… \d+ bytes left out: output is capped at 512 KiB …\]\n/u);
      expect(text.endsWith('THE END')).toBe(true);
      const left = Number(/… (\d+) bytes left out/u.exec(text)?.[1]);
      const mark = Buffer.byteLength(/\n\[….*…\]\n/u.exec(text)?.[0] ?? '');
      expect(left + bytes.length - mark).toBe(total);
    }
  });

  it('keeps exactly 512 KiB without a mark', async () => {
    const { bytes, truncated } = await captured([Buffer.alloc(CAPTURE_LIMIT, 'x')]);
    expect([bytes.length, truncated]).toEqual([CAPTURE_LIMIT, false]);
  });

  it('shortens a line of a megabyte for listeners, not in the file', async () => {
    const { lines, bytes } = await captured([...sliced('y'.repeat(400_000), 10_000), Buffer.from('\nnext\n')]);
    expect(lines.map((line) => line.length)).toEqual([LINE_LIMIT + 1, 4]);
    expect(bytes).toHaveLength(400_006);
  });

  // @verifies AC-run-secrets-stay-out
  it('masks secrets across chunk borders, the longest first', async () => {
    for (const size of [1, 4, 7, 100]) {
      const { bytes } = await captured(sliced('a hunter2hunter2 b hunter2 c hunter', size), [
        'hunter2',
        'hunter2hunter2',
      ]);
      expect(bytes.toString()).toBe('a *** b *** c hunter');
    }
    const mask = new StreamMask(['secret']);
    expect(
      Buffer.concat([mask.push(Buffer.from('my sec')), mask.push(Buffer.from('ond sec')), mask.flush()]).toString(),
    ).toBe('my second sec');
  });

  it('says how much of a buffer is whole characters', () => {
    const bytes = Buffer.from('aé日🙂');
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((end) => wholeLength(bytes.subarray(0, end)))).toEqual([
      0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10,
    ]);
    expect(wholeLength(Buffer.from([0xff, 0xfe]))).toBe(1);
    expect(wholeLength(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80]))).toBe(5);
  });
});
