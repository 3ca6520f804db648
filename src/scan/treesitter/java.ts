/**
 * Java: JUnit 5 (and 4) test methods in their classes; `@Tag("AC-a")` is a link. There is no runner for them here.
 */
import type { Binding, FoundFile, FoundTest, SkipMark } from '../../model/index.js';
import type { Language } from '../language.js';
import { mentionsTag } from '../tags.js';
import { analyse } from './analyse.js';
import { inside, namesAssertion, reachOf, type AssertionRules, type Bodies } from './assertions.js';
import { bodiesIn } from './bodies.js';
import { commentGroups, linksOfComment, linksTo } from './comments.js';
import { bindTest, type Findings } from './findings.js';
import { strongest } from './skip.js';
import { startsCode } from './starts-code.js';
import type { Syntax } from './syntax.js';
import { fingerprintOf, tokensOf, type Token, type TokenRules } from './tokens.js';

const TOKENS: TokenRules = {
  comments: new Set(['line_comment', 'block_comment']),
  literals: new Set(['string_literal', 'character_literal']),
  blocks: new Set(),
  commaLists: new Set(['array_initializer', 'element_value_array_initializer']),
};

const ASSERTIONS: AssertionRules = {
  keywords: new Set(['throw', 'assert']),
  identifiers: new Set(['identifier']),
  declares: new Set(),
  lineEnds: false,
  fails: (name) => namesAssertion(name),
  isUnconditional: (tokens, i) => ['', ';', '{', '}'].includes(tokens[i - 1]?.type ?? ''),
};

const TESTS = new Set(['Test', 'ParameterizedTest', 'RepeatedTest', 'TestFactory', 'TestTemplate']);
const SKIPS: Readonly<Record<string, SkipMark>> = { Disabled: 'skip', Ignore: 'ignore' };
const TYPES = new Set([
  'class_declaration',
  'interface_declaration',
  'enum_declaration',
  'record_declaration',
  'annotation_type_declaration',
]);

interface Annotation {
  readonly node: Syntax;
  /** Without its package. */
  readonly name: string;
  readonly args: Syntax | null;
}

class JavaFile {
  readonly #findings: Findings;
  readonly #root: Syntax;
  readonly #parse: (text: string) => Syntax;
  readonly #functions: Bodies;

  constructor(root: Syntax, findings: Findings, parse: (text: string) => Syntax) {
    this.#parse = parse;
    this.#root = root;
    this.#functions = bodiesIn(root, ['method_declaration'], TOKENS);
    this.#findings = findings;
  }

  look(): void {
    for (const node of this.#root.childrenOf('package_declaration', 'import_declaration'))
      this.#findings.transparent.push({ start: node.start, end: node.end, comment: false });
    this.#types(this.#root.children, [], null);
    this.#links();
  }

  #types(children: readonly Syntax[], around: readonly string[], skip: SkipMark | null): boolean {
    let found = false;
    for (const node of children) {
      if (TYPES.has(node.type)) found = this.#type(node, around, skip) || found;
      else if (node.type === 'ERROR') found = this.#types(node.children, around, skip) || found;
    }
    return found;
  }

