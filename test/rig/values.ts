/** Values for tests of the pure rooms: small, complete, each field overridable. */
import type {
  Case,
  Check,
  Criterion,
  FoundTest,
  Outcome,
  PlannedCriterion,
  Reason,
  Spec,
} from '../../src/model/index.js';

export const foundTest = (over: Partial<FoundTest> = {}): FoundTest => ({
  file: 'test/a.test.ts',
  line: 3,
  column: 1,
  endLine: 5,
  language: 'typescript',
  framework: 'vitest',
  kind: 'case',
  path: ['adds'],
  selector: 'test/a.test.ts > adds',
  dynamic: false,
  parametrised: false,
  fingerprint: 'f',
  ...over,
});

export const spec = (over: Partial<Spec> = {}): Spec => ({
  id: 'SPEC-a',
  title: 'A',
  level: 'module',
  status: 'active',
  ...over,
});
export const criterion = (over: Partial<Criterion> = {}): Criterion => ({ id: 'AC-a-one', title: 'One', ...over });

export const outcome = (id: string, reason: Reason, over: Partial<Outcome> = {}): Outcome => ({
  case: id,
  reason,
  detail: '',
  message: '',
  proof: 'report',
  command: ['x'],
  place: 'host',
  exitCode: 0,
  attempt: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  durationMs: 1000,
  env: {},
  stdout: null,
  stderr: null,
  imageId: null,
  layers: [],
  artifacts: [],
  ...over,
});

export const plannedCase = (id: string, over: Partial<Case> = {}): Case => ({
  id,
  runner: 'vitest',
  place: 'host',
  environment: null,
  selector: `test/a.test.ts > ${id}`,
  test: null,
  file: 'test/a.test.ts',
  path: [id],
  line: 1,
  timeoutMs: 1000,
  env: {},
  features: [],
  ignored: false,
  artifacts: [],
  expect: {},
  privateDaemon: false,
  after: [],
  inheritWorkspace: false,
  criteria: ['AC-a-one'],
  ...over,
});

export const check = (cases: readonly string[], over: Partial<Check> = {}): Check => ({
  spec: 'SPEC-a',
  criterion: 'AC-a-one',
  link: 'test/a.test.ts > adds',
  linkId: null,
  kind: 'test',
  runner: 'vitest',
  place: 'host',
  file: 'test/a.test.ts',
  line: 1,
  hollow: false,
  cases,
  known: null,
  ...over,
});

export const plannedCriterion = (checks: readonly Check[], over: Partial<PlannedCriterion> = {}): PlannedCriterion => ({
  spec: 'SPEC-a',
  criterion: 'AC-a-one',
  known: null,
  checks,
  ...over,
});
