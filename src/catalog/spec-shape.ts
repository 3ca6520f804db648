/** The structure of a spec file (contract, section 2): its reader and its JSON Schema are made from this. */
import {
  CONCERNS,
  ENTRY_KINDS,
  LEVELS,
  MARKUPS,
  METHODS,
  REVIEWS,
  RISKS,
  RUNNER_NAMES,
  STATUSES,
  type Criterion,
  type Expectation,
  type ForeignSource,
  type Json,
  type Position,
  type Spec,
  type Trace,
  type Waiver,
} from '../model/index.js';
import { parseDuration } from '../util/duration.js';
import { unsafePathReason } from '../util/files.js';
import { MAX_ID } from './ids.js';
import { LIMITS } from './limits.js';
import { shapes, type Shape } from '../yaml/index.js';

const { boolean, choice, either, integer, json, list, map, record, text } = shapes;

/** A link as it stands in a file. */
export interface RawLink {
  readonly test?: string;
  readonly run?: string;
  readonly manual?: string;
  readonly id?: string;
  readonly runner?: string;
  readonly in?: 'host' | 'docker';
  readonly environment?: string;
  readonly requires?: readonly string[];
  readonly needs?: readonly string[];
  readonly workspace?: 'fresh' | 'inherit';
  readonly timeout?: string;
  readonly inputs?: readonly string[];
  readonly env?: readonly string[] | Readonly<Record<string, string | null>>;
  readonly features?: readonly string[];
  readonly ignored?: boolean;
  readonly artifacts?: readonly string[];
  readonly expect?: Expectation;
  readonly note?: string;
  readonly kind?: string;
  readonly position?: Position;
}

export interface RawImplementation {
  readonly code: string;
  readonly note?: string;
  readonly kind?: string;
  readonly position?: Position;
}

/** A criterion as it stands in a file: the model's, but for the form of its links. */
export type RawCriterion = Omit<Criterion, 'verified_by' | 'implemented_by'> & {
  readonly verified_by?: readonly RawLink[];
  readonly implemented_by?: readonly RawImplementation[];
};

export type RawSpec = Omit<Spec, 'criteria'> & { readonly criteria?: readonly RawCriterion[] };

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The path in front of a selector: up to ` > ` (TypeScript) or `::` (the other languages). */
export function selectorPath(selector: string): string {
  const ends = [selector.indexOf(' > '), selector.indexOf('::')].filter((at) => at >= 0);
  return ends.length === 0 ? selector : selector.slice(0, Math.min(...ends));
}

const atPath =
  (part: (value: string) => string) =>
  (value: string): string | null =>
    unsafePathReason(part(value));
const path = (doc: string): Shape<string> =>
  text(LIMITS.path, { doc, check: unsafePathReason, refusal: 'unsafe-path' });
const id = (doc: string): Shape<string> => text(MAX_ID, { doc });
const prose = (doc: string): Shape<string> => text(LIMITS.text, { empty: true, doc });
const name = (doc: string): Shape<string> =>
  text(64, { pattern: NAME, says: 'a name of letters, digits, ".", "_" and "-"', doc });
const slug = text(MAX_ID, { empty: true, doc: 'Short name from which the id was made.' });
const extra = json<Readonly<Record<string, Json>>>(true, 'What an import brought and this format has no word for.');

