/** Closures of commands: everything that git would show, unless the link declares its `inputs`. */
import { ClosureBuilder, type Closure, type ClosureTree } from './types.js';

/** `*` within a segment, `**` over segments, a folder for all below it. */
function matcher(pattern: string): (path: string) => boolean {
  const clean = pattern.replace(/^\.\//u, '').replace(/\/+$/u, '');
  const expression = clean
    .split('/')
    .map((part) =>
      part === '**'
        ? '\u0000'
        : part
            .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('\u0000/', '(?:.*/)?')
    .replaceAll('\u0000', '.*');
  const whole = new RegExp(`^${expression}(?:/.*)?$`, 'u');
  return (path) => whole.test(path);
}

export async function commandClosure(tree: ClosureTree, inputs: readonly string[] | null): Promise<Closure> {
  const builder = new ClosureBuilder(tree);
  const matchers = inputs?.map(matcher) ?? [() => true];
  for (const path of tree.paths) if (matchers.some((matches) => matches(path))) await builder.add(path, 'inputs');
  if (inputs !== null)
    for (const [i, matches] of matchers.entries())
      if (!tree.paths.some(matches)) builder.facts.add(`no file matches ${inputs[i] ?? ''}`);
  if (inputs === null) builder.folders.add('');
  return builder.closure();
}
