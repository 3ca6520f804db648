/**
 * `npm run bench -- truth`: false PASS = planted mistakes that stayed green / planted, over the whole corpus of test/mistakes,
 * each row judged by the real runner. The other rate, false hit, is measured by `npm run test:deep` (audited reuses).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns rows, planted mistakes, and the ids of those that were called PASS; null when the corpus did not run to its end */
export function truthBench(root) {
  const folder = mkdtempSync(join(tmpdir(), 'coherence-truth-'));
  const log = join(folder, 'rows.jsonl');
  try {
    const { status } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'real', 'test/mistakes'],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, COHERENCE_TRUTH_LOG: log } },
    );
    if (!existsSync(log)) return null;
    const tables = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    const sum = (name) => tables.reduce((total, table) => total + table[name], 0);
    return {
      rows: sum('rows'),
      planted: sum('planted'),
      green: tables.flatMap((table) => table.green),
      whole: status === 0,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
