/**
 * A node of the syntax tree as the languages see it: read only, children on demand and once. Every property of a
 * web-tree-sitter node is a call into WebAssembly, so what was asked is kept. Valid only inside `analyse`.
 */
import type { Node } from 'web-tree-sitter';
import type { SourceText } from './source.js';

export class Syntax {
  readonly start: number;
  readonly parent: Syntax | null;
  readonly source: SourceText;
  readonly #node: Node;
  #end: number | undefined;
  #type: string | undefined;
  #children: readonly Syntax[] | undefined;

  constructor(node: Node, source: SourceText, parent: Syntax | null) {
    this.#node = node;
    this.source = source;
    this.parent = parent;
    this.start = node.startIndex;
  }

  get end(): number {
    return (this.#end ??= this.#node.endIndex);
  }

  get type(): string {
    return (this.#type ??= this.#node.type);
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

  get isNamed(): boolean {
    return this.#node.isNamed;
  }

  /** True for a token that the parser had to invent. */
  get isMissing(): boolean {
    return this.#node.isMissing;
  }

  get hasError(): boolean {
    return this.#node.hasError;
  }

  get children(): readonly Syntax[] {
    return (this.#children ??= this.#node.children.map((child) => new Syntax(child, this.source, this)));
  }

  get named(): readonly Syntax[] {
    return this.children.filter((child) => child.isNamed);
  }

  /** The child that the grammar gives this role, or null. */
  field(name: string): Syntax | null {
    const found = this.#node.childForFieldName(name);
    if (found === null) return null;
    return this.children.find((child) => child.#node.id === found.id) ?? new Syntax(found, this.source, this);
  }

  child(...types: readonly string[]): Syntax | null {
    return this.children.find((child) => types.includes(child.type)) ?? null;
  }

  childrenOf(...types: readonly string[]): readonly Syntax[] {
    return this.children.filter((child) => types.includes(child.type));
  }

  /** All nodes of these types below (and including) this one, in source order. Their `parent` is not known. */
  descendants(...types: string[]): readonly Syntax[] {
    return this.#node.descendantsOfType(types).map((node) => new Syntax(node, this.source, null));
  }
}
