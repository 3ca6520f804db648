import { describe, expect, it } from 'vitest';
import { editSpecText, parseSpecText, withoutPositions } from '../../src/catalog/index.js';
import type { Criterion, Spec } from '../../src/model/index.js';

const TEXT = `# Who reads this: everyone.
title: Layer caching   # the title comes first here
id: SPEC-caching
level: module
status: active
intent: |
  A run never repeats set-up work
  whose inputs did not change.
depends_on: [SPEC-pipeline-ir]

criteria:
  # the most important one
  - id: AC-caching-hit
    title: 'A hit does not run the set-up command again'
    risk: high
    verified_by:                       # declared links
      # unit
      - test: tests/caching.rs::hit_skips_execution
      - test: test/cache.test.ts > cache > survives
        runner: vitest   # ours
        timeout: 30s

      - { run: ./scripts/smoke.sh --cache, in: docker, environment: base }
  # comment of clean
  - id: AC-caching-clean
    title: "\`cache clean\` removes images"
    gap: the command does not exist yet

# the end
`;

const read = (text: string): Spec => {
  const parsed = parseSpecText(text, 'specs/caching.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failures));
  return withoutPositions(parsed.value);
};
const edit = (text: string, change: (spec: Spec) => Spec): string => {
  const result = editSpecText(text, 'specs/caching.yaml', change(read(text)));
  if (!result.ok) throw new Error(JSON.stringify(result.failures));
  return result.value;
};
const criterion =
  (index: number, change: (value: Criterion) => Criterion) =>
  (spec: Spec): Spec => ({
    ...spec,
    criteria: (spec.criteria ?? []).map((value, at) => (at === index ? change(value) : value)),
  });
const links = (value: Criterion): NonNullable<Criterion['verified_by']> => value.verified_by ?? [];

// @verifies AC-catalog-edit-keeps
describe('an edit of a spec file changes its own lines and no other byte:', () => {
  const cases: readonly (readonly [string, (spec: Spec) => Spec, (text: string) => string])[] = [
    [
      'another title',
      (spec) => ({ ...spec, title: 'Caching: layers' }),
      (text) => text.replace('title: Layer caching   #', 'title: "Caching: layers"   #'),
    ],
    [
      'another intent',
      (spec) => ({ ...spec, intent: 'One line.' }),
      (text) =>
        text.replace(
          'intent: |\n  A run never repeats set-up work\n  whose inputs did not change.\n',
          'intent: One line.\n',
        ),
    ],
    [
      'an owner',
      (spec) => ({ ...spec, owner: 'Ann' }),
      (text) => text.replace('status: active\n', 'status: active\nowner: Ann\n'),
    ],
    [
      'no intent',
      ({ intent: _intent, ...spec }) => spec,
      (text) => text.replace('intent: |\n  A run never repeats set-up work\n  whose inputs did not change.\n', ''),
    ],
    [
      'another risk',
      criterion(0, (value) => ({ ...value, risk: 'low' })),
      (text) => text.replace('risk: high', 'risk: low'),
    ],
    [
      'a review',
      criterion(0, (value) => ({ ...value, review: 'hybrid' })),
      (text) => text.replace("again'\n", "again'\n    review: hybrid\n"),
    ],
    [
      'a status',
      criterion(1, (value) => ({ ...value, status: 'retired' })),
      (text) => text.replace('images"\n', 'images"\n    status: retired\n'),
    ],
    [
      'a link more',
      criterion(0, (value) => ({ ...value, verified_by: [...links(value), { kind: 'manual', target: 'Look' }] })),
      (text) => text.replace('environment: base }\n', 'environment: base }\n      - manual: Look\n'),
    ],
    [
      'a link first',
      criterion(0, (value) => ({ ...value, verified_by: [{ kind: 'manual', target: 'Look' }, ...links(value)] })),
      (text) => text.replace('      - test: tests/caching', '      - manual: Look\n      - test: tests/caching'),
    ],
    [
      'a link less',
      criterion(0, (value) => ({ ...value, verified_by: links(value).filter((_, at) => at !== 1) })),
      (text) =>
        text.replace(
          '      - test: test/cache.test.ts > cache > survives\n        runner: vitest   # ours\n        timeout: 30s\n',
          '',
        ),
    ],
    [
      'another time-out of a link',
      criterion(0, (value) => ({
        ...value,
        verified_by: links(value).map((link, at) => (at === 1 ? { ...link, timeout: '1m' } : link)),
      })),
      (text) => text.replace('timeout: 30s', 'timeout: 1m'),
    ],
    [
      'a field of a link on one line',
      criterion(0, (value) => ({
        ...value,
        verified_by: links(value).map((link, at) => (at === 2 ? { ...link, note: 'a, b' } : link)),
      })),
      (text) => text.replace('environment: base }', 'environment: base, note: "a, b" }'),
    ],
    [
      'a field less of a link on one line',
      criterion(0, (value) => ({
        ...value,
        verified_by: links(value).map((link, at) => {
          const { in: _in, ...rest } = link;
          return at === 2 ? rest : link;
        }),
      })),
      (text) => text.replace('in: docker, ', ''),
    ],
    [
      'a gap that becomes a link',
      criterion(1, ({ gap: _gap, ...value }) => ({ ...value, verified_by: [{ kind: 'run', target: './x' }] })),
      (text) => text.replace('    gap: the command does not exist yet\n', '    verified_by:\n      - run: ./x\n'),
    ],
    [
      'a criterion more',
      (spec) => ({
        ...spec,
        criteria: [...(spec.criteria ?? []), { id: 'AC-caching-new', title: 'New', gap: 'later' }],
      }),
      (text) =>
        text.replace('not exist yet\n', 'not exist yet\n  - id: AC-caching-new\n    title: New\n    gap: later\n'),
    ],
    [
      'a criterion less',
      (spec) => ({ ...spec, criteria: (spec.criteria ?? []).slice(0, 1) }),
      (text) =>
        text.replace(
          '  - id: AC-caching-clean\n    title: "`cache clean` removes images"\n    gap: the command does not exist yet\n',
          '',
        ),
    ],
    ['nothing', (spec) => spec, (text) => text],
  ];

  it.each(cases)('%s', (_name, change, expected) => {
    expect(edit(TEXT, change)).toBe(expected(TEXT));
    const crlf = TEXT.replaceAll('\n', '\r\n');
    expect(edit(crlf, change)).toBe(expected(TEXT).replaceAll('\n', '\r\n'));
    expect(edit(`\ufeff${TEXT}`, change)).toBe(`\ufeff${expected(TEXT)}`);
  });

  it('two criteria that change places, with the comments above them', () => {
    const swapped = edit(TEXT, (spec) => ({ ...spec, criteria: (spec.criteria ?? []).toReversed() }));
    expect(swapped.indexOf('# comment of clean')).toBeLessThan(swapped.indexOf('AC-caching-clean'));
    expect(swapped.indexOf('AC-caching-clean')).toBeLessThan(swapped.indexOf('AC-caching-hit'));
    expect(swapped.split('\n').sort()).toEqual(TEXT.split('\n').sort());
  });

  it('the first criteria of a spec that had none, and a file without a last line feed', () => {
    expect(
      edit('id: SPEC-a\ntitle: A\nlevel: module\nstatus: active', (spec) => ({
        ...spec,
        criteria: [{ id: 'AC-a-b', title: 'B' }],
      })),
    ).toBe('id: SPEC-a\ntitle: A\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-a-b\n    title: B');
    expect(
      edit('id: SPEC-a\ntitle: A\nlevel: module\nstatus: active\ncriteria: []\n', (spec) => ({
        ...spec,
        criteria: [{ id: 'AC-a-b', title: 'B' }],
      })),
    ).toContain('criteria:\n  - id: AC-a-b\n');
  });

  it('also where anchors make small edits impossible: the content is as intended', () => {
    const anchored = 'id: SPEC-a\ntitle: &t Title\nlevel: module\nstatus: active\nowner: *t\n';
    expect(read(edit(anchored, (spec) => ({ ...spec, title: 'Other' })))).toMatchObject({
      title: 'Other',
      owner: 'Title',
    });
  });
});

describe('an edit is refused', () => {
  it('when the file cannot be read', () => {
    expect(
      editSpecText('id: [', 'specs/a.yaml', { id: 'SPEC-a', title: 'A', level: 'module', status: 'active' }),
    ).toMatchObject({
      ok: false,
      failures: [{ kind: 'invalid-spec', file: 'specs/a.yaml' }],
    });
  });

  it('when the result would be no valid spec', () => {
    expect(editSpecText(TEXT, 'specs/a.yaml', { ...read(TEXT), title: '' })).toMatchObject({
      ok: false,
      failures: [{ kind: 'invalid-spec' }],
    });
  });
});
