/**
 * Which framework the globals `it` and `describe` belong to: read off configuration files' names and package.json in the nearest
 * folder that says something. No configuration is executed.
 */
import { posix } from 'node:path';
import type { Framework } from '../../model/index.js';
import type { ProjectView } from '../language.js';

const ENDINGS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'];
const withEndings = (name: string): string[] => ENDINGS.map((ending) => `${name}.${ending}`);

const CONFIGURATIONS: readonly (readonly [Framework, readonly string[]])[] = [
  [
    'vitest',
    [
      ...withEndings('vitest.config'),
      ...withEndings('vitest.workspace'),
      'vitest.workspace.json',
      ...withEndings('vitest.projects'),
    ],
  ],
  ['jest', [...withEndings('jest.config'), 'jest.config.json']],
  [
    'mocha',
    ['.mocharc.js', '.mocharc.cjs', '.mocharc.mjs', '.mocharc.json', '.mocharc.jsonc', '.mocharc.yaml', '.mocharc.yml'],
  ],
  ['playwright', withEndings('playwright.config')],
];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const PACKAGES: readonly (readonly [string, Framework])[] = [
  ['vitest', 'vitest'],
  ['jest', 'jest'],
  ['mocha', 'mocha'],
  ['@playwright/test', 'playwright'],
];

/** What a package.json says, or null. */
export function frameworkOfManifest(text: string): Framework | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(manifest)) return null;
  if (isRecord(manifest['jest'])) return 'jest';
  if (isRecord(manifest['mocha'])) return 'mocha';
  for (const key of ['devDependencies', 'dependencies', 'peerDependencies']) {
    const dependencies = manifest[key];
    if (!isRecord(dependencies)) continue;
    for (const [name, framework] of PACKAGES) if (Object.hasOwn(dependencies, name)) return framework;
    if (Object.keys(dependencies).some((name) => name === 'ts-jest' || name === 'babel-jest')) return 'jest';
  }
  const scripts = isRecord(manifest['scripts'])
    ? Object.values(manifest['scripts']).filter((line): line is string => typeof line === 'string')
    : [];
  for (const [name, framework] of PACKAGES) {
    const command = name === '@playwright/test' ? 'playwright' : name;
    if (scripts.some((line) => line.split(/[\s&|;]+/u).includes(command))) return framework;
  }
  return null;
}

/** The framework of a file's globals; null when nothing around says so. */
export async function surroundingFramework(file: string, project: ProjectView): Promise<Framework | null> {
  for (let folder = posix.dirname(file); ; folder = posix.dirname(folder)) {
    const at = (name: string): string => (folder === '.' ? name : `${folder}/${name}`);
    for (const [framework, names] of CONFIGURATIONS)
      if (names.some((name) => project.exists(at(name)))) return framework;
    const manifest = at('package.json');
    if (project.exists(manifest)) {
      const found = frameworkOfManifest((await project.read(manifest))?.toString('utf8') ?? '');
      if (found !== null) return found;
    }
    if (folder === '.' || folder === '/') return null;
  }
}
