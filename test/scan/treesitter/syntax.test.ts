import type { Node } from 'web-tree-sitter';
import { expect, it } from 'vitest';
import { parserOf, type GrammarName } from '../../../src/scan/treesitter/grammars.js';
import { SourceText } from '../../../src/scan/treesitter/source.js';
import { Syntax } from '../../../src/scan/treesitter/syntax.js';

const SAMPLES: Readonly<Record<GrammarName, readonly string[]>> = {
  rust: ['#[test] fn a() -> Result<(), E> { /* é𝒳 */ assert!(x)?; Ok(()) }', 'fn broken( { mod m { fn b() {} }', ''],
  python: [
    '@a.b("x")\nclass A(B):\n    """d"""\n    def f(self, x=1): return f"{x}"\n',
    'def broken(:\n  pass\n',
    'x = [1, 2,]\n',
  ],
  go: [
    'package a\n\nfunc (s *S) F(t *testing.T) { t.Run("é", func(t *testing.T) {}) }\n',
    'package a\nfunc broken( {\n}\n',
  ],
  java: ['@Tag("x") class A { @Test void a() { b(1); } }', 'class A { void b( { } }'],
  bash: ['f() { cat <<EOF\nx\nEOF\n}\n', 'if x; then\n'],
};

/** What the library itself says of a node, in the order of a walk, roles included. */
function asked(node: Node, role: string | null, depth = 0): readonly unknown[] {
  const own = [depth, node.type, node.startIndex, node.endIndex, node.isNamed, node.isMissing, node.hasError, role];
  return [
    own,
    ...node.children.flatMap((child, i) => asked(child, child.isNamed ? node.fieldNameForChild(i) : null, depth + 1)),
  ];
}

function copied(node: Syntax, role: string | null, depth = 0): readonly unknown[] {
  const own = [depth, node.type, node.start, node.end, node.isNamed, node.isMissing, node.hasError, role];
  return [own, ...node.children.flatMap((child) => copied(child, child.role, depth + 1))];
}

it.each(
  Object.entries(SAMPLES).flatMap(([name, sources]) =>
    sources.map((source, i) => [name as GrammarName, i, source] as const),
  ),
)('the copied tree says what the library says: %s %i', async (name, _i, text) => {
  const tree = (await parserOf(name)).parse(text);
  if (tree === null) throw new Error('no tree');
  expect(copied(Syntax.from(tree, new SourceText('a', Buffer.from(text))), null)).toEqual(asked(tree.rootNode, null));
  tree.delete();
});
