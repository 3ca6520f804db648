/**
 * A hash of what a test does: its body, options and tables, without formatting, comments, quotes' kind or trailing commas.
 * The title does not count, so a renamed test keeps its fingerprint.
 */
import { hash } from 'node:crypto';
import type { ts } from 'ts-morph';
import { compiler } from './compiler.js';
import type { Declared } from './declared.js';

/** Parts below this many nested levels are not told apart: no person writes them. */
const MAX_DEPTH = 1000;

/** How a kind of node adds to the text besides its number: by `text`, by an operator, by flags. Made once. */
type Part = 'text' | 'space' | 'operator' | 'flags' | 'keyword' | 'nothing';

let parts: ReadonlyMap<ts.SyntaxKind, Part> | null = null;

function partsByKind(): ReadonlyMap<ts.SyntaxKind, Part> {
  const { SyntaxKind } = compiler();
  return (parts ??= new Map<ts.SyntaxKind, Part>([
    ...[
      SyntaxKind.Identifier,
      SyntaxKind.PrivateIdentifier,
      SyntaxKind.StringLiteral,
      SyntaxKind.NoSubstitutionTemplateLiteral,
      SyntaxKind.NumericLiteral,
      SyntaxKind.BigIntLiteral,
      SyntaxKind.RegularExpressionLiteral,
      SyntaxKind.TemplateHead,
      SyntaxKind.TemplateMiddle,
      SyntaxKind.TemplateTail,
    ].map((kind) => [kind, 'text'] as const),
    [SyntaxKind.JsxText, 'space'],
    [SyntaxKind.PrefixUnaryExpression, 'operator'],
    [SyntaxKind.PostfixUnaryExpression, 'operator'],
    [SyntaxKind.VariableDeclarationList, 'flags'],
    [SyntaxKind.MetaProperty, 'keyword'],
    [SyntaxKind.EmptyStatement, 'nothing'],
  ]));
}

/** `(kind` for every kind: making these strings anew for every node took a third of the time. */
const KIND_TEXT: readonly string[] = Array.from({ length: 512 }, (_, kind) => `(${kind}`);

/** Property of several node types, each named by its kind in `partsByKind`. */
interface Detailed {
  readonly text?: string;
  readonly operator?: number;
  readonly keywordToken?: number;
}

/** Fingerprints of one file's tests. Ask inner tests before the suites around them: a suite takes theirs instead of walking again. */
export class Fingerprints {
  readonly #known = new Map<ts.Node, string>();
  readonly #parts = partsByKind();
  readonly #forEachChild = compiler().forEachChild;
  readonly #call = compiler().SyntaxKind.CallExpression;
  readonly #blockScoped = compiler().NodeFlags.BlockScoped;
  #out = '';
  #depth = 0;

  of(declared: Declared): string {
    const ts = compiler();
    const { call, site, title } = declared;
    this.#out = '';
    // Modifiers and tables: all that is called, but for the title.
    this.#write(call.expression);
    for (const argument of call.arguments) if (argument !== title) this.#write(argument);
    const given = declared.body?.node;
    // A body given by name, or from behind a wrapper, is part of what the test does.
    if (given !== undefined && !call.arguments.some((argument) => argument === given)) this.#write(given);
    if (site !== call)
      for (const argument of site.arguments) if (!ts.isStringLiteralLike(argument)) this.#write(argument);
    // In one call: a third faster than a hash object, and there are tens of thousands.
    const fingerprint = hash('sha256', this.#out);
    if (site === call) this.#known.set(call, `${fingerprint}${JSON.stringify(declared.path.at(-1))}`);
    return fingerprint;
  }

  readonly #write = (node: ts.Node): void => {
    const { kind } = node;
    const part = this.#parts.get(kind);
    if (part === 'nothing' || this.#depth > MAX_DEPTH) return;
    const known = kind === this.#call ? this.#known.get(node) : undefined;
    if (known !== undefined) {
      this.#out += known;
      return;
    }
    this.#out += KIND_TEXT[kind] ?? `(${kind}`;
    if (part !== undefined) this.#detail(node, part);
    if (part !== 'text') {
      this.#depth += 1;
      this.#forEachChild(node, this.#write);
      this.#depth -= 1;
    }
    this.#out += ')';
  };

  #detail(node: ts.Node, part: Part): void {
    const detailed = node as ts.Node & Detailed;
    const text = detailed.text ?? '';
    if (part === 'text') this.#out += ` ${text.length} ${text}`;
    else if (part === 'space') this.#out += JSON.stringify(text.trim().replace(/\s+/gu, ' '));
    else if (part === 'flags') this.#out += ` ${node.flags & this.#blockScoped}`;
    else this.#out += ` ${detailed.operator ?? detailed.keywordToken ?? ''}`;
  }
}
