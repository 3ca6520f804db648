/**
 * catalog × scan → trace graph. A function of data: no file, clock, process or environment in it.
 */
import {
  criteriaOf,
  isDeclarationFile,
  statusOf,
  reviewOf,
  type Catalog,
  type Criterion,
  type DeclaredLink,
  type Diagnostic,
  type FoundFile,
  type FoundLink,
  type ImplementationLink,
  type Position,
  type ResolvedImplementation,
  type ResolvedLink,
  type Scan,
  type Spec,
  type TraceGraph,
  type TracedCriterion,
} from '../model/index.js';
import { nearest } from '../util/text.js';
import { diagnostic } from './diagnostic.js';
import { lint } from './lint.js';
import { believed, danglingTag, resolveDeclared, resolveDiscovered, type Tree } from './resolve.js';
import { parseSelector } from './selector.js';

const NOWHERE: Position = { file: 'specs', line: 1, column: 1 };

/** Files that `test:` and `code` links name; the scan must analyse them whether or not they hold a tag. */
export function namedFiles(catalog: Catalog): readonly string[] {
  const files = new Set<string>();
  for (const spec of catalog.specs)
    for (const criterion of criteriaOf(spec)) {
      for (const link of criterion.verified_by ?? [])
        if (link.kind === 'test') files.add(parseSelector(link.target).file);
      for (const link of criterion.implemented_by ?? []) files.add(parseSelector(link.code).file);
    }
  return [...files].sort();
}

function declaredLink(link: DeclaredLink, fallback: Position, tree: Tree): ResolvedLink {
  const base = {
    origin: 'declared' as const,
    kind: link.kind,
    label: link.target,
    declared: link,
    position: link.position ?? fallback,
  };
  if (link.kind === 'manual') return { ...base, tests: [], covers: 'instruction' };
  if (link.kind === 'run') return { ...base, tests: [], covers: 'command' };
  return { ...base, ...believed(resolveDeclared(link, tree), tree.files.get(parseSelector(link.target).file)) };
}

const spelling = (symbol: string): string => symbol.replaceAll('::', '.');

function implementation(link: ImplementationLink, fallback: Position, tree: Tree): ResolvedImplementation {
  const { file, path } = parseSelector(link.code);
  const symbol = path.length === 0 ? null : path.join('::');
  const base = {
    origin: 'declared' as const,
    file,
    symbol,
    line: 1,
    position: link.position ?? fallback,
    ...(link.proves === undefined ? {} : { proves: link.proves }),
  };
  if (!tree.paths.has(file))
    return { ...base, problem: { reason: 'dangling-link', message: `${file} is not in the project` } };
  const ambient = (what: string): ResolvedImplementation => ({
    ...base,
    problem: {
      reason: 'dangling-link',
      message: `${what} only declares what is implemented elsewhere; name the file that implements it`,
    },
  });
  if (isDeclarationFile(file)) return ambient(file);
  if (symbol === null) return base;
  // A method is `Cache.get` to one language and `Cache::get` to another; either spelling is understood.
  const wanted = spelling(symbol);
  const symbols = tree.files.get(file)?.symbols ?? [];
  const found =
    symbols.find((candidate) => spelling(candidate.name) === wanted) ??
    symbols.find((candidate) => candidate.name === path.at(-1));
  if (found?.ambient === true) return ambient(`${file}::${symbol}`);
  return found === undefined
    ? { ...base, problem: { reason: 'dangling-link', message: `${file} has no declaration "${symbol}"` } }
    : { ...base, line: found.line };
}

const discoveredImplementation = (link: FoundLink, file: FoundFile): ResolvedImplementation => ({
  origin: 'discovered',
  file: file.file,
  position: link,
  line: link.binds.kind === 'file' ? 1 : link.binds.line,
  symbol: link.binds.kind === 'code' ? link.binds.symbol : link.binds.kind === 'test' ? link.binds.selector : null,
  ...(link.binds.kind === 'dangling'
    ? { problem: { reason: 'dangling-tag', message: danglingTag(link.binds) } as const }
    : {}),
});

