/**
 * Python: what pytest collects (its own tests and unittest's), `@pytest.mark.verifies`, tags in comments and docstrings.
 * An inherited test is a case of every class that inherits it; it stands at the line of that class.
 */
import type { Binding, Condition, FoundFile, FoundTest, SkipMark } from '../../model/index.js';
import { conditionOf } from '../conditions.js';
import type { Language, ProjectView } from '../language.js';
import { mentionsTag } from '../tags.js';
import { analyse } from './analyse.js';
import { inside, namesAssertion, reachOf, type AssertionRules, type Bodies } from './assertions.js';
import { bodiesIn } from './bodies.js';
import { commentGroups, linksOfComment, linksTo } from './comments.js';
import { bindTest, type Findings } from './findings.js';
import {
  assignmentsIn,
  bodyOf,
  Classes,
  classOf,
  definitionsIn,
  marksOf,
  ownPytestmark,
  verifiesMarks,
  type ClassDefinition,
  type Definition,
} from './python-classes.js';
import { collectionFor, type Collection } from './python-collection.js';
import { docstringOf, parametersOf, skipInBody, skipOfModule } from './python-source.js';
import { isParametrize, isVerifiesMark, PythonNames, skipOf, stringArguments, type Mark } from './python-names.js';
import { strongest } from './skip.js';
import { startsCode } from './starts-code.js';
import type { Syntax } from './syntax.js';
import { fingerprintOf, tokensOf, type Token, type TokenRules } from './tokens.js';

const TOKENS: TokenRules = {
  comments: new Set(['comment', 'line_continuation']),
  literals: new Set(['string']),
  blocks: new Set(['block']),
  commaLists: new Set(['argument_list', 'parameters', 'lambda_parameters', 'list', 'dictionary', 'set']),
};

const ASSERTIONS: AssertionRules = {
  keywords: new Set(['assert', 'raise']),
  identifiers: new Set(['identifier']),
  declares: new Set(['def', 'class']),
  lineEnds: true,
  fails: (name) => namesAssertion(name) || name === 'raises' || name === 'warns' || name === 'deprecated_call',
};

/** Decorators that write tests with names of their own. */
const EXPANDERS = ['parameterized.expand', 'ddt.data', 'ddt.file_data'];

class PythonFile {
  readonly #findings: Findings;
  readonly #module: Syntax;
  readonly #collection: Collection;
  readonly #parse: (text: string) => Syntax;
  readonly #names: PythonNames;
  readonly #definitions: readonly Definition[];
  readonly #classes: readonly ClassDefinition[];
  readonly #family: Classes;
  readonly #isTestFile: boolean;
  readonly #moduleMarks: readonly Mark[];
  readonly #moduleSkip: SkipMark | null;
  /** The tests that a function gives, one for each class it is a test of. By the function's offset. */
  readonly #testsOf = new Map<number, FoundTest[]>();
  readonly #suiteOf = new Map<number, FoundTest>();
  readonly #functions: Bodies;

