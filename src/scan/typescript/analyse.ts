/** One file's tree → tests, links, symbols. Synchronous and pure: other files come from `modules`, loaded or not. */
import type { ts } from 'ts-morph';
import {
  isDeclarationFile,
  type Binding,
  type FoundFile,
  type FoundLink,
  type FoundTest,
  type Framework,
} from '../../model/index.js';
import { ENDED_BY } from '../reach.js';
import { tagPosition, tagsIn } from '../tags.js';
import { bindTag, type Target } from './bind.js';
import { taggedComments } from './comments.js';
import { placeIn, sourceText } from './compiler.js';
import { callPlace, type Declared } from './declared.js';
import { Evaluator } from './evaluate.js';
import { Fingerprints } from './fingerprint.js';
import { HollowCheck, skipsItself } from './hollow.js';
import type { Modules } from './modules.js';
import type { Module } from './scope.js';
import { PossibleTests } from './possible-tests.js';
import { declarationsIn, type Declaration } from './symbols.js';
import { ownLinks, type OwnLink } from './title-links.js';
import { Walker } from './walk.js';

const TEST_FILE = /(?:[._-](?:test|spec)\.[cm]?[jt]sx?$)|(?:^|\/)__tests__\//u;

/** Without any of these words no test of the file can skip itself. */
const MAY_SKIP = /\b(?:skip|todo|fixme)\b/u;

/** What the tests of one file share. */
interface Around {
  readonly hollow: HollowCheck;
  readonly fingerprints: Fingerprints;
  readonly maySkip: boolean;
}

type Subject =
  | { readonly kind: 'test'; readonly test: FoundTest }
  | { readonly kind: 'code'; readonly declaration: Declaration };

export function analyse(module: Module, modules: Modules, framework: Framework): FoundFile {
  const { source, path: file } = module;
  const evaluator = new Evaluator(modules);
  const walker = new Walker(module, evaluator, framework);
  const declared = walker.walk();
  const around: Around = {
    hollow: new HollowCheck(evaluator),
    fingerprints: new Fingerprints(),
    maySkip: MAY_SKIP.test(source.text),
  };
  // Inner tests come after the suites around them.
  const tests = declared
    .toReversed()
    .map((entry) => toTest(entry, module, framework, around))
    .toReversed();
  const declarations = declarationsIn(source);
  const links: FoundLink[] = declared.flatMap((entry, i) => {
    const test = tests[i];
    return test === undefined ? [] : ownLinks(entry, evaluator).map((link) => ofOwnLink(link, test, entry, module));
  });
  const possible = new PossibleTests(module, framework, evaluator);
  links.push(...commentLinks(module, targetsOf(declared, tests, declarations, source), possible));
  const all =
    tests.length === 0 && possible.tests.length === 0 && (TEST_FILE.test(file) || importsFramework(source))
      ? [wholeFile(file, framework, source)]
      : [...tests, ...possible.tests];
  return {
    file,
    language: 'typescript',
    tests: all,
    links: unique(links),
    problems: [...limitsOf(walker.cut, file), ...problemsOf(source, file)],
    symbols: declarations.map((declaration) => ({
      name: declaration.name,
      line: placeIn(source, declaration.start).line,
      endLine: placeIn(source, declaration.end).line,
      ...(declaration.ambient ? { ambient: true } : {}),
    })),
  };
}

