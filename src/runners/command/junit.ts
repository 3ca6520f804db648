/**
 * A JUnit XML report that a command wrote. Read after the run, and only when this run wrote it.
 */
import { lstat, readFile } from 'node:fs/promises';
import { insideRoot } from '../../util/files.js';
import { sumCounts, type Counts } from './counts.js';
import { elements, type Xml } from './junit-case.js';
import { listSuite } from './junit-suite.js';
import { xmlTextOf } from './xml-text.js';

const LIMIT = 64 * 1024 * 1024;

/** What tells one writing of a file from the next; null when there is no such file. */
export async function stampOf(root: string, path: string): Promise<string | null> {
  const absolute = await insideRoot(root, path);
  const found = absolute === null ? null : await lstat(absolute, { bigint: true }).catch(() => null);
  return found === null ? null : `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

/** Counts of a JUnit document, or why it is none. */
export async function parseJunit(bytes: Buffer): Promise<Counts | { readonly problem: string }> {
  const decoded = xmlTextOf(bytes);
  if ('problem' in decoded) return decoded;
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  let document: unknown;
  try {
    const valid = XMLValidator.validate(decoded.text);
    if (valid !== true) return { problem: `the JUnit report is no XML: ${valid.err.msg} (line ${valid.err.line})` };
    document = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      parseTagValue: false,
      parseAttributeValue: false,
      removeNSPrefix: true,
    }).parse(decoded.text);
  } catch (error) {
    // The parser throws at its own bounds: nesting, entities, names that are no data.
    return { problem: `the JUnit report cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof document !== 'object' || document === null) return { problem: 'the JUnit report is empty' };
  const roots = elements(document as Xml, 'testsuites', 'testsuite'); // an object, by the line above
  if (roots.length === 0) return { problem: 'the file has neither <testsuites> nor <testsuite>' };
  return sumCounts(roots.map((root) => listSuite(root).counts));
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
  const bytes = await readFile(absolute).catch(() => null);
  return bytes === null ? { problem: `${path} cannot be read` } : parseJunit(bytes);
}
