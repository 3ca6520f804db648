/**
 * The syntax tree as plain data: copied out of WebAssembly by one cursor in one pass, after which the parser's own tree can
 * be freed. Asking web-tree-sitter node by node costs a call into WebAssembly for every property (docs/languages.md).
 */
import type { Tree } from 'web-tree-sitter';
import type { SourceText } from './source.js';

/** What a node is made from; the children follow. */
interface Shape {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly isNamed: boolean;
  /** True for a token that the parser had to invent. */
  readonly isMissing: boolean;
  /** The role that the grammar gives it in its parent. */
  readonly role: string | null;
}

export class Syntax {
  readonly type: string;
  /** Offsets in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  readonly isNamed: boolean;
  readonly isMissing: boolean;
  readonly parent: Syntax | null;
  readonly children: readonly Syntax[];
  readonly source: SourceText;
  /** The role that the grammar gives it in its parent; null for punctuation and keywords. */
  readonly role: string | null;
  #broken: boolean;

  private constructor(shape: Shape, parent: Syntax | null, source: SourceText) {
    this.type = shape.type;
    this.start = shape.start;
    this.end = shape.end;
    this.isNamed = shape.isNamed;
    this.isMissing = shape.isMissing;
    this.role = shape.role;
    this.#broken = shape.isMissing || shape.type === 'ERROR';
    this.parent = parent;
    this.source = source;
    this.children = [];
  }

  /** Copies a tree. Iterative: the nesting depth of the source is not limited. */
  static from(tree: Tree, source: SourceText): Syntax {
    const { language } = tree;
    const cursor = tree.walk();
    // Every question to the cursor is a call with its state copied in and out, so tokens are not asked for roles or children.
    const read = (): Shape => {
      const id = cursor.nodeTypeId;
      const [start, end] = [cursor.startIndex, cursor.endIndex];
      const named = isNamed(language, id);
      const field = named ? cursor.currentFieldId : 0;
      return {
        type: language.types[id] ?? 'ERROR',
        start,
        end,
        isNamed: named,
        isMissing: start === end && cursor.nodeIsMissing,
        role: field === 0 ? null : (language.fields[field] ?? null),
      };
    };
    try {
      const root = new Syntax(read(), null, source);
      let parent: Syntax | null = root;
      let inside = cursor.gotoFirstChild();
      while (parent !== null) {
        if (inside) {
          const node: Syntax = new Syntax(read(), parent, source);
          if (node.#broken) parent.#broken = true;
          (parent.children as Syntax[]).push(node); // Only this loop fills the lists; to everybody else they are read only.
          if (node.isNamed && cursor.gotoFirstChild()) parent = node;
          else inside = cursor.gotoNextSibling();
        } else {
          if (parent.#broken && parent.parent !== null) parent.parent.#broken = true;
          parent = parent.parent;
          inside = parent !== null && cursor.gotoParent() && cursor.gotoNextSibling();
        }
      }
      return root;
    } finally {
      cursor.delete();
    }
  }

  get text(): string {
    return this.source.slice(this.start, this.end);
  }

  get line(): number {
    return this.source.lineOf(this.start);
  }

  /** The line of the last character; a node that ends with a line feed ends on the line before it. */
  get endLine(): number {
    return this.source.lineOf(Math.max(this.start, this.end - 1));
  }

  /** True when it, or something in it, does not fit the grammar. */
  get hasError(): boolean {
    return this.#broken;
  }

  get named(): readonly Syntax[] {
    return this.children.filter((child) => child.isNamed);
  }

  /** The named child that the grammar gives this role, or null. */
  field(name: string): Syntax | null {
    return this.children.find((child) => child.role === name) ?? null;
  }

  /** The first child of one of these types, or null. */
  child(...types: readonly string[]): Syntax | null {
    return this.children.find((child) => types.includes(child.type)) ?? null;
  }

  childrenOf(...types: readonly string[]): readonly Syntax[] {
    return this.children.filter((child) => types.includes(child.type));
  }

  /** All nodes of these types below (and including) this one, in source order. */
  descendants(...types: readonly string[]): readonly Syntax[] {
    const found: Syntax[] = [];
    const stack: Syntax[] = [this];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (types.includes(node.type)) found.push(node);
      for (let i = node.children.length - 1; i >= 0; i -= 1) stack.push(node.children[i] as Syntax); // i is in range
    }
    return found;
  }
}

const namedTypes = new WeakMap<Tree['language'], readonly boolean[]>();

/** Whether nodes of a type are named, asked of the grammar once. */
function isNamed(language: Tree['language'], id: number): boolean {
  let table = namedTypes.get(language);
  if (table === undefined) {
    table = language.types.map((_, type) => language.nodeTypeIsNamed(type));
    namedTypes.set(language, table);
  }
  return table[id] ?? true;
}
