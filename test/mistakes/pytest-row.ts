/** A row of the corpus for Python: one test file, in which `TAG` stands for the row's tag; and what many rows share. */
import type { Mistake } from './rig.js';

export const OUT = 'SKIP(configured-out)';
export const OTHER = 'ERROR(ambiguous-selector)';
export const SKIPPED = 'SKIP(runner-skipped)';
export const PASS = 'PASS(executed)';
export const IDLE = 'ERROR(not-reported)';

export type More = { readonly files?: Readonly<Record<string, string>>; readonly folder?: string };

export function row(
  id: string,
  tried: string,
  wanted: string | readonly string[],
  source: string,
  more: More = {},
): Mistake {
  const folder = more.folder ?? `tests/${id}`;
  return {
    id,
    tried,
    wanted,
    files: {
      [`${folder}/test_${id.replaceAll('-', '_')}.py`]: source.replaceAll('TAG', `# @verifies AC-${id}`),
      ...Object.fromEntries(Object.entries(more.files ?? {}).map(([name, text]) => [`${folder}/${name}`, text])),
    },
  };
}

export const GOOD = 'def test_a():\n    assert True\n';
export const BAD = 'def test_a():\n    assert False\n';
export const WIN = 'import sys\n';
