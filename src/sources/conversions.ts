/**
 * Whether git's index may be believed about the bytes on disk. It records the blob *after* conversion (line ends, `ident`,
 * filters such as LFS), so where a conversion may apply an untouched file's bytes can differ from its blob.
 * Only attributes and settings are read here; no filter runs.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { askGit } from './ask-git.js';

export interface Conversions {
  /** Line ends or `ident` may be converted somewhere: equal sizes of blob and file prove equal bytes, since these only shorten. */
  readonly lines: boolean;
  /** `filter` or `working-tree-encoding` is named somewhere: `check-attr` must say for which paths. */
  readonly filters: boolean;
}

const LINE_WORDS = /\b(?:text|eol|crlf|ident)\b/u;
const FILTER_WORDS = /\b(?:filter|working-tree-encoding)\b/u;

async function attributeFiles(
  root: string,
  listed: readonly string[],
  infoAttributes: string | null,
  configured: readonly string[],
): Promise<string[]> {
  const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  return [
    ...listed
      .filter((path) => path === '.gitattributes' || path.endsWith('/.gitattributes'))
      .map((path) => join(root, path)),
    ...(infoAttributes === null ? [] : [infoAttributes]),
    ...(configured.length > 0 ? configured : [join(config, 'git', 'attributes')]),
    '/etc/gitattributes',
  ];
}

/** Folders above the root, up to the top of the work tree, whose .gitattributes govern it too. */
function foldersAbove(root: string, prefix: string): string[] {
  const depth = prefix.split('/').filter((part) => part !== '').length;
  return Array.from({ length: depth }, (_, i) => join(root, ...Array.from({ length: i + 1 }, () => '..')));
}

/** The question for the settings that convert; git's answer goes to `conversionsOf`. Apart so that it can be asked beside others. */
export const CONVERSION_SETTINGS: readonly string[] = [
  'config',
  '-z',
  '--get-regexp',
  '^core\\.(autocrlf|eol|attributesfile)$',
];

export async function conversionsOf(
  root: string,
  listed: readonly string[],
  where: { readonly infoAttributes: string | null; readonly prefix: string; readonly settings: string },
): Promise<Conversions> {
  let lines = false;
  const configured: string[] = [];
  for (const record of where.settings.split('\0')) {
    const [key = '', value = ''] = record.split('\n');
    if (key === 'core.attributesfile') configured.push(value.replace(/^~(?=\/)/u, homedir()));
    else if (key === 'core.autocrlf' && value !== 'false') lines = true;
    else if (key === 'core.eol' && value === 'crlf') lines = true;
  }
  let filters = false;
  const files = await attributeFiles(root, listed, where.infoAttributes, configured);
  for (const file of [...files, ...foldersAbove(root, where.prefix).map((folder) => join(folder, '.gitattributes'))]) {
    const text = await readFile(file, 'latin1').catch(() => '');
    // Macros (`[attr]`) can hide either word, so they count as both.
    const macro = text.includes('[attr]');
    lines ||= macro || LINE_WORDS.test(text);
    filters ||= macro || FILTER_WORDS.test(text);
  }
  return { lines, filters };
}

/** Those of `paths` for which a filter or an encoding is set. Null when git did not answer: then none may be believed. */
export async function filteredPaths(root: string, paths: readonly string[]): Promise<ReadonlySet<string> | null> {
  const answer = await askGit(root, ['check-attr', '-z', '--stdin', 'filter', 'working-tree-encoding'], {
    input: paths.map((path) => `${path}\0`).join(''),
  });
  if (!answer.ok) return null;
  const fields = answer.stdout.split('\0');
  const found = new Set<string>();
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const value = fields[i + 2];
    if (value !== 'unspecified' && value !== 'unset') found.add(fields[i] ?? '');
  }
  return found;
}

/** Sizes of blobs by id; missing objects are left out. */
export async function blobSizes(root: string, blobs: Iterable<string>): Promise<ReadonlyMap<string, number>> {
  const answer = await askGit(root, ['cat-file', '--batch-check=%(objectname) %(objectsize)'], {
    input: [...new Set(blobs)].map((blob) => `${blob}\n`).join(''),
  });
  const sizes = new Map<string, number>();
  if (!answer.ok) return sizes;
  for (const line of answer.stdout.split('\n')) {
    const [blob, size] = line.split(' ');
    if (blob !== undefined && size !== undefined && /^\d+$/u.test(size)) sizes.set(blob, Number(size));
  }
  return sizes;
}
