/**
 * What one file's analysis gathers, and how it becomes the plain result.
 */
import type { Binding, FoundFile, FoundLink, FoundSymbol, FoundTest, LanguageName } from '../../model/index.js';
import { ScopeTree, type Scope, type TagRules, type Transparent } from './scopes.js';
import type { SourceText } from './source.js';
import type { Syntax } from './syntax.js';

export class Findings {
  readonly source: SourceText;
  readonly language: LanguageName;
  readonly tests: FoundTest[] = [];
  readonly links: FoundLink[] = [];
  readonly symbols: FoundSymbol[] = [];
  readonly problems: FoundFile['problems'][number][] = [];
  readonly scopes: Scope[] = [];
  readonly transparent: Transparent[] = [];

  constructor(source: SourceText, language: LanguageName) {
    this.source = source;
    this.language = language;
  }

  problem(offset: number, message: string): void {
    this.problems.push({ ...this.source.position(offset), message });
  }

  /** A declaration that is no test: tags of either kind name it as code. */
  code(symbol: string, start: number, nameLine: number, end: number): void {
    const binds: readonly Binding[] = [{ kind: 'code', symbol, line: nameLine }];
    this.scopes.push({ start, end, verifies: binds, implements: binds });
  }

  symbol(name: string, line: number, endLine: number): void {
    this.symbols.push({ name, line, endLine });
  }

  /** To be asked after every scope and transparent range is known. */
  scopeTree(rules: TagRules): ScopeTree {
    return new ScopeTree(this.source, this.scopes, this.transparent, rules);
  }

  /** Comments that may lie between a tag and its declaration. */
  comments(nodes: readonly Syntax[], isDocumentation: (node: Syntax) => boolean = () => false): void {
    for (const node of nodes)
      this.transparent.push({
        start: node.start,
        end: node.end,
        comment: true,
        ...(isDocumentation(node) ? { documentation: true } : {}),
      });
  }

  result(): FoundFile {
    return {
      file: this.source.file,
      language: this.language,
      tests: this.tests.toSorted(
        (left, right) =>
          left.line - right.line ||
          left.column - right.column ||
          left.path.length - right.path.length ||
          compare(left.selector, right.selector),
      ),
      links: this.links.toSorted((left, right) => left.line - right.line || left.column - right.column),
      symbols: this.symbols,
      problems: this.problems,
    };
  }
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

export const bindTest = (test: FoundTest): Binding => ({ kind: 'test', selector: test.selector, line: test.line });
