/**
 * Links that test frameworks carry themselves: `[AC-a]` in a title, `{ tags: ['AC-a'] }`, Playwright's `tag` and `annotation`.
 */
import type { ts } from 'ts-morph';
import type { LinkSource } from '../../model/index.js';
import { bare, compiler } from './compiler.js';
import type { Declared } from './declared.js';
import type { Evaluator } from './evaluate.js';
import { memberOf } from './resolve.js';
import type { Scope } from './scope.js';

export interface OwnLink {
  readonly id: string;
  readonly source: LinkSource;
  /** The node whose place is shown, and where in the file's text the id stands when it does. */
  readonly node: ts.Expression;
  readonly scope: Scope;
}

const IN_TITLE = /\[\s*(AC-[^[\]]*)\]/gu;
const ID = /^AC-\S(?:.*\S)?$/u;

/** Ids in a title's brackets: one, or several with commas. */
export function idsInTitle(title: string): readonly string[] {
  const found: string[] = [];
  for (const match of title.matchAll(IN_TITLE))
    for (const part of (match[1] ?? '').split(',')) {
      const id = part.trim();
      if (ID.test(id)) found.push(id);
    }
  return found;
}

const idsInText = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim().replace(/^@/u, ''))
    .filter((id) => ID.test(id));

export function ownLinks(declared: Declared, evaluator: Evaluator): readonly OwnLink[] {
  const ts = compiler();
  const found: OwnLink[] = [];
  const { title, scope } = declared;
  const last = declared.path.at(-1) ?? '';
  if (title !== null) for (const id of idsInTitle(last)) found.push({ id, source: 'title', node: title, scope });
  const { options, optionsScope } = declared;
  if (options === null) return found;
  for (const [key, source] of [
    ['tags', 'tag'],
    ['tag', 'tag'],
    ['annotation', 'annotation'],
  ] as const) {
    const value = memberOf(options, key);
    if (value === null) continue;
    for (const item of items(value, optionsScope, evaluator)) {
      if (source === 'annotation') found.push(...annotation(item, evaluator));
      else {
        const text = evaluator.constant(item.expression, item.scope);
        if (text === null) continue;
        const id = text.trim().replace(/^@/u, '');
        if (ID.test(id)) found.push({ id, source, node: item.expression, scope: item.scope });
      }
    }
  }
  return found;

  function items(
    value: ts.Expression,
    of: Scope,
    using: Evaluator,
  ): readonly { readonly expression: ts.Expression; readonly scope: Scope }[] {
    const target = using.follow({ expression: value, scope: of });
    const at = target !== null && 'expression' in target ? target : { expression: bare(value), scope: of };
    return ts.isArrayLiteralExpression(at.expression)
      ? at.expression.elements.map((expression) => ({ expression, scope: at.scope }))
      : [at];
  }
}

/** `{ type: 'verifies', description: 'AC-a' }`. */
function annotation(
  item: { readonly expression: ts.Expression; readonly scope: Scope },
  evaluator: Evaluator,
): OwnLink[] {
  const target = evaluator.follow(item);
  const node = target !== null && 'expression' in target ? target.expression : bare(item.expression);
  const scope = target !== null && 'expression' in target ? target.scope : item.scope;
  if (!compiler().isObjectLiteralExpression(node)) return [];
  const type = memberOf(node, 'type');
  const description = memberOf(node, 'description');
  if (type === null || description === null || evaluator.constant(type, scope) !== 'verifies') return [];
  return idsInText(evaluator.constant(description, scope) ?? '').map((id) => ({
    id,
    source: 'annotation',
    node: description,
    scope,
  }));
}
