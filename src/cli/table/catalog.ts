import { CONCERNS, LEVELS, REVIEWS, RISKS, STATUSES } from '../../model/index.js';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './types.js';

const SPEC_ID: ArgumentSpec = { name: 'SPEC', required: true, summary: 'id of a spec' };
const AC_ID: ArgumentSpec = { name: 'AC', required: true, summary: 'id of a criterion' };

const LEVEL: OptionSpec = { name: 'level', kind: 'string', placeholder: 'L', choices: LEVELS, summary: 'level' };
const STATUS: OptionSpec = { name: 'status', kind: 'string', placeholder: 'S', choices: STATUSES, summary: 'status' };
const SPEC_FIELDS: readonly OptionSpec[] = [
  { name: 'title', kind: 'string', placeholder: 'T', summary: 'title' },
  LEVEL,
  STATUS,
  { name: 'intent', kind: 'string', placeholder: 'TEXT', summary: 'what it is for' },
  { name: 'description', kind: 'string', placeholder: 'TEXT', summary: 'longer text' },
  { name: 'owner', kind: 'string', placeholder: 'WHO', summary: 'who answers for it' },
];
const AC_FIELDS: readonly OptionSpec[] = [
  { name: 'title', kind: 'string', placeholder: 'T', summary: 'one statement that can be checked' },
  { name: 'risk', kind: 'string', placeholder: 'R', choices: RISKS, summary: 'risk (default medium)' },
  { name: 'review', kind: 'string', placeholder: 'M', choices: REVIEWS, summary: 'review mode (default automated)' },
  { name: 'concern', kind: 'list', placeholder: 'C', choices: CONCERNS, summary: 'concern; repeatable' },
  { name: 'intent', kind: 'string', placeholder: 'TEXT', summary: 'what it is for' },
  { name: 'description', kind: 'string', placeholder: 'TEXT', summary: 'longer text' },
  STATUS,
  { name: 'gap', kind: 'string', placeholder: 'WHY', summary: 'no test yet, and why' },
];
const SLUG: OptionSpec = {
  name: 'slug',
  kind: 'string',
  placeholder: 'S',
  summary: 'short name; the id is made from it',
};
const AT: OptionSpec = { name: 'at', kind: 'string', placeholder: 'REF', summary: 'as of a git ref or Dolt commit' };

