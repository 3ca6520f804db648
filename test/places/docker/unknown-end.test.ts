import { describe, expect, it } from 'vitest';
import type { Executed } from '../../../src/run/adapters.js';
import { conclude } from '../../../src/run/conclude.js';
import { makeCase } from '../../run/rig.js';

const end = {
  pid: null,
  code: null,
  signal: null,
  spawnError: null,
  timedOut: false,
  canceled: false,
  startedAt: new Date(0),
  endedAt: new Date(1),
  durationMs: 1,
};
const captured = { file: '/nowhere', bytes: 0, truncated: false, sha256: '' };
const executed = (trouble: Executed['trouble']): Executed => ({
  end,
  stdout: captured,
  stderr: captured,
  imageId: 'sha256:1',
  layers: [],
  trouble,
  env: {},
});
const context = {
  root: '/',
  jobs: 1,
  signal: new AbortController().signal,
  emit: () => undefined,
  env: {},
  attempt: 1,
  cargoEnv: [],
};
const gathered = (reason: 'executed' | 'assertion') => ({
  finding: () => ({ reason, detail: '' }),
  overdue: () => false,
  unfinished: () => false,
  missing: () => ({ finding: { reason: 'not-found' as const, detail: '' }, again: false }),
  ended: true,
  exact: true,
  foreign: false,
});

describe('reports of a process whose end is not known', () => {
  const one = makeCase('vitest', 'a.test.ts', ['adds']);
  const reasons = (reason: 'executed' | 'assertion', trouble: Executed['trouble']) =>
    conclude([one], gathered(reason), { executed: executed(trouble), expired: false }, [], context).outcomes.map(
      (outcome) => outcome.reason,
    );

  // @verifies AC-docker-unknown-is-not-success
  it('make no pass: the place’s trouble stands, and a failure that was reported stays one', () => {
    expect(reasons('executed', null)).toEqual(['executed']);
    expect(reasons('executed', { reason: 'infra', message: 'the stream was cut' })).toEqual(['infra']);
    expect(reasons('executed', { reason: 'crash', message: 'out of memory' })).toEqual(['crash']);
    expect(reasons('assertion', { reason: 'infra', message: 'the stream was cut' })).toEqual(['assertion']);
  });
});
