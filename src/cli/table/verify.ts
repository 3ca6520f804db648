import { RISKS, STATUSES } from '../../model/index.js';
import type { CommandSpec, OptionSpec } from './types.js';

const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'jobs',
    short: 'j',
    kind: 'number',
    placeholder: 'N',
    summary: 'how many tests run side by side (default: processors)',
  },
  {
    name: 'timeout',
    kind: 'string',
    placeholder: 'D',
    summary: 'time-out of a test without one of its own, such as 30s (default 5m)',
  },
  {
    name: 'run-timeout',
    kind: 'string',
    placeholder: 'D',
    summary: 'time-out of the whole run; what was not reached is ERROR(run-timeout), exit 124',
  },
  { name: 'fail-fast', kind: 'flag', summary: 'stop at the first FAIL' },
  { name: 'strict', kind: 'flag', summary: 'a SKIP or a hollow test fails the run' },
  { name: 'no-cache', kind: 'flag', summary: 'run everything, take no cached verdict' },
  { name: 'speculative', kind: 'flag', summary: 'cargo in a worktree with a warm shared target directory' },
  { name: 'place', kind: 'string', placeholder: 'P', choices: ['host', 'docker'], summary: 'run everything there' },
  {
    name: 'require',
    kind: 'list',
    placeholder: 'WHAT',
    choices: ['docker', 'cargo', 'dolt'],
    summary: 'exit 69 before anything runs when it is missing',
  },
  {
    name: 'reporter',
    kind: 'list',
    placeholder: 'NAME[:FILE]',
    summary: 'text, json, junit, sarif, md or tap; repeatable',
  },
  { name: 'session', kind: 'string', placeholder: 'ID', summary: 'groups runs that may share a warm directory' },
  { name: 'dry-run', kind: 'flag', summary: 'print the plan and run nothing' },
  { name: 'keep-worktree', kind: 'flag', summary: 'keep the worktree of a speculative run' },
];

export const verifyCommands: readonly CommandSpec[] = [
  {
    name: 'verify',
    summary: 'Run the linked tests, judge every criterion, record the evidence',
    details:
      'Without ids everything is verified. Exit codes: 0 nothing FAIL or ERROR, 1 some FAIL, 2 some ERROR but no FAIL,\n64 usage, 65 invalid file, 66 unknown id, 69 required back end missing, 124 run time-out, 130 interrupted.',
    args: [{ name: 'ID', required: false, rest: true, summary: 'SPEC-… or AC-…' }],
    options: [
      { name: 'all', kind: 'flag', summary: 'everything (the default without ids)' },
      {
        name: 'changed',
        kind: 'optional-string',
        placeholder: 'REF',
        summary: 'only criteria that the changes since REF can affect (default: the merge base with upstream)',
      },
      { name: 'status', kind: 'string', placeholder: 'S', choices: STATUSES, summary: 'only specs of this status' },
      { name: 'risk', kind: 'string', placeholder: 'R', choices: RISKS, summary: 'only criteria of this risk' },
      ...RUN_OPTIONS,
    ],
    examples: [
      { command: 'verify-spec SPEC-payment-api', what: 'one spec' },
      { command: 'coherence verify AC-payment-api-refund --no-cache', what: 'one criterion, whatever the cache says' },
      {
        command: 'coherence verify --all --strict --reporter junit:report.xml',
        what: 'in CI: gaps fail too, with a JUnit file',
      },
      { command: 'coherence verify --all --dry-run', what: 'what would be executed' },
    ],
    load: async () => (await import('../commands/verify.js')).verify,
  },
  {
    name: 'explain',
    summary: 'Why verdicts are reused or not, with the files that changed; runs nothing',
    args: [{ name: 'ID', required: false, rest: true, summary: 'SPEC-… or AC-…' }],
    options: [],
    examples: [{ command: 'coherence explain AC-checkout-tax', what: 'what its verdict rests on, and what changed' }],
    load: async () => (await import('../commands/explain.js')).explain,
  },
  {
    name: 'coverage',
    summary: 'What is specified, traced, executed and passed',
    args: [],
    options: [
      { name: 'format', kind: 'string', placeholder: 'F', summary: 'text, json, html, md or badge (default text)' },
      { name: 'out', kind: 'string', placeholder: 'FILE', summary: 'write to FILE instead of standard output' },
      {
        name: 'at',
        kind: 'string',
        placeholder: 'REF',
        summary: 'the catalog and verdicts of a git ref or Dolt commit',
      },
      {
        name: 'fail-under',
        kind: 'string',
        placeholder: 'KEY=N,…',
        summary: 'exit 1 when a percentage is below: specified, traced, executed, passed',
      },
      { name: 'against', kind: 'string', placeholder: 'REF', summary: 'show the difference to a git ref' },
    ],
    examples: [
      { command: 'coherence coverage', what: 'the table, and what to do next' },
      { command: 'coherence coverage --format html --out coverage.html', what: 'one self-contained page' },
      { command: 'coherence coverage --fail-under traced=90,passed=85', what: 'a floor for CI' },
    ],
    load: async () => (await import('../commands/coverage.js')).coverage,
  },
  {
    name: 'runs list',
    summary: 'Recorded runs, newest first',
    args: [],
    options: [],
    examples: [{ command: 'coherence runs list', what: 'what was verified when, and how it ended' }],
    load: async () => (await import('../commands/runs.js')).list,
  },
  {
    name: 'runs show',
    summary: 'The evidence of one run',
    args: [{ name: 'RUN', required: true, summary: 'id of the run, or `latest`' }],
    options: [],
    examples: [{ command: 'coherence runs show latest', what: 'the newest run in full' }],
    load: async () => (await import('../commands/runs.js')).show,
  },
];
