import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { errorCode, insideRoot } from '../util/files.js';
import { visibleLine } from '../util/text.js';

export const MANIFEST = '.coherence/project.toml';
const MAX_BYTES = 64 * 1024;
const IDENTITY = /^[a-z0-9_-]{1,48}$/;
const KEYS = ['project_slug', 'project_hash', 'dolt_db_name'] as const;

/** Who a project is; identity only. */
export interface Manifest {
  readonly slug: string;
  readonly hash: string;
  readonly databaseName: string;
  /** For the user, once: keys that were ignored. */
  readonly notes: readonly string[];
}

/** Reads `.coherence/project.toml` below `root`. Failures: `invalid-manifest` with file:line:column, or `unsafe-path`. */
export async function readManifest(root: string): Promise<Result<Manifest>> {
  const path = await insideRoot(root, MANIFEST);
  if (path === null)
    return failure({
      kind: 'unsafe-path',
      message: `${MANIFEST} is a symlink that leads out of the project.`,
      hint: 'Replace it by a file.',
      file: MANIFEST,
      line: 1,
      column: 1,
    });
  const refuse = (message: string, hint: string): Result<Manifest> =>
    failure({ kind: 'invalid-manifest', message, hint, file: MANIFEST, line: 1, column: 1 });
  try {
    if (lstatSync(join(root, MANIFEST)).isDirectory())
      return refuse(`${MANIFEST} is a folder.`, 'Remove it and run "coherence init".');
    if (!statSync(path).isFile()) return refuse(`${MANIFEST} is no regular file.`, 'Replace it by a file.');
    const bytes = readFileSync(path);
    if (bytes.length > MAX_BYTES)
      return refuse(
        `${MANIFEST} is larger than ${MAX_BYTES} bytes.`,
        'It holds identity only: project_slug, project_hash, dolt_db_name.',
      );
    return parseManifest(bytes);
  } catch (error) {
    return refuse(`${MANIFEST} cannot be read (${errorCode(error)}).`, 'Check its permissions.');
  }
}

export function parseManifest(bytes: Uint8Array): Result<Manifest> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return failure({
      kind: 'invalid-manifest',
      message: 'The manifest is not valid UTF-8.',
      hint: 'Save it as UTF-8.',
      file: MANIFEST,
      line: 1,
      column: 1,
    });
  }
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    const at = error instanceof TomlError ? { line: error.line, column: error.column } : { line: 1, column: 1 };
    const why =
      error instanceof Error
        ? (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
        : String(error);
    return failure({
      kind: 'invalid-manifest',
      message: `The manifest is not valid TOML: ${why}.`,
      hint: 'Write lines such as project_slug = "my-project".',
      file: MANIFEST,
      ...at,
    });
  }
  const failures: Failure[] = [];
  const read = (key: (typeof KEYS)[number]): string => {
    const value = Object.hasOwn(table, key) ? table[key] : undefined;
    if (typeof value === 'string' && IDENTITY.test(value)) return value;
    const shown =
      typeof value === 'string'
        ? JSON.stringify(visibleLine(value.slice(0, 80)))
        : `a ${Array.isArray(value) ? 'list' : typeof value}`;
    failures.push({
      kind: 'invalid-manifest',
      file: MANIFEST,
      ...positionOf(text, key),
      message:
        value === undefined
          ? `The manifest has no ${key}.`
          : `${key} is ${shown}; it must be 1 to 48 of a-z, 0-9, "_" and "-".`,
      hint: value === undefined ? `Add the line ${key} = "…".` : `Correct ${key}.`,
    });
    return '';
  };
  const [slug, hash, databaseName] = [read('project_slug'), read('project_hash'), read('dolt_db_name')];
  if (failures.length > 0) return failure(...failures);
  const others = Object.keys(table)
    .filter((key) => !KEYS.some((known) => known === key))
    .sort();
  const notes =
    others.length === 0
      ? []
      : [
          `${MANIFEST}: ignored ${others.map(visibleLine).slice(0, 20).join(', ')}${others.length > 20 ? ', …' : ''}; the manifest holds identity only.`,
        ];
  return success({ slug, hash, databaseName, notes });
}

/** Where a top-level key's value stands; the file's start when it is not found. */
function positionOf(text: string, key: string): { readonly line: number; readonly column: number } {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const match = new RegExp(`^\\s*(?:${key}|"${key}"|'${key}')\\s*=\\s*`).exec(line);
    if (match !== null) return { line: index + 1, column: match[0].length + 1 };
  }
  return { line: 1, column: 1 };
}
