/** TypeScript and JavaScript: vitest, jest, mocha, node:test, Playwright. The only home of ts-morph. */
import type { FoundFile, Framework } from '../../model/index.js';
import type { Language, ProjectView } from '../language.js';
import { analyse } from './analyse.js';
import { frameworkOfPackage } from './api.js';
import { compiler } from './compiler.js';
import { surroundingFramework } from './frameworks.js';
import { makeModule, Modules } from './modules.js';
import { requiredModule, type Module } from './scope.js';

const MARKS = ['AC-', 'SPEC-', '@verifies', '@implements', '.only('].map((mark) => Buffer.from(mark));
const CALLS = [
  'it(',
  'it.',
  'test(',
  'test.',
  'describe',
  'suite(',
  'suite.',
  'context(',
  'specify(',
  'node:test',
  'vitest',
  '@playwright/test',
].map((mark) => Buffer.from(mark));

/** Rounds of loading other files that a title, alias or wrapper hangs on. */
const MAX_ROUNDS = 10;

/** The framework that the file imports anything from. */
function importedFramework(module: Module): Framework | null {
  const ts = compiler();
  for (const statement of module.source.statements) {
    let specifier: string | null = null;
    if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier))
      specifier = statement.moduleSpecifier.text;
    else if (ts.isVariableStatement(statement)) {
      const [first] = statement.declarationList.declarations;
      specifier = first?.initializer === undefined ? null : requiredModule(first.initializer);
    }
    const framework = specifier === null ? null : frameworkOfPackage(specifier);
    if (framework !== null) return framework;
  }
  return null;
}

async function find(file: string, bytes: Buffer, project: ProjectView): Promise<FoundFile> {
  const text = bytes.toString('utf8');
  let module: Module;
  try {
    module = makeModule(file, text);
  } catch (error) {
    // The parser is made for any input; what still breaks it (nesting that exhausts the stack) is one file's trouble.
    return {
      file,
      language: 'typescript',
      tests: [],
      links: [],
      symbols: [],
      problems: [
        {
          file,
          line: 1,
          column: 1,
          message: `the file cannot be parsed: ${error instanceof Error ? error.message : String(error)}`,
        },
      ],
    };
  }
  const framework =
    importedFramework(module) ??
    (await surroundingFramework(file, project)) ??
    (text.includes('chai') ? 'mocha' : 'vitest');
  const modules = new Modules(project);
  let found = analyse(module, modules, framework);
  for (let round = 0; round < MAX_ROUNDS && (await modules.loadMissing()); round += 1)
    found = analyse(module, modules, framework);
  return found;
}

export const typescript: Language = {
  name: 'typescript',
  extensions: ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'],
  mentions: (bytes) => MARKS.some((mark) => bytes.includes(mark)),
  mayHoldTests: (_file, bytes) => CALLS.some((mark) => bytes.includes(mark)),
  find,
};
