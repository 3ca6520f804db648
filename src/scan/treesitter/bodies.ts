/**
 * Bodies of the functions of a file by name, made when first asked for: most tests call none.
 */
import { inside, type Bodies } from './assertions.js';
import type { Syntax } from './syntax.js';
import { tokensOf, type Token, type TokenRules } from './tokens.js';

/** `types` are the node types of functions; where one has no body (`macro_rules!`), all of it counts. */
export function bodiesIn(root: Syntax, types: readonly string[], rules: TokenRules): Bodies {
  let nodes: Map<string, Syntax[]> | undefined;
  const known = new Map<string, readonly (readonly Token[])[]>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (nodes === undefined) {
      nodes = new Map();
      for (const node of root.descendants(...types)) {
        const own = node.field('name')?.text ?? '';
        nodes.set(own, [...(nodes.get(own) ?? []), node]);
      }
    }
    const bodies = (nodes.get(name) ?? []).map((node) => {
      const body = node.field('body');
      return body === null ? tokensOf(node, rules) : inside(tokensOf(body, rules));
    });
    known.set(name, bodies);
    return bodies;
  };
}
