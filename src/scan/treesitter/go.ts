/**
 * Go: `TestX`, `FuzzX`, `ExampleX` with output, and subtests with constant names, in `*_test.go`.
 *
 * A subtest's path keeps the title as it is in the source; `go test` writes `_` for its spaces. A test whose subtests have
 * names that only a run knows (table-driven) is `parametrised`: it is reported together with all of them.
 */
import type { Binding, Condition, FoundFile, FoundTest, SkipMark } from '../../model/index.js';
import type { InnerLine } from '../commented.js';
import { conditionOf, under } from '../conditions.js';
import type { Language } from '../language.js';
import { mentionsTag } from '../tags.js';
import { analyse } from './analyse.js';
import { inside, namesAssertion, reachOf, type AssertionRules, type Bodies } from './assertions.js';
import { bodiesIn } from './bodies.js';
import { commentGroups, linksOfComment } from './comments.js';
import { bindTest, type Findings } from './findings.js';
import {
  constantsIn,
  constantText,
  constraintOf,
  skipsIn,
  subtestsIn,
  testParameter,
  type Subtest,
} from './go-source.js';
import { receiverName, receiverType, suitePackage, suiteRunsIn, suiteTests, type SuiteRun } from './go-suites.js';
import { withTurns, type Level, type Named } from './go-turns.js';
import { strongest } from './skip.js';
import { startsCode } from './starts-code.js';
import type { Syntax } from './syntax.js';
import { fingerprintOf, tokensOf, type TokenRules } from './tokens.js';

const TOKENS: TokenRules = {
  comments: new Set(['comment']),
  literals: new Set(['interpreted_string_literal', 'raw_string_literal', 'rune_literal']),
  blocks: new Set(),
  commaLists: new Set(['argument_list', 'parameter_list', 'literal_value']),
};

const FAILING = new Set(['Error', 'Errorf', 'Fatal', 'Fatalf', 'Fatalln', 'Fail', 'FailNow', 'panic']);
const ASSERTING_PACKAGES = new Set(['assert', 'require', 'is', 'qt', 'gomega', 'check']);

/** What an assertion is, given the name of the `*testing.T` in scope: whoever gets it elsewhere may fail the test. */
const rulesFor = (parameter: string | null): AssertionRules => ({
  keywords: new Set(),
  identifiers: new Set(['identifier', 'field_identifier', 'type_identifier']),
  declares: new Set(['func']),
  lineEnds: true,
  fails: (name, qualifier) =>
    FAILING.has(name) || (qualifier !== null && ASSERTING_PACKAGES.has(qualifier)) || namesAssertion(name),
  isOpaque: (tokens, i, qualifier) => {
    if (parameter === null || qualifier === parameter || tokens[i + 1]?.type !== '(') return false;
    let depth = 0;
    for (let at = i + 1; at < tokens.length; at += 1) {
      const token = tokens[at];
      if (token?.type === '(') depth += 1;
      else if (token?.type === ')') depth -= 1;
      else if (
        depth === 1 &&
        token?.text === parameter &&
        [',', ')'].includes(tokens[at + 1]?.type ?? '') &&
        ['(', ','].includes(tokens[at - 1]?.type ?? '')
      )
        return true;
      if (depth === 0) return false;
    }
    return false;
  },
});

/** Where subtests stand. */
interface Around {
  readonly parent: Named | null;
  /** Others may run subtests of any name here. */
  readonly isOpen: boolean;
  readonly path: readonly string[];
  readonly constants: ReadonlyMap<string, string>;
  readonly skip: SkipMark | null;
  readonly condition: Condition | null;
}

const nameOf = (declaration: Syntax): string => declaration.field('name')?.text ?? '';
const below = (outer: Condition | null, own: Condition | null): Condition | null =>
  own === null ? outer : under(outer, own.text, own.line);
const withConstants = (known: ReadonlyMap<string, string>, body: Syntax | null): ReadonlyMap<string, string> =>
  new Map([...known, ...constantsIn(body?.child('statement_list')?.children ?? [], known)]);