export const catalogCommands: readonly CommandSpec[] = [
  {
    name: 'check',
    summary: 'Validate specs and links without running anything',
    details: 'Exit 1 when a diagnostic is an error, 65 when a spec file is invalid.',
    args: [],
    options: [
      { name: 'format', kind: 'string', placeholder: 'F', summary: 'text, json or sarif (default text)' },
      { name: 'out', kind: 'string', placeholder: 'FILE', summary: 'write to FILE' },
    ],
    examples: [
      { command: 'coherence check', what: 'all diagnostics with file:line:column' },
      { command: 'coherence check --format sarif --out check.sarif', what: 'for code scanning' },
    ],
    load: async () => (await import('../commands/check.js')).check,
  },
  {
    name: 'spec add',
    summary: 'Add a spec; prints its id',
    args: [],
    options: [
      SLUG,
      { name: 'id', kind: 'string', placeholder: 'ID', summary: 'id instead of SPEC- + slug' },
      ...SPEC_FIELDS,
    ],
    examples: [
      {
        command: 'coherence spec add --slug product/payment-api --title "Payment API"',
        what: 'prints SPEC-product-payment-api',
      },
    ],
    load: async () => (await import('../commands/spec.js')).add,
  },
  {
    name: 'spec list',
    summary: 'All specs',
    args: [],
    options: [STATUS, LEVEL, AT],
    examples: [{ command: 'coherence spec list --json', what: 'sorted by id, as JSON' }],
    load: async () => (await import('../commands/spec.js')).list,
  },
  {
    name: 'spec show',
    summary: 'One spec with its criteria',
    args: [SPEC_ID],
    options: [AT],
    examples: [{ command: 'coherence spec show SPEC-payment-api', what: 'wording and links' }],
    load: async () => (await import('../commands/spec.js')).show,
  },
  {
    name: 'spec edit',
    summary: 'Change fields of a spec',
    args: [SPEC_ID],
    options: SPEC_FIELDS,
    examples: [
      { command: 'coherence spec edit SPEC-payment-api --status deprecated', what: 'comments in the file stay' },
    ],
    load: async () => (await import('../commands/spec.js')).edit,
  },
  {
    name: 'spec rm',
    summary: 'Remove a spec and its criteria',
    args: [SPEC_ID],
    options: [],
    examples: [{ command: 'coherence spec rm SPEC-payment-api', what: 'git and the store keep its history' }],
    load: async () => (await import('../commands/spec.js')).remove,
  },
  {
    name: 'ac add',
    summary: 'Add a criterion; prints its id',
    args: [],
    options: [
      { name: 'spec', kind: 'string', placeholder: 'ID', summary: 'the spec it belongs to' },
      SLUG,
      { name: 'id', kind: 'string', placeholder: 'ID', summary: 'id instead of AC-<spec>-<slug>' },
      ...AC_FIELDS,
    ],
    examples: [
      {
        command: 'coherence ac add --spec SPEC-payment-api --slug refund --title "A refund is booked once" --risk high',
        what: 'prints AC-payment-api-refund',
      },
    ],
    load: async () => (await import('../commands/ac.js')).add,
  },
  {
    name: 'ac list',
    summary: 'All criteria',
    args: [],
    options: [{ name: 'spec', kind: 'string', placeholder: 'ID', summary: 'of one spec' }, AT],
    examples: [{ command: 'coherence ac list --spec SPEC-payment-api', what: 'of one spec' }],
    load: async () => (await import('../commands/ac.js')).list,
  },
  {
    name: 'ac show',
    summary: 'One criterion',
    args: [AC_ID],
    options: [AT],
    examples: [{ command: 'coherence ac show AC-payment-api-refund', what: 'wording and links' }],
    load: async () => (await import('../commands/ac.js')).show,
  },
  {
    name: 'ac edit',
    summary: 'Change fields of a criterion',
    args: [AC_ID],
    options: AC_FIELDS,
    examples: [{ command: 'coherence ac edit AC-payment-api-refund --risk critical', what: 'one field' }],
    load: async () => (await import('../commands/ac.js')).edit,
  },
  {
    name: 'ac rm',
    summary: 'Remove a criterion',
    args: [AC_ID],
    options: [],
    examples: [{ command: 'coherence ac rm AC-payment-api-refund', what: 'git and the store keep its history' }],
    load: async () => (await import('../commands/ac.js')).remove,
  },
  {
    name: 'ac link',
    summary: 'Declare what verifies a criterion',
    args: [AC_ID],
    options: [
      {
        name: 'test',
        kind: 'string',
        placeholder: 'SELECTOR',
        summary: 'a test, such as "test/a.test.ts > suite > title"',
      },
      { name: 'run', kind: 'string', placeholder: 'COMMAND', summary: 'a command line' },
      { name: 'manual', kind: 'string', placeholder: 'TEXT', summary: 'an instruction for a person' },
      { name: 'runner', kind: 'string', placeholder: 'R', summary: 'runner, where the file does not say it' },
      { name: 'in', kind: 'string', placeholder: 'P', choices: ['host', 'docker'], summary: 'where it runs' },
      { name: 'environment', kind: 'string', placeholder: 'NAME', summary: 'docker environment of config.yaml' },
      { name: 'timeout', kind: 'string', placeholder: 'D', summary: 'time-out, such as 30s' },
      {
        name: 'requires',
        kind: 'list',
        placeholder: 'WHAT',
        summary: 'docker, orchestrator, env:NAME, bin:NAME; repeatable',
      },
      { name: 'note', kind: 'string', placeholder: 'TEXT', summary: 'a note for readers' },
    ],
    examples: [
      {
        command: 'coherence ac link AC-payment-api-refund --test "test/refund.test.ts > refund > is booked once"',
        what: 'a vitest test',
      },
      {
        command: 'coherence ac link AC-payment-api-refund --run "./smoke.sh --refund" --timeout 30s',
        what: 'a command, judged by its exit code',
      },
    ],
    load: async () => (await import('../commands/ac.js')).link,
  },
  {
    name: 'ac unlink',
    summary: 'Remove a declared link',
    args: [
      AC_ID,
      {
        name: 'TARGET',
        required: true,
        summary: "the test, command or instruction, as `ac show` prints it, or the link's id",
      },
    ],
    options: [],
    examples: [{ command: 'coherence ac unlink AC-payment-api-refund "./smoke.sh --refund"', what: 'by what it runs' }],
    load: async () => (await import('../commands/ac.js')).unlink,
  },
  {
    name: 'links',
    summary: 'What verifies and implements what',
    args: [{ name: 'ID', required: false, summary: 'SPEC-… or AC-…' }],
    options: [],
    examples: [{ command: 'coherence links SPEC-payment-api', what: 'declared and discovered links with file:line' }],
    load: async () => (await import('../commands/links.js')).links,
  },
  {
    name: 'suggest',
    summary: 'Candidate tests for criteria that nothing verifies',
    args: [{ name: 'ID', required: false, summary: 'SPEC-… or AC-…' }],
    options: [],
    examples: [{ command: 'coherence suggest AC-payment-api-refund', what: 'ranked, with the reason' }],
    load: async () => (await import('../commands/suggest.js')).suggest,
  },
];
