/** Catalogs, as fast-check makes them: every field, awkward texts. */
import * as fc from 'fast-check';
import { criterionShape, specShape } from '../../src/catalog/spec-shape.js';
import type { AnyShape } from '../../src/yaml/index.js';
import {
  CONCERNS,
  LEVELS,
  REVIEWS,
  RISKS,
  RUNNER_NAMES,
  STATUSES,
  type Criterion,
  type DeclaredLink,
  type ImplementationLink,
  type Json,
  type Spec,
} from '../../src/model/index.js';

const AWKWARD = [
  'yes',
  'null',
  '~',
  '1.10',
  '0x1F',
  '- x',
  '# x',
  'a: b',
  'a #b',
  'a:',
  '`c` d',
  '"q"',
  "it's",
  '!tag',
  '&a',
  '*a',
  '%x',
  '@x',
  '{a}',
  '[a]',
  'x\ty',
  ' lead',
  'trail ',
  'two\nlines',
  'ends\n',
  'ends\n\n',
  '\n',
  ' \n x',
  'a\r\nb',
  'é — ☃ 😀',
  '\u0085\u2028',
  '\ufeffx',
  '---',
  '...',
  '...\n---\n',
  '__proto__',
  '2026-05-12T00:00:00Z',
  '.5',
  '-',
  '?',
  '|',
  '>',
  ',',
  'x\n\ny',
  'x \ny',
  '\u0007\u001b[31m',
  '30s',
  'true',
  '= x',
  '<<',
];
/** A small alphabet of what YAML, JSON and terminals treat specially: fast-check's Unicode tables cost seconds. */
const CHARACTERS = [
  ...'abcXYZ019 \t\n\r:#-?|>,[]{}&*!%@`"\'\\/~=<.$\u0001\u007f\u0085\u00a0\u00e9\u0301\u200d\u2028\ufeff\ufffe',
  '\u{1f600}',
  '\u{10ffff}',
];
const words = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...AWKWARD) },
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 30 }) },
  { weight: 2, arbitrary: fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,8}){0,5}$/) },
);
/** Any text that UTF-8 can carry, without NUL. */
const prose = words.filter((value) => !value.includes('\0') && !/\p{Surrogate}/u.test(value));
const line = prose.filter((value) => value !== '');
const path = fc.stringMatching(/^[a-z]{1,6}(\/[a-z_.]{1,6}[a-z]){0,2}\.ts$/).filter((value) => !value.includes('..'));
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    prose,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(line, fc.constant('__proto__')), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const extra = fc.dictionary(fc.oneof(line, fc.constant('__proto__')), json, { minKeys: 0, maxKeys: 3 });

type Optional<T> = { readonly [K in keyof T]: fc.Arbitrary<Exclude<T[K], undefined>> };
/** A record some of whose keys are missing (missing, not undefined). */
const partly = <T extends object>(
  required: Optional<Pick<T, never>> & Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<T> =>
  // The keys are those of T; fast-check's type for this form is wider.
  fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required) }) as unknown as fc.Arbitrary<T>;

const variable = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/);
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 3 });
const target = fc.oneof(
  fc.record({
    kind: fc.constant('test' as const),
    target: fc
      .tuple(
        path,
        fc.oneof(
          fc.constant(''),
          line.map((title) => ` > ${title}`),
        ),
      )
      .map(([file, rest]) => file + rest),
  }),
  fc.record({ kind: fc.constant('run' as const), target: line }),
  fc.record({ kind: fc.constant('manual' as const), target: line }),
);
/** Any sequence of code units, halves of surrogate pairs included. */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })), { maxLength })
    .map((units) => String.fromCharCode(...units));

export const link: fc.Arbitrary<DeclaredLink> = fc
  .tuple(
    target,
    partly<DeclaredLink>(
      {},
      {
        id: fc.stringMatching(/^[a-z]{1,6}$/),
        runner: fc.constantFrom(...RUNNER_NAMES),
        in: fc.constantFrom('host', 'docker'),
        environment: fc.stringMatching(/^[a-z]{1,6}$/),
        requires: fc.uniqueArray(fc.constantFrom('docker', 'orchestrator', 'env:STRIPE_KEY', 'bin:psql'), {
          maxLength: 3,
        }),
        needs: names,
        workspace: fc.constantFrom('fresh', 'inherit'),
        timeout: fc.constantFrom('30s', '500ms', '12', '1.5m'),
        inputs: fc.array(path, { maxLength: 3 }),
        env: fc.oneof(
          fc.dictionary(variable, prose, { maxKeys: 3 }),
          fc.dictionary(variable, fc.constant(null), { maxKeys: 3 }),
        ),
        features: names,
        ignored: fc.boolean(),
        artifacts: fc.array(path, { maxLength: 2 }),
        expect: partly(
          {},
          { exit: fc.nat(255), report: fc.constantFrom('tap', 'none', 'junit:out/r.xml'), min_executed: fc.nat(9) },
        ),
        note: prose,
        proves: fc.stringMatching(/^[a-z]{1,6}$/),
      },
    ),
  )
  .map(([kind, rest]) => ({ ...kind, ...rest }));
