/**
 * Analyses a piece of source as a file of a project and gives what was found as short lines, so that whole outcomes are compared.
 */
import type { FoundFile, FoundLink, FoundTest } from '../../../src/model/index.js';
import type { Language, ProjectView } from '../../../src/scan/language.js';

export const projectOf = (files: Readonly<Record<string, string>> = {}): ProjectView => ({
  read: async (path) => (files[path] === undefined ? null : Buffer.from(files[path])),
  exists: (path) => files[path] !== undefined,
  files: Object.keys(files).sort(),
});

export const find = async (
  language: Language,
  file: string,
  source: string | Buffer,
  files: Readonly<Record<string, string>> = {},
): Promise<FoundFile> => language.find(file, Buffer.isBuffer(source) ? source : Buffer.from(source), projectOf(files));

const flags = (test: FoundTest): string =>
  [
    test.skip,
    test.hollow === true ? 'hollow' : test.hollow === undefined && test.kind === 'case' ? 'hollow?' : undefined,
    test.parametrised ? 'parametrised' : undefined,
    test.dynamic ? 'dynamic' : undefined,
  ]
    .filter((flag) => flag !== undefined)
    .join(' ');

/** `case a::b skip hollow`, without the file's name. */
export const testLines = (found: FoundFile): readonly string[] =>
  found.tests.map((test) => `${test.kind} ${test.selector.slice(found.file.length + 2)} ${flags(test)}`.trim());

export const selectors = (found: FoundFile): readonly string[] =>
  found.tests.filter((test) => test.kind === 'case').map((test) => test.selector.slice(found.file.length + 2));

const bound = (link: FoundLink, file: string): string => {
  if (link.binds.kind === 'file') return 'file';
  if (link.binds.kind === 'dangling') return `dangling ${link.binds.line}: ${link.binds.between}`;
  return link.binds.kind === 'code'
    ? `code ${link.binds.symbol}`
    : `test ${link.binds.selector.slice(file.length + 2)}`;
};

/** `verifies AC-a -> test a::b`. */
export const linkLines = (found: FoundFile): readonly string[] =>
  found.links.map((link) => `${link.relation} ${link.target} -> ${bound(link, found.file)}`);

export const testNamed = (found: FoundFile, selector: string): FoundTest => {
  const test = found.tests.find((candidate) => candidate.selector === `${found.file}::${selector}`);
  if (test === undefined) throw new Error(`no test ${selector} among ${testLines(found).join(', ')}`);
  return test;
};