const importsFramework = (source: ts.SourceFile): boolean =>
  /['"](?:vitest|node:test|@jest\/globals|@playwright\/test)['"]/u.test(source.text);

/** A test file in which no test can be seen: its runner may still know. */
const wholeFile = (file: string, framework: Framework, source: ts.SourceFile): FoundTest => ({
  file,
  line: 1,
  column: 1,
  language: 'typescript',
  framework,
  kind: 'file',
  path: [],
  selector: file,
  endLine: placeIn(source, source.end).line,
  dynamic: false,
  parametrised: false,
  fingerprint: '',
});

function toTest(entry: Declared, module: Module, framework: Framework, around: Around): FoundTest {
  const { source, path: file } = module;
  const { line, column } = callPlace(entry.site, source, file);
  const selfSkipping =
    entry.kind === 'case' &&
    entry.skip === undefined &&
    entry.body !== null &&
    around.maySkip &&
    skipsItself(entry.body);
  const skip = entry.skip ?? (selfSkipping ? 'conditional' : undefined);
  const isHollow = entry.kind === 'case' ? hollowness(entry, around.hollow) : undefined;
  return {
    file,
    line,
    column,
    language: 'typescript',
    framework: entry.framework ?? framework,
    kind: entry.kind,
    path: entry.path,
    selector: [file, ...entry.path].join(' > '),
    endLine: placeIn(source, entry.site.end).line,
    dynamic: entry.dynamic,
    parametrised: entry.parametrised,
    ...(skip === undefined ? {} : { skip }),
    ...(entry.focused === true ? { focused: true } : {}),
    ...(isHollow === undefined ? {} : { hollow: isHollow }),
    ...(entry.condition === undefined ? {} : { condition: entry.condition }),
    ...(entry.reportedAt === undefined ? {} : { reportedAt: entry.reportedAt }),
    fingerprint: around.fingerprints.of(entry),
  };
}

function hollowness(entry: Declared, hollow: HollowCheck): boolean | undefined {
  if (entry.body === null) return entry.noBody ? true : undefined;
  const reach = hollow.reach(entry.body);
  return reach === 'unknown' ? undefined : reach === 'no';
}

function bindingOf(subject: Subject, source: ts.SourceFile): Binding {
  if (subject.kind === 'test') return { kind: 'test', selector: subject.test.selector, line: subject.test.line };
  const { name, start, ambient } = subject.declaration;
  const { line } = placeIn(source, start);
  return ambient ? { kind: 'dangling', line, between: ENDED_BY.ambient } : { kind: 'code', symbol: name, line };
}

function targetsOf(
  declared: readonly Declared[],
  tests: readonly FoundTest[],
  declarations: readonly Declaration[],
  source: ts.SourceFile,
): readonly Target<Subject>[] {
  const targets: Target<Subject>[] = declarations.map((declaration) => ({
    start: declaration.start,
    end: declaration.end,
    anchor: declaration.start,
    kind: declaration.kind,
    value: { kind: 'code', declaration },
  }));
  // Of the tests at one place only the outermost: what is below them is covered by them.
  const shallowest = new Map<ts.Node, number>();
  for (const entry of declared)
    shallowest.set(entry.site, Math.min(shallowest.get(entry.site) ?? Infinity, entry.path.length));
  declared.forEach((entry, i) => {
    const test = tests[i];
    if (test === undefined || entry.path.length !== shallowest.get(entry.site)) return;
    const anchor = entry.site.getStart(source);
    targets.push({
      start: Math.min(entry.statementStart, anchor),
      end: entry.site.end,
      anchor,
      kind: entry.kind,
      value: { kind: 'test', test },
    });
  });
  return targets.sort((left, right) => left.start - right.start || right.end - left.end);
}

/** The links of comments, and the possible tests that tags stand above. */
function commentLinks(module: Module, targets: readonly Target<Subject>[], possible: PossibleTests): FoundLink[] {
  const { source, path: file } = module;
  return taggedComments(source).flatMap((comment) => {
    const text = source.text.slice(comment.start, comment.end);
    const start = placeIn(source, comment.start);
    return tagsIn(text).flatMap((tag): FoundLink[] => {
      const bound = bindTag(comment, comment.start + tag.offset, tag.relation, source, targets);
      const at = {
        file,
        ...tagPosition(tag, start),
        relation: tag.relation,
        target: tag.id,
        source: 'comment' as const,
      };
      switch (bound.kind) {
        case 'file':
          return [
            {
              ...at,
              binds: isDeclarationFile(file)
                ? { kind: 'dangling', line: 1, between: ENDED_BY.ambient }
                : { kind: 'file' },
            },
          ];
        case 'targets':
          return bound.values.map((subject) => ({ ...at, binds: bindingOf(subject, source) }));
        case 'possible': {
          const test = possible.of(bound.call, bound.around?.kind === 'test' ? bound.around.test : null);
          return [{ ...at, binds: { kind: 'test', selector: test.selector, line: test.line } }];
        }
        case 'dangling':
          return [
            { ...at, binds: { kind: 'dangling', line: placeIn(source, bound.offset).line, between: bound.between } },
          ];
      }
    });
  });
}

function ofOwnLink(link: OwnLink, test: FoundTest, entry: Declared, module: Module): FoundLink {
  const { source, path: file } = module;
  const binds: Binding = { kind: 'test', selector: test.selector, line: test.line };
  const base = { file, relation: 'verifies' as const, target: link.id, source: link.source, binds };
  // Written in another file or put together from parts: the test itself is the place to go to.
  if (link.scope.module !== module || entry.site !== entry.call)
    return { ...base, ...placeIn(source, entry.site.getStart(source)) };
  const inside = sourceText(link.node, source).indexOf(link.id);
  return { ...base, ...placeIn(source, link.node.getStart(source) + Math.max(0, inside)) };
}

function unique(links: readonly FoundLink[]): readonly FoundLink[] {
  const seen = new Set<string>();
  const kept = links.filter((link) => {
    const key = `${link.relation} ${link.target} ${link.line}:${link.column} ${JSON.stringify(link.binds)}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
  return kept.sort((left, right) => left.line - right.line || left.column - right.column);
}

const limitsOf = (cut: string | null, file: string): FoundFile['problems'] =>
  cut === null
    ? []
    : [{ file, line: 1, column: 1, message: `the file has ${cut}, so it is not analysed whole`, limit: true }];

function problemsOf(source: ts.SourceFile, file: string): FoundFile['problems'] {
  // Internal to TypeScript, but kept by every version: the parser's own findings.
  const { parseDiagnostics } = source as ts.SourceFile & {
    readonly parseDiagnostics?: readonly ts.DiagnosticWithLocation[];
  };
  const [first] = parseDiagnostics ?? [];
  if (first === undefined) return [];
  const message = typeof first.messageText === 'string' ? first.messageText : first.messageText.messageText;
  return [{ file, ...placeIn(source, first.start), message: `the file does not parse: ${message}` }];
}