/** What a shape of the field table takes: fields that say no more are covered from the day they exist. */
function ofShape(shape: AnyShape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'text':
      if (shape.pattern?.source.includes('\\d{4}') === true) return fc.constant('2027-01-31');
      if (shape.pattern !== undefined) return fc.stringMatching(/^[a-z]{1,6}$/);
      if (shape.check !== undefined) return path;
      return shape.empty ? prose : line.filter((value) => !shape.digits || !/^\d+$/.test(value));
    case 'choice':
      return fc.constantFrom(...shape.values);
    case 'number':
      return fc.integer({ min: shape.min, max: Math.min(shape.max, 1000) });
    case 'boolean':
      return fc.boolean();
    case 'list':
      return fc.array(ofShape(shape.of), { maxLength: 2 });
    case 'json':
      return fc.dictionary(fc.constantFrom('ASIL', '__proto__', 'a b'), prose, { maxKeys: 2 });
    case 'record': {
      const fields = Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, ofShape(field)]));
      return fc.record(fields, { requiredKeys: [...shape.required] });
    }
    default:
      throw new Error(`no values for a shape of kind ${shape.kind}: add them here`);
  }
}

/** Up to two fields of a record that `named` does not make, each made from its shape: all of them at once cost seconds. */
function otherFields(shape: AnyShape, named: readonly string[]): fc.Arbitrary<object> {
  const fields = Object.entries(shape.kind === 'record' ? shape.fields : {})
    .filter(([key]) => !named.includes(key))
    .map(([key, field]) => ofShape(field).map((value): [string, unknown] => [key, value]));
  return fc.array(fc.oneof(...fields), { maxLength: 2 }).map((entries) => Object.fromEntries(entries));
}
const SPEC_NAMED = [
  'id',
  'title',
  'level',
  'status',
  'slug',
  'owner',
  'intent',
  'description',
  'depends_on',
  'constrained_by',
  'criteria',
  'extra',
];
const CRITERION_NAMED = [
  'id',
  'title',
  'slug',
  'intent',
  'description',
  'review',
  'risk',
  'concerns',
  'status',
  'verified_by',
  'implemented_by',
  'gap',
  'extra',
];

const implementation: fc.Arbitrary<ImplementationLink> = partly(
  { code: path },
  { note: prose, proves: fc.stringMatching(/^[a-z]{1,6}$/) },
);

const ownFields = (id: fc.Arbitrary<string>): fc.Arbitrary<Criterion> =>
  partly<Criterion>(
    { id, title: line },
    {
      slug: prose,
      intent: prose,
      description: prose,
      review: fc.constantFrom(...REVIEWS),
      risk: fc.constantFrom(...RISKS),
      concerns: fc.uniqueArray(fc.constantFrom(...CONCERNS), { maxLength: 3 }),
      status: fc.constantFrom(...STATUSES),
      verified_by: fc.array(link, { maxLength: 3 }),
      implemented_by: fc.array(implementation, { maxLength: 2 }),
      gap: line,
      extra,
    },
  );
const moreFields = otherFields(criterionShape, CRITERION_NAMED);
const criterionWith = (id: fc.Arbitrary<string>): fc.Arbitrary<Criterion> =>
  fc.tuple(ownFields(id), moreFields).map(([own, more]): Criterion => {
    const value: Criterion = { ...own, ...more };
    if (value.gap === undefined || value.verified_by === undefined) return value;
    const { gap: _, ...rest } = value;
    return rest;
  });
const slug = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/);
const moreOfSpec = otherFields(specShape, SPEC_NAMED);
const ownSpec: fc.Arbitrary<Spec> = slug.chain((name) =>
  partly<Spec>(
    {
      id: fc.constant(`SPEC-${name}`),
      title: line,
      level: fc.constantFrom(...LEVELS),
      status: fc.constantFrom(...STATUSES),
    },
    {
      slug: prose,
      owner: line,
      intent: prose,
      description: prose,
      depends_on: names.map((list) => list.map((item) => `SPEC-${item}`)),
      constrained_by: names.map((list) => list.map((item) => `SPEC-${item}`)),
      criteria: fc
        .uniqueArray(slug, { maxLength: 4, selector: (value) => value.toLowerCase() })
        .chain((slugs) => fc.tuple(...slugs.map((item) => criterionWith(fc.constant(`AC-${name}-${item}`))))),
      extra,
    },
  ),
);
export const spec: fc.Arbitrary<Spec> = fc.tuple(ownSpec, moreOfSpec).map(([own, more]): Spec => ({ ...own, ...more }));
