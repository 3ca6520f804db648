/**
 * Rust: `#[test]` and its kin, rstest, test_case, `proptest!`, modules, doc tests.
 *
 * A test's path is the modules inside its file and its name; the module path that the file itself stands for
 * (`src/a/b.rs` → `a::b`) is the runner's to add. Tests written by other macros are not guessed.
 */
import type { Binding, FoundFile, FoundTest } from '../../model/index.js';
import { conditionOf } from '../conditions.js';
import type { Language } from '../language.js';
import { mentionsTag } from '../tags.js';
import { analyse } from './analyse.js';
import { inside, reachOf, type Bodies } from './assertions.js';
import { bodiesIn } from './bodies.js';
import { commentGroups, linksOfComment } from './comments.js';
import { bindTest, type Findings } from './findings.js';
import {
  attributeOf,
  conditionOfItem,
  isConditional,
  isOnlyInTests,
  spreadsParameters,
  testMarks,
  type Attribute,
} from './rust-attributes.js';
import { underOwn, type Around, type Item } from './rust-items.js';
import { propertiesIn, type Property } from './rust-proptest.js';
import {
  ASSERTIONS,
  CONTAINERS,
  HOLDERS,
  isLibraryFile,
  NAMED_ITEMS,
  returnsFailure,
  selectorOf,
  symbolOf,
  TOKENS,
  TRANSPARENT,
  withoutSpace,
} from './rust-rules.js';
import type { Scope } from './scopes.js';
import { docTestPath, docTestsIn, type DocTest } from './rust-doctests.js';
import { strongest } from './skip.js';
import { startsCode } from './starts-code.js';
import type { Syntax } from './syntax.js';
import { fingerprintOf, tokensOf, type Token } from './tokens.js';

class RustFile {
  readonly #findings: Findings;
  readonly #root: Syntax;
  readonly #isLibrary: boolean;
  readonly #parse: (text: string) => Syntax;
  /** Doc tests by the lines of their fences, for tags inside them. */
  readonly #docTests: FoundTest[] = [];
  /** Functions and `macro_rules!` of this file. */
  readonly #functions: Bodies;

  constructor(root: Syntax, findings: Findings, parse: (text: string) => Syntax, isLibrary: boolean) {
    this.#isLibrary = isLibrary;
    this.#root = root;
    this.#findings = findings;
    this.#parse = parse;
    this.#functions = bodiesIn(root, ['function_item', 'macro_definition'], TOKENS);
  }

  look(): void {
    const attributes = this.#root
      .childrenOf('inner_attribute_item')
      .map(attributeOf)
      .filter((attribute) => attribute !== null);
    const skip = isConditional(attributes) ? ('conditional' as const) : null;
    const condition = conditionOfItem(null, attributes);
    const around: Around = { modules: [], items: [], skip, condition, documented: this.#isLibrary };
    this.#innerDocs(this.#root, around);
    this.#items(this.#root.children, around);
    this.#links();
  }

  /** The items of a file, module, impl, trait, struct or enum. True when a test was found in them. */
  #items(children: readonly Syntax[], around: Around): boolean {
    let attributes: Attribute[] = [];
    let docs: Syntax[] = [];
    let start: number | null = null;
    let found = false;
    for (const node of children) {
      const type = node.type;
      if (type === 'attribute_item') {
        const attribute = attributeOf(node);
        if (attribute !== null) attributes.push(attribute);
        start ??= node.start;
        continue;
      }
      if (TOKENS.comments.has(type)) {
        if (node.field('outer') !== null) docs.push(node);
        continue;
      }
      if (!node.isNamed && type !== 'ERROR') continue;
      const item: Item = { node, name: node.field('name')?.text ?? '', attributes, docs, start: start ?? node.start };
      found = this.#item(item, around) || found;
      attributes = [];
      docs = [];
      start = null;
    }
    return found;
  }