class GoFile {
  readonly #findings: Findings;
  readonly #root: Syntax;
  readonly #parse: (text: string) => Syntax;
  readonly #constants: ReadonlyMap<string, string>;
  readonly #skip: SkipMark | null;
  readonly #condition: Condition | null;
  readonly #functions: Bodies;
  readonly #suitePackage: string | null;
  /** What a tag above a declaration means: several tests where several functions run one suite. */
  readonly #bindings = new Map<Syntax, Binding[]>();

  constructor(root: Syntax, findings: Findings, parse: (text: string) => Syntax) {
    this.#parse = parse;
    this.#root = root;
    this.#functions = bodiesIn(root, ['function_declaration', 'method_declaration'], TOKENS);
    this.#findings = findings;
    this.#suitePackage = suitePackage(root);
    this.#constants = constantsIn(root.children, new Map());
    this.#condition = constraintOf(root, findings.source.file);
    this.#skip = this.#condition === null ? null : 'conditional';
  }

  look(): void {
    const isTestFile = this.#findings.source.file.endsWith('_test.go');
    for (const node of this.#root.children) {
      if (node.type === 'function_declaration') this.#function(node, isTestFile);
      else if (node.type === 'method_declaration') this.#method(node);
      else if (node.type === 'package_clause' || node.type === 'import_declaration')
        this.#findings.transparent.push({ start: node.start, end: node.end, comment: false });
      else if (['type_declaration', 'const_declaration', 'var_declaration'].includes(node.type)) this.#names(node);
    }
    for (const node of this.#root.childrenOf('method_declaration'))
      if (!this.#bindings.has(node))
        this.#findings.code(`${receiverType(node)}.${nameOf(node)}`, node.start, node.line, node.end);
    this.#links();
  }

  #function(node: Syntax, isTestFile: boolean): void {
    const name = node.field('name')?.text ?? '';
    const body = node.field('body');
    const kind = isTestFile && body !== null ? kindOf(name, node, body) : null;
    this.#findings.symbol(name, node.line, node.endLine);
    if (kind === null || body === null) {
      this.#findings.code(name, node.start, node.line, node.end);
      return;
    }
    const parameter = testParameter(node);
    const subtests = subtestsIn(body, parameter);
    const test = this.#test([name], node, body, strongest(this.#skip, skipsIn(body, parameter)), {
      // An example is judged by its output.
      hollow: kind === 'example' ? false : this.#isHollow(body, parameter),
      parametrised: subtests.length > 0 || kind === 'fuzz' || this.#runsSubtestsElsewhere(body, parameter),
      condition: this.#condition,
    });
    this.#scope(node, test);
    const skip = strongest(this.#skip, skipsIn(body, parameter) === 'skip' ? 'skip' : null);
    const named: Named[] = [];
    this.#below(this.#entriesOf(body, parameter, subtests), named, {
      parent: null,
      isOpen: this.#runsSubtestsElsewhere(body, parameter),
      path: [name],
      constants: withConstants(this.#constants, body),
      skip,
      condition: this.#condition,
    });
    withTurns(this.#findings.tests, named);
  }

  /** What a body runs, in source order: subtests, and testify's suites. */
  #entriesOf(body: Syntax, parameter: string | null, subtests: readonly Subtest[]): readonly (Subtest | SuiteRun)[] {
    return [...subtests, ...suiteRunsIn(body, parameter, this.#suitePackage)].toSorted(
      (left, right) => left.call.start - right.call.start,
    );
  }