const link = record<RawLink>(
  {
    test: text(LIMITS.selector, {
      doc: 'Selector of a test: path, then > titles or :: names.',
      check: atPath(selectorPath),
      refusal: 'unsafe-path',
    }),
    run: text(LIMITS.command, { doc: 'Command for a shell; its exit code (or report) decides.' }),
    manual: text(LIMITS.note, { doc: 'What a person has to do.' }),
    id: name('Name that needs of other links refer to.'),
    runner: choice(RUNNER_NAMES, 'What runs it, where that is not plain from the file.'),
    in: choice(['host', 'docker'], 'Where it runs (default: host).'),
    environment: name('An environment of docker.environments in config.yaml.'),
    requires: list(
      text(256, {
        pattern: /^(?:docker|orchestrator|cargo|dolt|env:[A-Za-z_][A-Za-z0-9_]*|bin:[A-Za-z0-9_][A-Za-z0-9._+-]*)$/,
        says: 'one of docker, orchestrator, cargo, dolt, env:NAME, bin:NAME',
      }),
      LIMITS.names,
      'What must be there; unmet is SKIP(unavailable:…).',
    ),
    needs: list(name('Id of a link.'), LIMITS.names, 'Links that must have passed before.'),
    workspace: choice(['fresh', 'inherit'], 'Whether it starts from the source or where its first need ended.'),
    timeout: text(32, {
      digits: true,
      doc: 'How long it may take: 500ms, 30s, 5m, 1h.',
      check: (value) => (parseDuration(value) === null ? 'it is not a duration' : null),
      says: 'a duration such as 500ms, 30s, 5m or 1h',
    }),
    inputs: list(
      path('A path or pattern below the project.'),
      LIMITS.names,
      'What the check reads; for the verdict cache.',
    ),
    env: either<readonly string[] | Readonly<Record<string, string | null>>>(
      [
        list(text(128, { pattern: VARIABLE, says: 'a variable name' }), LIMITS.names),
        map<string | null>(
          text(32_768, { empty: true, digits: true, nullable: true }),
          LIMITS.names,
          VARIABLE,
          'a variable name',
        ),
      ],
      'A mapping sets variables; a list of names lets those of the caller through.',
    ),
    features: list(
      text(256, { pattern: /^[A-Za-z0-9_][A-Za-z0-9_+./?-]*$/, says: 'the name of a cargo feature' }),
      LIMITS.names,
      'Features of the cargo package.',
    ),
    ignored: boolean('Run it although the source marks it as ignored.'),
    artifacts: list(path('A path or pattern below the project.'), LIMITS.names, 'Files kept as evidence.'),
    expect: record<Expectation>(
      {
        exit: integer(0, 255, 'Exit code that passes (default: 0).'),
        report: text(LIMITS.path, {
          doc: 'tap, junit:PATH or none.',
          pattern: /^(?:tap|none|junit:.+)$/,
          says: 'tap, none or junit:PATH',
          check: (value) => (value.startsWith('junit:') ? unsafePathReason(value.slice('junit:'.length)) : null),
          refusal: 'unsafe-path',
        }),
        min_executed: integer(0, 1_000_000, 'Fewest tests that the report must show as executed.'),
      },
      { doc: 'What a command must give to pass.' },
    ),
    note: text(LIMITS.note, { empty: true, doc: 'For people.' }),
    kind: name('Which of needs it serves.'),
  },
  {
    oneOf: ['test', 'run', 'manual'],
    position: true,
    doc: 'What verifies the criterion: exactly one of test, run, manual.',
  },
);

const code = text(LIMITS.selector, {
  doc: 'path or path::symbol',
  check: atPath(selectorPath),
  refusal: 'unsafe-path',
});
// A text alone is short for a record with `code`: the reader makes that record of it.
const shortCode = { ...code, as: 'code' } as Shape<unknown> as Shape<RawImplementation>;
const implementation = either<RawImplementation>([
  shortCode,
  record<RawImplementation>(
    {
      code,
      note: text(LIMITS.note, { empty: true, doc: 'For people.' }),
      kind: name('Which of needs it serves (default: impl).'),
    },
    { required: ['code'], position: true },
  ),
]);

const kindName = (doc: string): Shape<string> =>
  text(64, { pattern: NAME, says: 'a name of letters, digits, ".", "_" and "-"', doc });
const names = (doc: string): Shape<readonly string[]> => list(text(LIMITS.title), LIMITS.names, doc);
const revision = text(64, { digits: true, doc: 'Revision of the wording, as its authors count.' });
const tags = names('Words to select by.');
const markup = choice(MARKUPS, 'In which language its texts are written; they are never converted.');
const attributes = json<Readonly<Record<string, Json>>>(true, 'Fields of the team or of another tool.');
const source = record<ForeignSource>(
  {
    format: kindName('Name of the format.'),
    id: text(LIMITS.title, { doc: 'The id as the other tool writes it.' }),
    status: text(LIMITS.title, { doc: 'The status as the other tool writes it.' }),
    file: path('The file that it came from.'),
    line: integer(1, 100_000_000, 'Its line there.'),
  },
  { required: ['format'], doc: 'Where it came from, when another tool was its home.' },
);
const trace = record<Trace>(
  {
    to: text(LIMITS.title, { doc: 'Id of a criterion, native or foreign.' }),
    role: text(LIMITS.title, { doc: 'What it is to that one: covers, refines, …' }),
    revision: text(64, { digits: true, doc: 'The revision that is meant.' }),
  },
  { required: ['to'] },
);
const waiver = record<Waiver>(
  {
    kind: kindName('One of needs; absent: all of it.'),
    reason: text(LIMITS.note, { doc: 'Why it is given up.' }),
    issue: text(LIMITS.title, { doc: 'Where it is followed up.' }),
    until: text(10, {
      pattern: /^\d{4}-\d{2}-\d{2}$/,
      says: 'a day such as 2027-01-31',
      doc: 'Last day on which it holds.',
    }),
  },
  { required: ['reason'] },
);