  #type(node: Syntax, around: readonly string[], inherited: SkipMark | null): boolean {
    const name = node.field('name')?.text ?? '';
    const path = [...around, name];
    const annotations = annotationsOf(node);
    const skip = strongest(inherited, skipOf(annotations));
    const at = this.#findings.scopes.length;
    const members = (node.field('body')?.children ?? []).flatMap((child) =>
      child.type === 'enum_body_declarations' || child.type === 'ERROR' ? child.children : [child],
    );
    let found = false;
    for (const member of members) {
      if (member.type === 'method_declaration' || member.type === 'constructor_declaration')
        found = this.#method(member, path, skip) || found;
    }
    found = this.#types(members, path, skip) || found;
    this.#symbol(path, node);
    const binds = found
      ? [bindTest(this.#test(path, node, 'suite', skip, fingerprintOf(this.#tokens(node.field('body') ?? node)), {}))]
      : codeBinding(path, node);
    this.#findings.scopes.splice(at, 0, {
      start: node.start,
      end: node.end,
      verifies: binds,
      implements: binds,
      holds: true,
    });
    this.#tags(annotations, binds);
    return found;
  }

  #method(node: Syntax, around: readonly string[], inherited: SkipMark | null): boolean {
    const path = [...around, node.field('name')?.text ?? ''];
    const annotations = annotationsOf(node);
    const body = node.field('body');
    const names = annotations.map((annotation) => annotation.name);
    const isTest = body !== null && names.some((name) => TESTS.has(name));
    this.#symbol(path, node);
    let binds = codeBinding(path, node);
    if (isTest) {
      const expected = annotations.some(
        (annotation) => annotation.name === 'Test' && /\bexpected\s*=/u.test(annotation.args?.text ?? ''),
      );
      const reach = expected
        ? 'asserts'
        : reachOf(inside(tokensOf(body, TOKENS)), this.#functions, ASSERTIONS, this.#findings.source.text);
      binds = [
        bindTest(
          this.#test(path, node, 'case', strongest(inherited, skipOf(annotations)), fingerprintOf(this.#tokens(node)), {
            parametrised: names.some((name) => TESTS.has(name) && name !== 'Test'),
            hollow: reach === 'nothing',
          }),
        ),
      ];
    }
    this.#findings.scopes.push({ start: node.start, end: node.end, verifies: binds, implements: binds });
    this.#tags(annotations, binds);
    return isTest;
  }

  #test(
    path: readonly string[],
    node: Syntax,
    kind: 'suite' | 'case',
    skip: SkipMark | null,
    fingerprint: string,
    more: { readonly parametrised?: boolean; readonly hollow?: boolean },
  ): FoundTest {
    const { source } = this.#findings;
    const at = node.field('name') ?? node;
    const test: FoundTest = {
      ...source.position(at.start),
      endLine: node.endLine,
      language: 'java',
      framework: 'junit',
      kind,
      path,
      selector: [source.file, ...path].join('::'),
      dynamic: false,
      parametrised: more.parametrised ?? false,
      fingerprint,
      ...(skip === null ? {} : { skip }),
      ...(more.hollow === undefined ? {} : { hollow: more.hollow }),
    };
    this.#findings.tests.push(test);
    return test;
  }

  /** Tokens without tags: a new link does not change the test. */
  #tokens(node: Syntax): readonly Token[] {
    return tokensOf(node, TOKENS, (inner) => inner.type === 'annotation' && /^@\s*Tags?\b/u.test(inner.text));
  }

  #symbol(path: readonly string[], node: Syntax): void {
    const at = node.field('name') ?? node;
    this.#findings.symbol(path.join('.'), at.line, node.endLine);
    if (path.length > 1) this.#findings.symbol(path.join('::'), at.line, node.endLine);
  }

  /** `@Tag("AC-a")`, `@Tags({…})`: tags that are ids. Other tags are for JUnit. */
  #tags(annotations: readonly Annotation[], binds: readonly Binding[]): void {
    for (const { name, args } of annotations) {
      if (args === null || (name !== 'Tag' && name !== 'Tags')) continue;
      for (const literal of args.descendants('string_literal')) {
        const value = literal.text.slice(1, -1);
        if (!/^AC-./u.test(value)) continue;
        this.#findings.links.push(
          ...linksTo(
            { verifies: binds, implements: binds },
            'verifies',
            value,
            'annotation',
            this.#findings.source,
            literal.start,
          ),
        );
      }
    }
  }

  #links(): void {
    const { source } = this.#findings;
    if (!/@verifies|@implements/u.test(source.text)) return;
    const comments = this.#root.descendants('line_comment', 'block_comment');
    this.#findings.comments(comments, isDocumentation);
    const tree = this.#findings.scopeTree({ startsCode: startsCode('java', this.#parse) });
    for (const group of commentGroups(comments, source, (comment) => (isDocumentation(comment) ? 'next' : 'either')))
      this.#findings.links.push(...linksOfComment(group, tree, source));
  }
}

const isDocumentation = (comment: Syntax): boolean => comment.text.startsWith('/**');

const codeBinding = (path: readonly string[], node: Syntax): readonly Binding[] => [
  { kind: 'code', symbol: path.join('.'), line: (node.field('name') ?? node).line },
];

function annotationsOf(node: Syntax): readonly Annotation[] {
  return (node.child('modifiers')?.childrenOf('annotation', 'marker_annotation') ?? []).map((annotation) => {
    const name = annotation.field('name')?.text.replace(/\s+/gu, '') ?? '';
    return { node: annotation, name: name.slice(name.lastIndexOf('.') + 1), args: annotation.field('arguments') };
  });
}

const skipOf = (annotations: readonly Annotation[]): SkipMark | null =>
  strongest(
    ...annotations.map(
      ({ name }) => SKIPS[name] ?? (/^(?:Disabled|Enabled)(?:On|If|For)/u.test(name) ? 'conditional' : null),
    ),
  );

const TAG = Buffer.from('@Tag');
const TEST = Buffer.from('Test');

export const java: Language = {
  name: 'java',
  extensions: ['.java'],
  mentions: (bytes) => mentionsTag(bytes) || bytes.includes(TAG),
  mayHoldTests: (_file, bytes) => bytes.includes(TEST),
  find: async (file, bytes): Promise<FoundFile> =>
    analyse('java', 'java', file, bytes, (root, findings, parse) => new JavaFile(root, findings, parse).look()),
};
