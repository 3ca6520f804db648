/** Records of runs for tests of what the store keeps of them. */
import type { RunRecord } from '../../src/model/index.js';

/** A run of one check of AC-a-1 on the clean tree of a git commit. */
export const record = (
  run: string,
  verdict: 'PASS' | 'FAIL',
  commit: string,
  over: { readonly wording?: string; readonly dirty?: boolean } = {},
): RunRecord => ({
  schema: 'coherence.verify/1',
  run,
  session: 'shop',
  started_at: '2026-01-01T00:00:00.000Z',
  source: { commit, dirty: over.dirty ?? false, tree: 'sha256:x' },
  summary: {
    pass: verdict === 'PASS' ? 1 : 0,
    fail: verdict === 'FAIL' ? 1 : 0,
    skip: 0,
    error: 0,
    cached: 0,
    executed: 1,
    duration_ms: 12,
  },
  warm: {},
  diagnostics: [],
  specs: [
    {
      id: 'SPEC-a',
      title: 'a',
      level: 'module',
      status: 'active',
      verdict,
      reason: verdict === 'PASS' ? 'executed' : 'assertion',
      criteria: [
        {
          id: 'AC-a-1',
          title: 'one',
          risk: 'medium',
          verdict,
          reason: verdict === 'PASS' ? 'executed' : 'assertion',
          wording: over.wording ?? `sha256:${'f'.repeat(64)}`,
          checks: [
            {
              link: 'a.test.ts > one',
              kind: 'test',
              runner: 'vitest',
              place: 'host',
              verdict,
              reason: verdict === 'PASS' ? 'executed' : 'assertion',
              proof: 'report',
              file: 'a.test.ts',
              line: 3,
              command: ['vitest'],
              exit_code: 0,
              attempt: 1,
              started_at: null,
              ended_at: null,
              duration_ms: 3.5,
              cached: false,
              env: {},
              source_hash: 'sha256:y',
              image_id: null,
              layers: [],
              output: '.coherence/runs/x',
              output_sha256: 'a'.repeat(64),
              message: 'secret output',
            },
          ],
        },
      ],
    },
  ],
});