/** All fields of a criterion: reader, schema, key order, merge, store, JSON Lines and `show` are made from this table. */
export const criterionShape: Shape<RawCriterion> = record<RawCriterion>(
  {
    id: id('AC-…; unique in the project without regard to case.'),
    title: text(LIMITS.title, { doc: 'The statement, in one line.' }),
    slug,
    revision,
    section: names('Headings above it in its document.'),
    kind: choice(ENTRY_KINDS, 'A criterion, or text between criteria: note and heading get no verdict.'),
    intent: prose('What it is for.'),
    description: prose('More about it.'),
    rationale: prose('Why it is wanted.'),
    review: choice(REVIEWS, 'Who judges it (default: automated).'),
    risk: choice(RISKS, 'What a failure would cost (default: medium).'),
    concerns: list(choice(CONCERNS), LIMITS.names, 'Which qualities it is about.'),
    status: choice(STATUSES, 'Its own status, else that of the spec.'),
    method: list(choice(METHODS), LIMITS.names, 'How it is checked, in the words of standards.'),
    needs: list(kindName('A kind of evidence.'), LIMITS.names, 'Kinds that each need a passing check of their own.'),
    traces: list(trace, LIMITS.references, 'What it covers, refines or derives from: upwards only.'),
    tags,
    comments: list(prose('A comment.'), LIMITS.references, 'Remarks, as another tool keeps them.'),
    attributes,
    markup,
    verified_by: list(link, LIMITS.links, 'Declared links; links found in code need no entry.'),
    implemented_by: list(implementation, LIMITS.links, 'The code that it is about.'),
    gap: text(LIMITS.note, { doc: 'Why nothing verifies it yet: SKIP(gap).' }),
    waived: list(waiver, LIMITS.names, 'Kinds that are given up for a time: SKIP(waived).'),
    source,
    extra,
  },
  { required: ['id', 'title'], apart: [['gap', 'verified_by']], position: true },
);

export const specShape: Shape<RawSpec> = record<RawSpec>(
  {
    id: id('SPEC-…; unique in the project without regard to case.'),
    title: text(LIMITS.title, { doc: 'The capability, in one line.' }),
    level: choice(LEVELS, 'How high it stands.'),
    status: choice(STATUSES, 'Draft and deprecated are verified and counted; retired is not.'),
    slug,
    owner: text(LIMITS.title, { doc: 'Who answers for it.' }),
    revision,
    intent: prose('What it is for.'),
    description: prose('More about it.'),
    tags,
    attributes,
    attributes_schema: json<Readonly<Record<string, Json>>>(true, 'Which attributes its criteria may have.'),
    markup,
    depends_on: list(id('Id of a spec.'), LIMITS.references, 'Specs that it builds on.'),
    constrained_by: list(id('Id of a spec.'), LIMITS.references, 'Specs that limit it.'),
    criteria: list(criterionShape, LIMITS.criteria, 'Statements that can be checked.'),
    source,
    extra,
  },
  { required: ['id', 'title', 'level', 'status'], position: true, doc: 'One capability and its acceptance criteria.' },
);

/** Keys in the order in which they are written: that of the shape. */
export const SPEC_KEYS: readonly string[] = Object.keys(specShape.kind === 'record' ? specShape.fields : {});
export const CRITERION_KEYS: readonly string[] = Object.keys(
  criterionShape.kind === 'record' ? criterionShape.fields : {},
);
export const LINK_KEYS: readonly string[] = Object.keys(link.kind === 'record' ? link.fields : {});
