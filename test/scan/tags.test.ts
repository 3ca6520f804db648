import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagPosition, tagsIn } from '../../src/scan/tags.js';

const ids = (text: string): string[] => tagsIn(text).map((tag) => `${tag.relation} ${tag.id}`);

// @verifies AC-scan-tag-syntax
describe('tagsIn', () => {
  it.each([
    ['// @verifies AC-a', ['verifies AC-a']],
    ['// @verifies AC-a, AC-b,AC-c', ['verifies AC-a', 'verifies AC-b', 'verifies AC-c']],
    ['// @implements AC-a, SPEC-area', ['implements AC-a', 'implements SPEC-area']],
    ['// @verifies: AC-a', ['verifies AC-a']],
    ['// see @verifies AC-a.', ['verifies AC-a']],
    ['// @verifies AC-v1.2/sub_x-y; and more', ['verifies AC-v1.2/sub_x-y']],
    ['// (@verifies AC-a)', ['verifies AC-a']],
    ['/** @verifies AC-a\n * @implements AC-b */', ['verifies AC-a', 'implements AC-b']],
    ['/* @verifies AC-a,\n *   AC-b,\n *   AC-c\n * AC-not */', ['verifies AC-a', 'verifies AC-b', 'verifies AC-c']],
    ['# @verifies AC-a,\n#   AC-b', ['verifies AC-a', 'verifies AC-b']],
    ['// @verifies "AC-a, b", \'AC-c d\', `AC-e`', ['verifies AC-a, b', 'verifies AC-c d', 'verifies AC-e']],
    ['// @verifies AC--double', ['verifies AC--double']],
    ['// @verifies ac-a, "REQ-1"', ['verifies ac-a', 'verifies REQ-1']],
    ['// @verifies AC-a and AC-b', ['verifies AC-a']],
    ['// @verifies AC-a, the rest', ['verifies AC-a']],
  ])('reads %j', (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  it.each([
    '// verifies AC-a',
    '// @verifiesAC-a',
    '// a@verifies AC-a',
    '// @verifies',
    '// @verifies that AC-a holds',
    '// @verifies AC-',
    '// @implements {Type}',
    '// `@verifies` and `@implements`, or "@verifies" "x"',
    '// @@verifies AC-a',
    '// @verifies \n AC-a',
  ])('takes nothing from %j', (text) => {
    expect(ids(text)).toEqual([]);
  });

  it('says where each id stands', () => {
    const text = '/**\n * @verifies AC-a, AC-b\n */';
    expect(tagsIn(text).map(({ line, column, offset }) => [line, column, text.slice(offset, offset + 4)])).toEqual([
      [2, 14, 'AC-a'],
      [2, 20, 'AC-b'],
    ]);
    const [first] = tagsIn('// @verifies AC-a');
    expect(first === undefined ? null : tagPosition(first, { line: 7, column: 5 })).toEqual({ line: 7, column: 18 });
  });

  it('takes words of a language', () => {
    expect(tagsIn('/// Verifies: AC-a, AC-b', { words: { Verifies: 'verifies' } }).map((tag) => tag.id)).toEqual([
      'AC-a',
      'AC-b',
    ]);
    expect(tagsIn('/// Verifies: AC-a')).toEqual([]);
  });

  it('never throws and only gives ids that stand in the text', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '@verifies',
            '@implements',
            ' ',
            'AC-a',
            'SPEC-b',
            ',',
            '"',
            '`',
            '\n',
            ' * ',
            '.',
            'x',
            '\u0000',
            '😀',
          ),
        ),
        (parts) => {
          const text = parts.join('');
          for (const tag of tagsIn(text)) expect(text.slice(tag.offset)).toContain(tag.id);
        },
      ),
    );
  });
});
