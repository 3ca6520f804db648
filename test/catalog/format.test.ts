import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editSpecText, formatSpec, parseSpecText, withoutPositions } from '../../src/catalog/index.js';
import type { Spec } from '../../src/model/index.js';
import { anyText, spec } from './arbitrary.js';

function read(text: string): Spec {
  const parsed = parseSpecText(text, 'specs/a.yaml');
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.failures)}\n${text}`);
  return withoutPositions(parsed.value);
}

describe('spec files', () => {
  // @verifies AC-catalog-write-read-write
  it('are the same bytes after write, read, write, whatever the catalog', () => {
    fc.assert(
      fc.property(spec, (value) => {
        const text = formatSpec(value);
        const again = read(text);
        expect(again).toEqual(value);
        expect(formatSpec(again)).toBe(text);
        expect(text).toMatch(/^id: [^]*[^\n]\n$/);
        expect(text).not.toContain('\r');
      }),
      { numRuns: 50 },
    );
  });

  // @verifies AC-catalog-never-throws
  it('of random bytes give failures or a spec, never an exception', () => {
    const pieces = fc
      .array(
        fc.constantFrom(
          'id: SPEC-a\n',
          'title: ',
          'criteria:\n',
          '  - id: ',
          '"',
          "'",
          '[',
          '{',
          '}',
          ']',
          ': ',
          '- ',
          '\n',
          '  ',
          '\t',
          '&a ',
          '*a',
          '!x ',
          '|\n',
          '>-\n',
          '#',
          '\r',
          '\ufeff',
          '---\n',
          '%YAML 1.1\n',
          '? ',
          '\0',
          '\ud800',
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), pieces, anyText(100)), (bytes) => {
        const parsed = parseSpecText(bytes, 'specs/a.yaml');
        const broken = parsed.ok
          ? []
          : parsed.failures.filter(
              (failure) =>
                failure.file !== 'specs/a.yaml' ||
                !Number.isInteger(failure.line) ||
                (failure.line ?? 0) < 1 ||
                (failure.column ?? 0) < 1 ||
                failure.message === '' ||
                (failure.hint ?? '') === '',
            );
        expect(broken).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  // @verifies AC-catalog-edit-intended
  it('read as intended after an edit, whatever was there before', () => {
    fc.assert(
      fc.property(spec, spec, fc.boolean(), (before, after, crlf) => {
        const text = crlf ? formatSpec(before).replaceAll('\n', '\r\n') : formatSpec(before);
        const edited = editSpecText(text, 'specs/a.yaml', after);
        if (!edited.ok) throw new Error(JSON.stringify(edited.failures));
        expect(read(edited.value)).toEqual(after);
      }),
      { numRuns: 50 },
    );
  });

  it('stay the same bytes when nothing changes', () => {
    fc.assert(
      fc.property(spec, (value) => {
        const text = formatSpec(value);
        expect(editSpecText(text, 'specs/a.yaml', read(text))).toEqual({ ok: true, value: text });
      }),
      { numRuns: 20 },
    );
  });
});
