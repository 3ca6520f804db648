/**
 * A JUnit XML report that a command wrote. Read after the run, and only when this run wrote it.
 */
import { lstat, readFile } from 'node:fs/promises';
import { clip } from '../../../util/text.js';
import { insideRoot } from '../../../util/files.js';
import { addCounts, NO_COUNTS, type Counts } from './counts.js';

const LIMIT = 64 * 1024 * 1024;

/** What tells one writing of a file from the next; null when there is no such file. */
export async function stampOf(root: string, path: string): Promise<string | null> {
  const absolute = await insideRoot(root, path);
  const found = absolute === null ? null : await lstat(absolute, { bigint: true }).catch(() => null);
  return found === null ? null : `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

type Xml = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Xml => typeof value === 'object' && value !== null;
const list = (value: unknown): Xml[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map((item: unknown) =>
    isNode(item) ? item : { '#text': item },
  );

function suiteCounts(suite: Xml): Counts {
  let counts = NO_COUNTS;
  for (const inner of list(suite['testsuite'])) counts = addCounts(counts, suiteCounts(inner));
  for (const test of list(suite['testcase'])) {
    const name = [test['@classname'], test['@name']]
      .filter((part) => typeof part === 'string' && part !== '')
      .join(' > ');
    const bad = list(test['failure'] ?? test['error'])[0];
    if (bad !== undefined)
      counts = addCounts(counts, {
        passed: 0,
        skipped: 0,
        failures: [name],
        message: clip(`${name}: ${String(bad['@message'] ?? bad['#text'] ?? '')}`, 2000),
      });
    else if (test['skipped'] !== undefined) counts = addCounts(counts, { ...NO_COUNTS, skipped: 1 });
    else counts = addCounts(counts, { ...NO_COUNTS, passed: 1 });
  }
  // A suite that says it failed while none of its cases did (a suite-level set-up): believed, as the worse of the two.
  if (list(suite['error']).length > 0 && suite['testcase'] === undefined)
    counts = addCounts(counts, { ...NO_COUNTS, failures: [String(suite['@name'] ?? 'a suite')] });
  return counts;
}

/** Counts of a JUnit document, or why it is none. */
export async function parseJunit(text: string): Promise<Counts | { readonly problem: string }> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  const valid = XMLValidator.validate(text);
  if (valid !== true) return { problem: `the JUnit report is no XML: ${valid.err.msg} (line ${valid.err.line})` };
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: true,
  });
  const document: unknown = parser.parse(text);
  if (!isNode(document)) return { problem: 'the JUnit report is empty' };
  const roots = [...list(document['testsuites']), ...list(document['testsuite'])];
  if (roots.length === 0) return { problem: 'the file has neither <testsuites> nor <testsuite>' };
  return roots.map(suiteCounts).reduce(addCounts, NO_COUNTS);
}

/** The report at `path` below `root`, if it is newer than `before` (its stamp when the command started). */
export async function readJunit(
  root: string,
  path: string,
  before: string | null,
): Promise<Counts | { readonly problem: string }> {
  const absolute = await insideRoot(root, path);
  if (absolute === null) return { problem: `${path} is not inside the project` };
  const found = await lstat(absolute).catch(() => null);
  if (found === null) return { problem: `the command wrote no ${path}` };
  if (!found.isFile()) return { problem: `${path} is not a file` };
  if (found.size > LIMIT) return { problem: `${path} is larger than ${LIMIT / 1024 / 1024} MiB` };
  if ((await stampOf(root, path)) === before)
    return { problem: `${path} was there before and the command did not write it again` };
  return parseJunit(await readFile(absolute, 'utf8'));
}