  /** Subtests with a constant title, which `named` gets; all others belong to the test around them. */
  #below(entries: readonly (Subtest | SuiteRun)[], named: Named[], around: Around): void {
    const titles = entries.map((entry) =>
      entry.repeated || !('title' in entry) ? null : constantText(entry.title, around.constants),
    );
    // Methods of a suite may stand in other files: a suite, too, may take any name.
    const level: Level = { parent: around.parent, isOpen: around.isOpen || titles.includes(null) };
    for (const [i, entry] of entries.entries()) {
      const title = titles[i] ?? '';
      if ('title' in entry) {
        if (title !== '') this.#subtest(entry, title, level, named, around);
        continue;
      }
      const runs = entries.filter((other) => !('title' in other) && other.type === entry.type);
      // A suite that runs twice is one test with two reports.
      if (runs[0] === entry) this.#suite(entry, runs.length > 1, level, named, around);
    }
  }

  #subtest(entry: Subtest, title: string, level: Level, named: Named[], around: Around): void {
    const { call, body, parameter } = entry;
    const skip = strongest(around.skip, entry.condition === null ? null : 'conditional');
    const condition = below(around.condition, entry.condition);
    const path = [...around.path, title];
    const inner = body === null ? [] : this.#entriesOf(body, parameter, subtestsIn(body, parameter));
    const test = this.#test(
      path,
      call,
      body ?? call,
      strongest(skip, body === null ? null : skipsIn(body, parameter)),
      { hollow: body === null ? null : this.#isHollow(body, parameter), parametrised: inner.length > 0, condition },
    );
    const own: Named = { test, level, conditional: entry.condition !== null };
    named.push(own);
    this.#scope(call, test);
    const isOpen = body !== null && this.#runsSubtestsElsewhere(body, parameter);
    const constants = withConstants(around.constants, body);
    this.#below(inner, named, { parent: own, isOpen, path, constants, skip, condition });
  }

  /** The tests of a suite as subtests of the function that runs it; those in other files are not seen. */
  #suite(run: SuiteRun, isTwice: boolean, level: Level, named: Named[], around: Around): void {
    const skip = strongest(around.skip, run.condition === null ? null : 'conditional');
    const condition = below(around.condition, run.condition);
    for (const method of run.type === null ? [] : suiteTests(this.#root, run.type)) {
      const body = method.field('body');
      if (body === null) continue;
      const suite = receiverName(method);
      const path = [...around.path, nameOf(method)];
      const inner = subtestsIn(body, suite);
      const test = this.#test(
        path,
        method,
        body,
        strongest(skip, skipsIn(body, suite === null ? null : `${suite}.T()`)),
        // Its assertions are methods of the suite, which another file may declare.
        { hollow: body.descendants('call_expression').length === 0 ? true : null, parametrised: true, condition },
      );
      const own: Named = { test, level, conditional: run.condition !== null || run.repeated || isTwice };
      named.push(own);
      this.#scope(method, test);
      // `s.T().Run` runs subtests beside those of `s.Run`.
      const constants = withConstants(this.#constants, body);
      this.#below(inner, named, { parent: own, isOpen: true, path, constants, skip, condition });
    }
  }

  #test(
    path: readonly string[],
    node: Syntax,
    body: Syntax,
    skip: SkipMark | null,
    more: { readonly hollow: boolean | null; readonly parametrised: boolean; readonly condition: Condition | null },
  ): FoundTest {
    const { source } = this.#findings;
    const test: FoundTest = {
      ...source.position(node.start),
      endLine: node.endLine,
      language: 'go',
      framework: 'go',
      kind: 'case',
      path,
      selector: `${source.file}::${path.join('/')}`,
      dynamic: false,
      parametrised: more.parametrised,
      fingerprint: fingerprintOf(tokensOf(body, TOKENS)),
      ...(skip === null ? {} : { skip }),
      ...conditionOf(more.condition),
      ...(more.hollow === null ? {} : { hollow: more.hollow }),
    };
    this.#findings.tests.push(test);
    return test;
  }

  /** True, false, or null where somebody in another file may assert. */
  #isHollow(body: Syntax, parameter: string | null): boolean | null {
    const reach = reachOf(
      inside(tokensOf(body, TOKENS)),
      this.#functions,
      rulesFor(parameter),
      this.#findings.source.text,
    );
    return reach === 'unknown' ? null : reach === 'nothing';
  }

  /** A helper that gets the test's `t` may run subtests of its own; so may one in another file. */
  #runsSubtestsElsewhere(body: Syntax, parameter: string | null): boolean {
    if (parameter === null) return false;
    const tokens = tokensOf(body, TOKENS);
    return tokens.some(
      (token, i) =>
        token.text === parameter &&
        ['(', ','].includes(tokens[i - 1]?.text ?? '') &&
        [')', ','].includes(tokens[i + 1]?.text ?? ''),
    );
  }

  #method(node: Syntax): void {
    for (const separator of ['.', '::'])
      this.#findings.symbol(`${receiverType(node)}${separator}${nameOf(node)}`, node.line, node.endLine);
  }

  #names(node: Syntax): void {
    const specs = node
      .descendants('type_spec', 'type_alias', 'const_spec', 'var_spec')
      .filter((spec) => spec.start <= node.end);
    for (const spec of specs) {
      const name = spec.field('name')?.text ?? '';
      this.#findings.symbol(name, spec.line, spec.endLine);
      this.#findings.code(
        name,
        specs.length === 1 ? node.start : spec.start,
        spec.line,
        specs.length === 1 ? node.end : spec.end,
      );
    }
  }

  #scope(node: Syntax, test: FoundTest): void {
    const others = this.#bindings.get(node);
    if (others !== undefined) {
      others.push(bindTest(test));
      return;
    }
    const binds = [bindTest(test)];
    this.#bindings.set(node, binds);
    this.#findings.scopes.push({ start: node.start, end: node.end, verifies: binds, implements: binds });
  }

  #links(): void {
    const { source } = this.#findings;
    if (!/@verifies|@implements/u.test(source.text)) return;
    const comments = this.#root.descendants('comment');
    this.#findings.comments(comments);
    const tree = this.#findings.scopeTree({ startsCode: startsCode('go', this.#parse), isExample });
    for (const group of commentGroups(comments, source, () => 'either'))
      this.#findings.links.push(...linksOfComment(group, tree, source));
  }
}

