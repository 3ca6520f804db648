/**
 * Which modules of a crate a file stands for, by following `mod name;` from the target's root file as rustc does:
 * `name.rs`, `name/mod.rs`, inline modules and `#[path]` (also below `cfg_attr`, as one possibility more).
 * Configuration is not evaluated, so a file may have several places; what really was compiled is decided by
 * the compiler's dep-info and the executable's own `--list`.
 */
import { dirname, join, normalize } from 'node:path/posix';
import type { Condition } from '../../model/index.js';
import { tokens, type Token } from './lexer.js';

/** Text of a file, or null. Paths are posix, relative to the project's root. */
export type ReadSource = (path: string) => Promise<string | null>;

/** A `mod name;`: the inline modules around it, and the files that attributes name for it. */
export interface ModuleDeclaration {
  readonly inline: readonly string[];
  readonly name: string;
  readonly paths: readonly string[];
  /** `#[cfg(…)]` of the declaration and of the inline modules around it. */
  readonly conditions: readonly Condition[];
}

/** `path = "…"` inside one attribute's tokens. */
function pathsIn(attribute: readonly Token[]): string[] {
  const found: string[] = [];
  attribute.forEach((token, i) => {
    const value = attribute[i + 2];
    if (token.kind === 'word' && token.text === 'path' && attribute[i + 1]?.text === '=' && value?.kind === 'string')
      found.push(value.text);
  });
  return found;
}

/** `(test)`, which holds in every test. */
const isTestCfg = (args: readonly Token[]): boolean => args.map((token) => token.text).join('') === '(test)';

export function moduleDeclarations(source: string): readonly ModuleDeclaration[] {
  const all = tokens(source);
  const found: ModuleDeclaration[] = [];
  const inline: { readonly name: string; readonly depth: number; readonly conditions: readonly Condition[] }[] = [];
  let depth = 0;
  let paths: string[] = [];
  let conditions: Condition[] = [];
  for (let i = 0; i < all.length; i += 1) {
    const token = all[i];
    if (token === undefined) break;
    if (token.text === '#' && token.kind === 'mark') {
      const open = all[i + 1]?.text === '!' ? i + 2 : i + 1;
      if (all[open]?.text !== '[') continue;
      let level = 0;
      let end = open;
      for (; end < all.length; end += 1) {
        if (all[end]?.kind !== 'mark') continue;
        if (all[end]?.text === '[') level += 1;
        else if (all[end]?.text === ']' && (level -= 1) === 0) break;
      }
      paths.push(...pathsIn(all.slice(open + 1, end)));
      // `#![cfg(…)]` is about what it stands in, of which the analysis of that file speaks.
      if (open === i + 1 && all[open + 1]?.text === 'cfg' && !isTestCfg(all.slice(open + 2, end)))
        conditions.push({
          text: source.slice(token.at, (all[end]?.at ?? token.at) + 1).replace(/\s+/gu, ' '),
          line: source.slice(0, token.at).split('\n').length,
        });
      i = end;
      continue;
    }
    if (token.kind === 'word' && token.text === 'mod' && all[i + 1]?.kind === 'word') {
      const name = all[i + 1]?.text ?? '';
      const next = all[i + 2]?.text;
      const above = inline.flatMap((outer) => outer.conditions);
      if (next === ';')
        found.push({
          inline: inline.map((outer) => outer.name),
          name,
          paths,
          conditions: [...above, ...conditions],
        });
      else if (next === '{') {
        depth += 1;
        inline.push({ name, depth, conditions });
      }
      if (next === ';' || next === '{') i += 2;
      paths = [];
      conditions = [];
      continue;
    }
    if (token.kind === 'mark' && token.text === '{') depth += 1;
    else if (token.kind === 'mark' && token.text === '}') {
      if (inline.at(-1)?.depth === depth) inline.pop();
      depth -= 1;
    }
    // Visibility and further attributes may stand between #[path] and mod; everything else ends the attribute's reach.
    if (token.kind === 'mark' && (token.text === ';' || token.text === '{' || token.text === '}')) {
      paths = [];
      conditions = [];
    }
  }
  return found;
}

/** A condition of a `mod` declaration, with the file that it stands in. */
export interface PlacedCondition extends Condition {
  readonly file: string;
}

/**
 * file → module paths (outermost first) in the crate whose root is `rootFile`.
 * @param conditions is given, by file, the conditions of all declarations that lead to it
 */
export async function moduleTree(
  rootFile: string,
  read: ReadSource,
  limit = 20_000,
  conditions: Map<string, PlacedCondition[]> = new Map(),
): Promise<ReadonlyMap<string, readonly (readonly string[])[]>> {
  const places = new Map<string, (readonly string[])[]>();
  /** `owner`: the folder in which this file's `mod name;` looks for name.rs. */
  const queue: { readonly file: string; readonly modules: readonly string[]; readonly owner: string }[] = [
    { file: rootFile, modules: [], owner: dirname(rootFile) },
  ];
  for (let next = queue.shift(); next !== undefined && places.size < limit; next = queue.shift()) {
    const { file, modules, owner } = next;
    const known = places.get(file);
    // A file that includes itself would go round for ever.
    if (known !== undefined && (known.length >= 8 || known.some((place) => place.join('::') === modules.join('::'))))
      continue;
    const source = await read(file);
    if (source === null) continue;
    places.set(file, [...(known ?? []), modules]);
    for (const declaration of moduleDeclarations(source)) {
      const folder = join(owner, ...declaration.inline);
      const inner = [...modules, ...declaration.inline, declaration.name];
      const onWay = [
        ...(conditions.get(file) ?? []),
        ...declaration.conditions.map((condition): PlacedCondition => ({ ...condition, file })),
      ];
      const lead = (target: string): void => {
        if (onWay.length > 0 && !conditions.has(target)) conditions.set(target, onWay);
      };
      const attributeBase = declaration.inline.length === 0 ? dirname(file) : folder;
      for (const path of declaration.paths) {
        const target = normalize(join(attributeBase, path));
        lead(target);
        queue.push({ file: target, modules: inner, owner: dirname(target) });
      }
      if (declaration.paths.length > 0 && source.includes('cfg_attr') === false) continue;
      lead(join(folder, `${declaration.name}.rs`));
      lead(join(folder, declaration.name, 'mod.rs'));
      queue.push({
        file: join(folder, `${declaration.name}.rs`),
        modules: inner,
        owner: join(folder, declaration.name),
      });
      queue.push({
        file: join(folder, declaration.name, 'mod.rs'),
        modules: inner,
        owner: join(folder, declaration.name),
      });
    }
  }
  return places;
}

/** The modules that a file's place below the crate's root suggests (`src/a/mod.rs` → a); for modules made by macros. */
export function modulesByPlace(rootFile: string, file: string): readonly string[] | null {
  const folder = dirname(rootFile);
  const prefix = folder === '.' ? '' : `${folder}/`;
  if (file === rootFile) return [];
  if (!file.startsWith(prefix) || !file.endsWith('.rs')) return null;
  const parts = file.slice(prefix.length, -'.rs'.length).split('/');
  if (parts.at(-1) === 'mod') parts.pop();
  return parts;
}