/** A tag that says what a declared link of the same criterion says already adds nothing. */
function sameCover(left: ResolvedLink, right: ResolvedLink): boolean {
  if (left.tests.length === 0 || left.tests.length !== right.tests.length) return false;
  return left.tests.every(
    (test, i) => test.selector === right.tests[i]?.selector && test.line === right.tests[i]?.line,
  );
}

/** Resolves every link and gathers the diagnostics of contract section 3, sorted by file and line. */
export function trace(catalog: Catalog, scan: Scan, paths: ReadonlySet<string>): TraceGraph {
  const tree: Tree = { paths, files: new Map(scan.files.map((file) => [file.file, file])) };
  const diagnostics: Diagnostic[] = [];
  const criteria = new Map<
    string,
    { spec: Spec; criterion: Criterion; links: ResolvedLink[]; implementations: ResolvedImplementation[] }
  >();
  const specImplementations: Record<string, ResolvedImplementation[]> = Object.create(null) as Record<
    string,
    ResolvedImplementation[]
  >;
  const specIds = new Set<string>();
  for (const spec of catalog.specs) {
    specIds.add(spec.id);
    for (const criterion of criteriaOf(spec)) {
      const at = criterion.position ?? spec.position ?? NOWHERE;
      criteria.set(criterion.id, {
        spec,
        criterion,
        links: (criterion.verified_by ?? []).map((link) => declaredLink(link, at, tree)),
        implementations: (criterion.implemented_by ?? []).map((link) => implementation(link, at, tree)),
      });
    }
  }
  const known = [...criteria.keys(), ...specIds];
  for (const file of scan.files) {
    for (const problem of file.problems)
      diagnostics.push(
        diagnostic(problem.limit === true ? 'analysis-limit' : 'parse-trouble', problem, problem.message),
      );
    for (const link of file.links) {
      const target = criteria.get(link.target);
      if (target === undefined) {
        if (link.relation === 'implements' && specIds.has(link.target)) {
          (specImplementations[link.target] ??= []).push(discoveredImplementation(link, file));
          continue;
        }
        const near = nearest(link.target, known);
        diagnostics.push(
          diagnostic(
            'unknown-id',
            link,
            specIds.has(link.target)
              ? `${link.target} is a spec; a test verifies a criterion (AC-…)`
              : `no spec declares ${link.target}`,
            {
              id: link.target,
              hint: near === null ? 'Add the criterion, or remove the tag.' : `Did you mean ${near}?`,
            },
          ),
        );
        continue;
      }
      if (link.relation === 'implements') {
        target.implementations.push(discoveredImplementation(link, file));
        continue;
      }
      const covered = believed(resolveDiscovered(link, file), file);
      const resolved: ResolvedLink = {
        origin: 'discovered',
        kind: 'test',
        label: covered.label,
        declared: { kind: 'test', target: covered.label },
        position: link,
        tests: covered.tests,
        covers: covered.covers,
        ...(covered.problem === undefined ? {} : { problem: covered.problem }),
      };
      if (!target.links.some((other) => sameCover(other, resolved))) target.links.push(resolved);
    }
  }
  const traced: TracedCriterion[] = [...criteria.values()];
  diagnostics.push(...lint(traced, scan));
  diagnostics.sort((left, right) =>
    left.file < right.file
      ? -1
      : left.file > right.file
        ? 1
        : left.line - right.line || left.column - right.column || (left.code < right.code ? -1 : 1),
  );
  return { criteria: traced, specImplementations, diagnostics };
}

/** Criteria without any link that could verify them, and why that is allowed or not. */
export const isUnlinked = (traced: TracedCriterion): boolean =>
  traced.links.length === 0 &&
  traced.criterion.gap === undefined &&
  reviewOf(traced.criterion) !== 'manual' &&
  statusOf(traced.spec, traced.criterion) !== 'retired';
