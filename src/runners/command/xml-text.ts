/**
 * The bytes of an XML report as text that may be parsed: decoded as they say, and without a document type. A document type
 * is what makes XML read files and grow without bounds; no test tool writes one into a report.
 */
export type XmlText = { readonly text: string } | { readonly problem: string };

/** What the first bytes or the XML declaration say; UTF-8 where neither says anything. */
function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const head = bytes.toString('latin1', 0, 200);
  const end = head.indexOf('?>');
  if (!head.startsWith('<?xml') || end === -1) return 'utf-8';
  return /\bencoding\s*=\s*["']([\w.:-]+)["']/.exec(head.slice(0, end))?.[1] ?? 'utf-8';
}

/** True when a document type (or another declaration) stands outside of comments and CDATA. */
function hasDeclaration(text: string): boolean {
  const endOf: readonly (readonly [string, string])[] = [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
  ];
  for (let at = text.indexOf('<!'); at !== -1; at = text.indexOf('<!', at)) {
    const known = endOf.find(([start]) => text.startsWith(start, at));
    if (known === undefined) return true;
    const end = text.indexOf(known[1], at + known[0].length);
    if (end === -1) return false;
    at = end + known[1].length;
  }
  return false;
}

/** Decodes a report. Bytes that are none of the encoding that they claim are a problem, never replaced in silence. */
export function xmlTextOf(bytes: Buffer): XmlText {
  const encoding = encodingOf(bytes);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return { problem: `the JUnit report is not valid ${encoding}` };
  }
  if (hasDeclaration(text)) return { problem: 'the JUnit report has a <!DOCTYPE>, which is not read' };
  return { text };
}
