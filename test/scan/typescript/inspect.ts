import type { FoundFile, FoundLink, FoundTest } from '../../../src/model/index.js';
import type { ProjectView } from '../../../src/scan/language.js';
import { typescript } from '../../../src/scan/typescript/index.js';

/** A project in memory. */
export function projectOf(files: Readonly<Record<string, string>>): ProjectView {
  return {
    read: async (path) => (Object.hasOwn(files, path) ? Buffer.from(files[path] ?? '') : null),
    exists: (path) => Object.hasOwn(files, path),
    files: Object.keys(files).sort(),
  };
}

/** Analyses the first of the given files; the others are the project around it. */
export async function inspect(files: Readonly<Record<string, string>>): Promise<FoundFile> {
  const [name = ''] = Object.keys(files);
  return typescript.find(name, Buffer.from(files[name] ?? ''), projectOf(files));
}

/** A vitest file with the usual imports on its first line. */
export const vitestFile = async (body: string, others: Readonly<Record<string, string>> = {}): Promise<FoundFile> =>
  inspect({ 'a.test.ts': `import { describe, it, test, expect } from 'vitest';\n${body}`, ...others });

/** `line path [marks]`, short enough to compare whole files. */
export function describeTest(test: FoundTest): string {
  const marks = [
    test.kind === 'suite' ? 'suite' : '',
    test.dynamic ? 'dynamic' : '',
    test.parametrised ? 'parametrised' : '',
    test.skip ?? '',
    test.focused === true ? 'focused' : '',
    test.possible === true ? 'possible' : '',
  ].filter((mark) => mark !== '');
  return `${test.line} ${test.path.join(' > ')}${marks.length > 0 ? ` (${marks.join(' ')})` : ''}`;
}

export const testsOf = (found: FoundFile): string[] => found.tests.map(describeTest);

function bound({ binds }: FoundLink, file: string): string {
  switch (binds.kind) {
    case 'file':
      return 'file';
    case 'test':
      return binds.selector.replace(`${file} > `, '');
    case 'code':
      return `code ${binds.symbol}`;
    case 'dangling':
      return `dangling ${binds.line}: ${binds.between}`;
  }
}

/** `id -> what it binds to`. */
export const linksOf = (found: FoundFile): string[] =>
  found.links.map(
    (link) => `${link.relation === 'verifies' ? '' : 'implements '}${link.target} -> ${bound(link, found.file)}`,
  );

export const hollowOf = (found: FoundFile): Record<string, boolean | undefined> =>
  Object.fromEntries(
    found.tests.filter((test) => test.kind === 'case').map((test) => [test.path.at(-1) ?? '', test.hollow]),
  );