  constructor(module: Syntax, findings: Findings, parse: (text: string) => Syntax, collection: Collection) {
    this.#parse = parse;
    this.#module = module;
    this.#functions = bodiesIn(module, ['function_definition'], TOKENS);
    this.#findings = findings;
    this.#collection = collection;
    this.#names = new PythonNames(module);
    this.#definitions = definitionsIn(module.children, this.#names);
    this.#classes = this.#definitions
      .filter((one) => one.node.type === 'class_definition')
      .map((one) => classOf(one, this.#names));
    this.#family = new Classes(this.#classes);
    this.#isTestFile = collection.isTestFile(findings.source.file);
    this.#moduleMarks = ownPytestmark(assignmentsIn(module.children), this.#names);
    this.#moduleSkip = strongest(skipOf(this.#moduleMarks), skipOfModule(module, this.#names));
  }

  look(): void {
    const functions = this.#definitions.filter((one) => one.node.type === 'function_definition');
    if (this.#isTestFile) {
      for (const one of functions) {
        if (this.#collection.isTestFunction(one.name) && !isFixture(one))
          this.#case(one, [one.name], 'pytest', [], null, one.node, null);
      }
      for (const one of this.#classes) this.#suite(one, [], this.#moduleSkip);
    }
    for (const one of functions) this.#scope(one, [one.name]);
    for (const one of this.#classes) this.#classScope(one, []);
    for (const [name, value] of assignmentsIn(this.#module.children)) this.#constant(name, value);
    this.#links();
  }

  /** A class that pytest collects, with the cases in it. */
  #suite(one: ClassDefinition, around: readonly string[], inherited: SkipMark | null): void {
    const unittest = this.#family.isUnittest(one);
    if (this.#family.isSwitchedOff(one)) return;
    if (!unittest && (!this.#collection.isTestClass(one.name) || this.#family.hasConstructor(one))) return;
    const path = [...around, one.name];
    const marks = marksOf(this.#family, one, this.#names);
    const skip = strongest(inherited, skipOf(marks), one.condition !== null ? 'conditional' : null);
    const at = this.#findings.tests.length;
    for (const { method, from } of this.#family.methods(one)) {
      const isTest = unittest ? method.name.startsWith('test') : this.#collection.isTestFunction(method.name);
      if (isTest && !isFixture(method))
        this.#case(
          method,
          [...path, method.name],
          unittest ? 'unittest' : 'pytest',
          marks,
          skip,
          from === one ? method.node : one.node,
          one.condition,
          from === one ? null : method.node,
        );
    }
    // pytest looks for classes inside its own kind of class only.
    if (!unittest) for (const inner of one.classes) this.#suite(inner, path, skip);
    if (this.#findings.tests.length === at) return;
    const suite: FoundTest = {
      ...this.#common(path, one.node, skip),
      ...conditionOf(one.condition),
      framework: unittest ? 'unittest' : 'pytest',
      kind: 'suite',
      dynamic: false,
      parametrised: false,
      fingerprint: fingerprintOf(this.#tokens(one.outer)),
    };
    this.#findings.tests.push(suite);
    this.#suiteOf.set(one.node.start, suite);
  }

  /** `at` is where it stands: the function, or the class that inherits it. */
  #case(
    method: Definition,
    path: readonly string[],
    framework: 'pytest' | 'unittest',
    classMarks: readonly Mark[],
    skip: SkipMark | null,
    at: Syntax,
    around: Condition | null,
    inherited: Syntax | null = null,
  ): void {
    const body = method.node.field('body');
    const marks = [...method.marks, ...classMarks, ...this.#moduleMarks];
    const own = strongest(
      skip,
      this.#moduleSkip,
      skipOf(method.marks),
      method.condition !== null ? 'conditional' : null,
      skipInBody(method.node, this.#names),
    );
    const parameters = parametersOf(method.node);
    const reach =
      body === null
        ? 'nothing'
        : reachOf(
            inside(this.#tokens(body)),
            this.#functions,
            {
              ...ASSERTIONS,
              // A method of a base class elsewhere, or a callable that a fixture gives, may assert.
              isOpaque: (tokens, i, qualifier) =>
                qualifier === 'self' ||
                qualifier === 'cls' ||
                (qualifier === null && parameters.has(tokens[i]?.text ?? '')),
            },
            this.#findings.source.text,
          );
    const test: FoundTest = {
      ...this.#common(path, at, own),
      // A method that a class inherits stands under what that class stands under.
      ...conditionOf(method.condition ?? around),
      ...(inherited === null ? {} : { reportedAt: { file: this.#findings.source.file, line: inherited.line } }),
      framework,
      kind: 'case',
      dynamic: method.marks.some((mark) => EXPANDERS.some((name) => mark.name.endsWith(name))),
      parametrised: framework === 'pytest' && (marks.some(isParametrize) || this.#usesParametrisedFixture(parameters)),
      fingerprint: fingerprintOf(this.#tokens(method.outer)),
      ...(reach === 'unknown' ? {} : { hollow: reach === 'nothing' }),
    };
    this.#findings.tests.push(test);
    const tests = this.#testsOf.get(method.node.start) ?? [];
    tests.push(test);
    this.#testsOf.set(method.node.start, tests);
  }

  #common(
    path: readonly string[],
    at: Syntax,
    skip: SkipMark | null,
  ): Pick<FoundTest, 'file' | 'line' | 'column' | 'endLine' | 'language' | 'path' | 'selector' | 'skip'> {
    const { source } = this.#findings;
    return {
      ...source.position(at.start),
      endLine: at.endLine,
      language: 'python',
      path,
      selector: [source.file, ...path].join('::'),
      ...(skip === null ? {} : { skip }),
    };
  }

  /** Tokens of a definition without docstrings and `verifies` marks: a new link does not change the test. */
  #tokens(node: Syntax): readonly Token[] {
    return tokensOf(
      node,
      TOKENS,
      (inner) =>
        (inner.type === 'expression_statement' && docstringOf(inner.parent)?.statement === inner) ||
        (inner.type === 'decorator' &&
          inner.named.some((expression) => this.#names.marksIn(expression).some(isVerifiesMark))),
    );
  }

  #usesParametrisedFixture(parameters: ReadonlySet<string>): boolean {
    const all = [...this.#definitions, ...this.#classes.flatMap((one) => one.functions)];
    return all.some((one) =>
      one.marks.some(
        (mark) =>
          isFixtureMark(mark) &&
          /\bparams\s*=/u.test(mark.args?.text ?? '') &&
          (parameters.has(one.name) || /\bautouse\s*=\s*True/u.test(mark.args?.text ?? '')),
      ),
    );
  }

  #classScope(one: ClassDefinition, around: readonly string[]): void {
    const names = [...around, one.name];
    const suite = this.#suiteOf.get(one.node.start);
    this.#addScope(one, names, suite === undefined ? null : [bindTest(suite)]);
    for (const method of one.functions) this.#scope(method, [...names, method.name]);
    for (const inner of one.classes) this.#classScope(inner, names);
  }

  #scope(one: Definition, names: readonly string[]): void {
    const tests = this.#testsOf.get(one.node.start);
    this.#addScope(one, names, tests === undefined ? null : tests.map(bindTest));
  }

  #addScope(one: Definition, names: readonly string[], tests: readonly Binding[] | null): void {
    const { line, endLine } = one.node;
    const symbol = names.join('.');
    this.#findings.symbol(symbol, line, endLine);
    if (names.length > 1) this.#findings.symbol(names.join('::'), line, endLine);
    const code: readonly Binding[] = [{ kind: 'code', symbol, line }];
    const owner = { verifies: tests ?? code, implements: tests ?? code };
    const holds = one.node.type === 'class_definition';
    this.#findings.scopes.push({ start: one.outer.start, end: one.outer.end, holds, ...owner });
    for (const mark of verifiesMarks(one.marks)) this.#marked(mark, owner);
    if (one.node.type === 'class_definition')
      for (const mark of verifiesMarks(ownPytestmark(assignmentsIn(bodyOf(one.node)), this.#names)))
        this.#marked(mark, owner);
  }

  #constant(name: string, value: Syntax): void {
    const statement = value.parent?.parent ?? value;
    this.#findings.symbol(name, statement.line, statement.endLine);
    if (name !== 'pytestmark') this.#findings.code(name, statement.start, statement.line, statement.end);
  }

  #marked(mark: Mark, owner: { readonly verifies: readonly Binding[]; readonly implements: readonly Binding[] }): void {
    for (const { value, node } of stringArguments(mark)) {
      // The mark of a name that several definitions share is one link for each of them.
      this.#findings.links.push(...linksTo(owner, 'verifies', value, 'decorator', this.#findings.source, node.start));
    }
  }

  #links(): void {
    const { source, links } = this.#findings;
    const file: readonly Binding[] = [{ kind: 'file' }];
    for (const mark of verifiesMarks(this.#moduleMarks)) this.#marked(mark, { verifies: file, implements: file });
    if (!/@verifies|@implements/u.test(source.text)) return;
    const comments = this.#module.descendants('comment');
    this.#findings.comments(comments);
    for (const node of this.#module.childrenOf('import_statement', 'import_from_statement', 'future_import_statement'))
      this.#findings.transparent.push({ start: node.start, end: node.end, comment: false });
    const docstrings = this.#docstrings();
    // A docstring is no code that stands between a comment and its declaration, and nothing but comments stands before it.
    this.#findings.comments(docstrings);
    const tree = this.#findings.scopeTree({ startsCode: startsCode('python', this.#parse), indented: true });
    for (const group of commentGroups(comments, source, () => 'either'))
      links.push(...linksOfComment(group, tree, source));
    for (const text of docstrings)
      links.push(
        ...linksOfComment({ start: text.start, end: text.end, attaches: 'inner' }, tree, source, { from: 'docstring' }),
      );
  }

  #docstrings(): readonly Syntax[] {
    const holders = [
      this.#module,
      ...this.#module.descendants('function_definition', 'class_definition').map((node) => node.field('body')),
    ];
    return holders.flatMap((holder) => {
      const found = docstringOf(holder);
      return found === null ? [] : [found.text];
    });
  }
}

const isFixtureMark = (mark: Mark): boolean => /(?:^|\.)(?:fixture|yield_fixture)$/u.test(mark.name);
const isFixture = (one: Definition): boolean => one.marks.some(isFixtureMark);

const TESTS = ['def test', 'class ', 'TestCase'].map((mark) => Buffer.from(mark));
const MARK = Buffer.from('verifies');

export const python: Language = {
  name: 'python',
  extensions: ['.py', '.pyi'],
  mentions: (bytes) => mentionsTag(bytes) || bytes.includes(MARK),
  mayHoldTests: (_file, bytes) => TESTS.some((mark) => bytes.includes(mark)),
  find: async (file: string, bytes: Buffer, project: ProjectView): Promise<FoundFile> => {
    const collection = await collectionFor(file, project);
    return analyse('python', 'python', file, bytes, (module, findings, parse) =>
      new PythonFile(module, findings, parse, collection).look(),
    );
  },
};