  #item(item: Item, around: Around): boolean {
    const { node } = item;
    switch (node.type) {
      case 'function_item':
        return this.#function(item, around);
      case 'mod_item':
        return this.#module(item, around);
      case 'impl_item':
      case 'trait_item': {
        const own = node.type === 'trait_item' ? item.name : withoutSpace(node.field('type')?.text ?? '');
        const inner = { ...around, items: [...around.items, own] };
        this.#declaration(item, inner);
        return this.#items(node.field('body')?.children ?? [], inner);
      }
      case 'expression_statement':
      case 'macro_invocation':
        return this.#macro(item, around);
      case 'ERROR':
        return this.#items(node.children, around);
      case 'foreign_mod_item':
        return this.#items(node.field('body')?.children ?? [], around);
      default:
        break;
    }
    if (NAMED_ITEMS.has(node.type)) {
      const items = [...around.items, item.name];
      this.#declaration(item, { ...around, items });
      const body = CONTAINERS[node.type];
      if (body !== undefined) this.#items(node.child(body)?.children ?? [], { ...around, items });
    } else if (TRANSPARENT.has(node.type))
      this.#findings.transparent.push({ start: item.start, end: node.end, comment: false });
    return false;
  }

  #module(item: Item, around: Around): boolean {
    const body = item.node.field('body');
    const modules = [...around.modules, item.name];
    const items = [...around.items, item.name];
    const documented = around.documented && !isOnlyInTests(item.attributes);
    const inner: Around = { ...around, ...underOwn(item, around), modules, items, documented };
    if (body === null) {
      this.#declaration(item, inner);
      return false;
    }
    const at = this.#findings.scopes.length;
    this.#innerDocs(body, inner);
    const found = this.#items(body.children, inner);
    if (!found) {
      this.#declaration(item, inner);
      return false;
    }
    this.#findings.symbol(symbolOf(items), item.node.line, item.node.endLine);
    const suite = this.#test(item.node, modules, 'suite', inner, fingerprintOf(tokensOf(body, TOKENS)));
    this.#findings.scopes.splice(at, 0, this.#scope(item, [bindTest(suite)]));
    return true;
  }

  #function(item: Item, around: Around): boolean {
    const marks = testMarks(item.attributes);
    const { node } = item;
    const items = [...around.items, item.name];
    if (!marks.isTest) {
      this.#declaration(item, { ...around, items });
      return false;
    }
    const body = node.field('body');
    const tokens = [
      ...item.attributes.flatMap((attribute) => tokensOf(attribute.node, TOKENS)),
      ...tokensOf(node, TOKENS),
    ];
    const hollow =
      !marks.shouldPanic && body !== null && !returnsFailure(node, body) && this.#reach(inside(tokensOf(body, TOKENS)));
    const test = this.#test(
      node,
      [...around.modules, item.name],
      'case',
      { skip: strongest(marks.skip, around.skip), condition: conditionOfItem(around.condition, item.attributes) },
      fingerprintOf(tokens),
      {
        parametrised: marks.parametrised || spreadsParameters(node),
        hollow,
      },
    );
    this.#findings.symbol(symbolOf(items), node.line, node.endLine);
    this.#findings.scopes.push(this.#scope(item, [bindTest(test)]));
    return true;
  }

  /** True when no assertion can be reached: the test is hollow. */
  #reach(body: readonly Token[]): boolean {
    return reachOf(body, this.#functions, ASSERTIONS, this.#findings.source.text) === 'nothing';
  }

  /** `proptest! { #[test] fn name(x in 0..9) { … } }`; any other macro only owns the comments inside it. */
  #macro(item: Item, around: Around): boolean {
    const call = item.node.type === 'macro_invocation' ? item.node : item.node.child('macro_invocation');
    if (call === null) return false;
    const name = withoutSpace(call.field('macro')?.text ?? '');
    const tree = call.child('token_tree');
    const isProptest = /(?:^|::)(?:proptest|proptest_async)$/u.test(name) && tree !== null;
    if (!isProptest) {
      this.#findings.code(`${name}!`, item.start, item.node.line, item.node.end);
      return false;
    }
    const at = this.#findings.tests.length;
    const inner = { ...around, ...underOwn(item, around) };
    const { properties, settings } = propertiesIn(tree);
    for (const range of settings) this.#findings.transparent.push({ ...range, comment: false });
    const found = properties.map((property) => this.#property(property, inner)).includes(true);
    const binds = this.#findings.tests.slice(at).map(bindTest);
    if (found)
      this.#findings.scopes.push({
        start: item.start,
        end: item.node.end,
        verifies: binds,
        implements: binds,
        holds: true,
      });
    return found;
  }

  #property({ name, body, attributes, start }: Property, around: Around): boolean {
    const marks = testMarks(attributes);
    if (!marks.isTest) return false;
    const tokens = [...attributes.flatMap((attribute) => tokensOf(attribute.node, TOKENS)), ...tokensOf(body, TOKENS)];
    const test: FoundTest = {
      ...this.#test(
        name,
        [...around.modules, name.text],
        'case',
        { skip: strongest(marks.skip, around.skip), condition: conditionOfItem(around.condition, attributes) },
        fingerprintOf(tokens),
        {
          parametrised: false,
          hollow: !marks.shouldPanic && this.#reach(inside(tokensOf(body, TOKENS))),
        },
      ),
      endLine: body.endLine,
    };
    this.#findings.tests[this.#findings.tests.length - 1] = test;
    const binds = [bindTest(test)];
    this.#findings.scopes.push({ start, end: body.end, verifies: binds, implements: binds });
    return true;
  }

  /** Anything named that is no test: a symbol, an owner of comments, and a home of doc tests. */
  #declaration(item: Item, around: Around): void {
    const symbol = symbolOf(around.items);
    const line = item.node.line;
    this.#findings.symbol(symbol, line, item.node.endLine);
    const tests = isOnlyInTests(item.attributes)
      ? []
      : this.#documentation(item.docs, { ...around, ...underOwn(item, around) });
    this.#findings.scopes.push(this.#scope(item, [{ kind: 'code', symbol, line }], tests.map(bindTest)));
  }

  /** `//!` documentation of a file or module. */
  #innerDocs(container: Syntax, around: Around): void {
    const docs = container.children.filter((child) => TOKENS.comments.has(child.type) && child.field('inner') !== null);
    this.#documentation(docs, around);
  }

  #documentation(docs: readonly Syntax[], around: Around): readonly FoundTest[] {
    if (!around.documented || docs.length === 0) return [];
    return docTestsIn(docs, this.#findings.source).map((block) => this.#docTest(block, around));
  }

  #docTest(block: DocTest, { items, skip, condition }: Around): FoundTest {
    const { source } = this.#findings;
    const tokens = tokensOf(this.#parse(block.code), TOKENS);
    const path = docTestPath(items, block.line);
    const mark = strongest(block.skip, skip);
    const silent =
      block.expects === 'build' ||
      (block.expects === 'run' && reachOf(tokens, () => [], ASSERTIONS, block.code) === 'nothing');
    const test: FoundTest = {
      file: source.file,
      line: block.line,
      column: block.column,
      endLine: block.endLine,
      language: 'rust',
      framework: 'doctest',
      kind: 'case',
      path,
      selector: selectorOf(source.file, path),
      dynamic: false,
      parametrised: false,
      hollow: silent,
      fingerprint: fingerprintOf(tokens),
      ...(mark === null ? {} : { skip: mark }),
      ...conditionOf(condition),
    };
    this.#findings.tests.push(test);
    this.#docTests.push(test);
    return test;
  }

  #test(
    node: Syntax,
    path: readonly string[],
    kind: 'suite' | 'case',
    { skip, condition }: Pick<Around, 'skip' | 'condition'>,
    fingerprint: string,
    more: { readonly parametrised: boolean; readonly hollow: boolean } | null = null,
  ): FoundTest {
    const { source } = this.#findings;
    const test: FoundTest = {
      ...source.position(node.start),
      endLine: node.endLine,
      language: 'rust',
      framework: 'cargo',
      kind,
      path,
      selector: selectorOf(source.file, path),
      dynamic: false,
      parametrised: more?.parametrised ?? false,
      fingerprint,
      ...(skip === null ? {} : { skip }),
      ...conditionOf(condition),
      ...(more === null ? {} : { hollow: more.hollow }),
    };
    this.#findings.tests.push(test);
    return test;
  }

  #scope(item: Item, own: readonly Binding[], verifies: readonly Binding[] = own): Scope {
    const holds = HOLDERS.has(item.node.type);
    return {
      start: item.start,
      end: item.node.end,
      verifies: verifies.length === 0 ? own : verifies,
      implements: own,
      holds,
    };
  }

  #links(): void {
    const { source } = this.#findings;
    if (!/@verifies|@implements|Verifies:/u.test(source.text)) return;
    const comments = this.#root.descendants('line_comment', 'block_comment');
    const attaches = (comment: Syntax): 'inner' | 'next' | 'either' =>
      comment.field('inner') !== null ? 'inner' : comment.field('outer') !== null ? 'next' : 'either';
    this.#findings.comments(comments, (comment) => attaches(comment) !== 'either');
    const scopes = this.#findings.scopeTree({ startsCode: startsCode('rust', this.#parse) });
    for (const group of commentGroups(comments, source, attaches)) {
      const words = group.attaches === 'either' ? {} : { tags: { words: { 'Verifies:': 'verifies' as const } } };
      this.#findings.links.push(
        ...linksOfComment(group, scopes, source, {
          ...words,
          within: (offset) => this.#docTestAt(source.lineOf(offset)),
        }),
      );
    }
  }

  #docTestAt(line: number): readonly Binding[] | null {
    const test = this.#docTests.find((candidate) => candidate.line <= line && line <= candidate.endLine);
    return test === undefined ? null : [bindTest(test)];
  }
}

const MARKS = ['Verifies:'].map((mark) => Buffer.from(mark));
const TESTS = ['test', 'quickcheck', '```', '~~~', 'apply'].map((mark) => Buffer.from(mark));

export const rust: Language = {
  name: 'rust',
  extensions: ['.rs'],
  mentions: (bytes) => mentionsTag(bytes) || MARKS.some((mark) => bytes.includes(mark)),
  mayHoldTests: (_file, bytes) => TESTS.some((mark) => bytes.includes(mark)),
  find: async (file, bytes, project): Promise<FoundFile> => {
    const isLibrary = isLibraryFile(file, (path) => project.exists(path));
    return analyse('rust', 'rust', file, bytes, (root, findings, parse) =>
      new RustFile(root, findings, parse, isLibrary).look(),
    );
  },
};