/** Indented lines of a comment are examples (go doc); a commented-out test begins at its margin. */
const isExample = (line: InnerLine): boolean => /^(?:\t| {2})/u.test(line.text);

/** What `go test` makes of a function, or null: the name, and the type of its one parameter. */
function kindOf(name: string, node: Syntax, body: Syntax): 'test' | 'fuzz' | 'example' | null {
  const matched = /^(Test|Fuzz|Example)(?!\p{Ll})/u.exec(name)?.[1];
  const parameters = node.field('parameters')?.childrenOf('parameter_declaration') ?? [];
  if (matched === undefined || node.field('type_parameters') !== null || node.field('result') !== null) return null;
  if (matched === 'Example') return parameters.length === 0 && hasOutput(body) ? 'example' : null;
  const type = parameters[0]?.field('type')?.text.replace(/\s+/gu, '') ?? '';
  if (parameters.length !== 1) return null;
  if (matched === 'Test') return /^\*(?:\w+\.)?T$/u.test(type) ? 'test' : null;
  return /^\*(?:\w+\.)?F$/u.test(type) ? 'fuzz' : null;
}

/** The last comment of an example says what it prints; without that it is compiled only. */
function hasOutput(body: Syntax): boolean {
  const comments = body.descendants('comment');
  let first = comments.length - 1;
  for (; first > 0; first -= 1) {
    const [above, below] = [comments[first - 1], comments[first]];
    // A comment behind code on its line is a group of its own.
    if (above === undefined || below === undefined || below.line - above.endLine !== 1 || !standsAlone(above)) break;
  }
  return /^\s*(?:unordered )?output:/iu.test(comments[first]?.text.replace(/^\/[/*]\s?/u, '') ?? '');
}

const standsAlone = (comment: Syntax): boolean =>
  comment.source.slice(comment.source.lineStarts[comment.line - 1] ?? 0, comment.start).trim() === '';

const TESTS = ['Test', 'Fuzz', 'Example'].map((mark) => Buffer.from(`func ${mark}`));

export const go: Language = {
  name: 'go',
  extensions: ['.go'],
  mentions: (bytes) => mentionsTag(bytes),
  mayHoldTests: (file, bytes) => file.endsWith('_test.go') && TESTS.some((mark) => bytes.includes(mark)),
  find: async (file, bytes): Promise<FoundFile> =>
    analyse('go', 'go', file, bytes, (root, findings, parse) => new GoFile(root, findings, parse).look()),
};
