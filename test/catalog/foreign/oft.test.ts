import { describe, expect, it } from 'vitest';
import { nativeIds } from '../../../src/catalog/formats/foreign/native-ids.js';
import { oftIdText } from '../../../src/catalog/formats/foreign/oft/item.js';
import { parseOftDocument } from '../../../src/catalog/formats/foreign/oft/parse.js';
import { readOft } from '../../../src/catalog/formats/foreign/oft/read.js';
import { writeOft } from '../../../src/catalog/formats/foreign/oft/write.js';
import type { Catalog } from '../../../src/model/index.js';

const itemsOf = (text: string, markup: 'md' | 'rst' = 'md') => parseOftDocument(text.split('\n'), markup);
const idsOf = (text: string, markup: 'md' | 'rst' = 'md'): string[] =>
  itemsOf(text, markup).map((item) => oftIdText(item.id));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function read(files: Readonly<Record<string, string>>): Promise<Catalog> {
  const result = await readOft(Object.entries(files).map(([file, text]) => ({ file, content: bytes(text) })));
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join('\n'));
  return result.value.catalog;
}

const DOCUMENT = `# Kettle

## Safety

### Switch off
\`req~auto-off~2\`

Status: proposed

It switches itself off:

1. relay opens

Rationale:

Fire.

Comment:

At sea level.

Covers:

* [Boil](#boil) \`feat~boil~1\`

Depends:

* \`req~sense~1\`

Tags: Safety, Kettle_A

Needs: dsn, utest

## Others

\`req~no-title~1\`
`;

describe('OpenFastTrace documents', () => {
  // @verifies AC-catalog-oft-items
  it('give every field of an item, its place and the headings above it', () => {
    expect(itemsOf(DOCUMENT)[0]).toMatchObject({
      id: { type: 'req', name: 'auto-off', revision: 2 },
      line: 6,
      title: 'Switch off',
      section: ['Kettle', 'Safety'],
      status: 'proposed',
      needs: ['dsn', 'utest'],
      tags: ['Safety', 'Kettle_A'],
    });
    expect(itemsOf(DOCUMENT)[0]?.description.trim()).toBe('It switches itself off:\n\n1. relay opens');
    expect(itemsOf(DOCUMENT)[0]?.covers.map(oftIdText)).toEqual(['feat~boil~1']);
    expect(itemsOf(DOCUMENT)[0]?.depends.map(oftIdText)).toEqual(['req~sense~1']);
  });

  // @verifies AC-catalog-oft-items
  it('hold an item only where the tool itself sees one', () => {
    expect(idsOf('text `req~a~1`')).toEqual([]);
    expect(idsOf('```\n`req~a~1`\n```\n`req~b~1`')).toEqual(['req~b~1']);
    expect(idsOf('<!-- oft:off -->\n`req~a~1`\n<!-- oft:on -->\n`req~b~01`')).toEqual(['req~b~1']);
    expect(idsOf('Title\n-----\n\n`req~a.b-c~1` text', 'rst')).toEqual(['req~a.b-c~1']);
    expect(idsOf('``req~literal~1`` is none', 'rst')).toEqual([]);
    expect(idsOf('Passing on: arch --> dsn, impl : req~a~3')).toEqual(['arch~a~3']);
  });

  // @verifies AC-catalog-oft-items
  it('go on with the description, without a line end, after needs on one line', () => {
    expect(itemsOf('`req~a~1`\nOne.\n\nNeeds: impl\nTwo.')[0]?.description).toBe('One.\nTwo.');
  });

  // @verifies AC-catalog-oft-round-trip
  it('say the same after import and export, and the second export changes no byte', async () => {
    const catalog = await read({ 'doc/kettle.md': DOCUMENT });
    const first = await writeOft(catalog);
    if (!first.ok) throw new Error('not written');
    const text = String(first.value.get('doc/kettle.md'));
    const again = await writeOft(await read({ 'doc/kettle.md': text }));
    expect(again.ok && again.value.get('doc/kettle.md')).toBe(text);
    const facts = (source: string) =>
      itemsOf(source).map(({ line: _line, ...item }) => ({
        ...item,
        description: item.description.trim(),
        rationale: item.rationale.trim(),
        comment: item.comment.trim(),
      }));
    expect(facts(text)).toEqual(facts(DOCUMENT));
  });

  // @verifies AC-catalog-oft-round-trip
  it('keep a text that looks like words of the format a text', async () => {
    const description = 'See below.\nNeeds: nothing\n# no heading\nreq~other~1';
    const written = await writeOft({
      specs: [
        {
          id: 'SPEC-a',
          title: 'A',
          level: 'module',
          status: 'active',
          criteria: [{ id: 'AC-a-one', title: 'One', description }],
        },
      ],
    });
    const text = written.ok ? String(written.value.get('a.md')) : '';
    expect(itemsOf(text)).toHaveLength(1);
    expect(itemsOf(text)[0]).toMatchObject({ title: 'One', needs: [] });
    expect(
      itemsOf(text)[0]
        ?.description.trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(description.split('\n'));
  });

  // @verifies AC-catalog-oft-items
  it('may hold an id twice: both are read, with ids of their own, and it is said where', async () => {
    const result = await readOft([
      { file: 'a.md', content: bytes('`req~a~1`\n\n`req~a~1`\n\n`req~b~1`\n\n`req~b~2`') },
    ]);
    if (!result.ok) throw new Error('not read');
    const criteria = result.value.catalog.specs[0]?.criteria ?? [];
    expect(criteria.map((criterion) => criterion.source?.id)).toEqual(['req~a~1', 'req~a~1', 'req~b~1', 'req~b~2']);
    expect(new Set(criteria.map((criterion) => criterion.id.toLowerCase())).size).toBe(4);
    expect(result.value.notes).toEqual(['a.md:3: the item req~a~1 stands at a.md:1 already.']);
  });

  // @verifies AC-catalog-foreign-encoding
  it('that are no UTF-8 are refused at their first bad byte', async () => {
    const result = await readOft([{ file: 'a.md', content: Buffer.from('one\ntw\xe9 x', 'latin1') }]);
    expect(result).toMatchObject({ ok: false, failures: [{ file: 'a.md', line: 2, column: 3 }] });
  });
});

describe('native ids', () => {
  // @verifies AC-catalog-native-ids
  it('are readable, and told apart by a hash where they would be equal without regard to case', () => {
    const ids = ['req~a~b', 'REQ a', 'req/a', '日本', 'x'.repeat(200), '../etc'];
    const natives = [...nativeIds(ids, 'AC-').values()];
    expect(natives[0]).toBe('AC-req-a-b');
    expect(natives.every((id) => /^AC-[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(id) && id.length <= 160)).toBe(true);
    expect(natives.every((id) => id.split('/').every((part) => part !== '' && part !== '.' && part !== '..'))).toBe(
      true,
    );
    const twins = [...nativeIds(['Beep', 'BEEP', 'boop'], 'AC-').values()];
    expect(twins[2]).toBe('AC-boop');
    expect(twins[0]).toMatch(/^AC-Beep-[0-9a-f]{8}$/);
    expect(new Set(twins.map((id) => id.toLowerCase())).size).toBe(3);
  });
});
