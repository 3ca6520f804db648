/**
 * What people write: specs and their acceptance criteria.
 *
 * Field names are those of the spec files (contract, section 2), so that no mapping layer can lose one.
 * An optional field that the author did not write is absent, never a default: use the `…Of` functions to read it with its default.
 */
export const LEVELS = ['product', 'system', 'module', 'component', 'foundation'] as const;
export const STATUSES = ['draft', 'active', 'deprecated', 'retired'] as const;
export const REVIEWS = ['automated', 'manual', 'hybrid'] as const;
export const RISKS = ['low', 'medium', 'high', 'critical'] as const;
export const CONCERNS = ['correctness', 'security', 'performance', 'reliability', 'usability', 'operability'] as const;

/** How a criterion is checked, in the words of requirement standards. */
export const METHODS = ['test', 'review', 'analysis', 'inspection', 'demonstration'] as const;
/** What an entry of a spec's list is: a criterion, or text between criteria that gets no verdict. */
export const ENTRY_KINDS = ['criterion', 'note', 'heading'] as const;
/** In which language the texts are written; they are kept and shown as they are. */
export const MARKUPS = ['md', 'rst', 'xhtml', 'plain'] as const;

export type Method = (typeof METHODS)[number];
export type EntryKind = (typeof ENTRY_KINDS)[number];
export type Markup = (typeof MARKUPS)[number];
export type Level = (typeof LEVELS)[number];
export type Status = (typeof STATUSES)[number];
export type Review = (typeof REVIEWS)[number];
export type Risk = (typeof RISKS)[number];
export type Concern = (typeof CONCERNS)[number];

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A place in a text file. Lines and columns count from 1; `file` is relative to the project's root with `/` separators. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type LinkKind = 'test' | 'run' | 'manual';

/** What a command or report must give for its check to pass (contract, section 2). */
export interface Expectation {
  readonly exit?: number;
  /** `tap`, `junit:PATH` or `none`. */
  readonly report?: string;
  readonly min_executed?: number;
}

/** A `verified_by` entry as its author wrote it. `target` is the value of the `test`, `run` or `manual` key. */
export interface DeclaredLink {
  readonly kind: LinkKind;
  readonly target: string;
  readonly id?: string;
  readonly runner?: string;
  readonly in?: 'host' | 'docker';
  readonly environment?: string;
  readonly requires?: readonly string[];
  readonly needs?: readonly string[];
  readonly workspace?: 'fresh' | 'inherit';
  /** As written, for example `30s`; `parseDuration` of `util/duration.ts` gives milliseconds. */
  readonly timeout?: string;
  readonly inputs?: readonly string[];
  /** A map sets values; a list of names lets those variables of the caller through. Lists are kept as `{ NAME: null }`. */
  readonly env?: Readonly<Record<string, string | null>>;
  readonly features?: readonly string[];
  readonly ignored?: boolean;
  readonly artifacts?: readonly string[];
  readonly expect?: Expectation;
  readonly note?: string;
  /** Which of the criterion's `needs` it serves: `kind: utest` in a spec file. */
  readonly proves?: string;
  /** Where it stands in its spec file. Absent for links that an import made and no file holds yet. */
  readonly position?: Position;
}

/** An `implemented_by` entry: `code` is `path` or `path::symbol`. */
export interface ImplementationLink {
  readonly code: string;
  readonly note?: string;
  /** Which of the criterion's `needs` it serves (default: `impl`). */
  readonly proves?: string;
  readonly position?: Position;
}

/** A reference upwards: what this criterion covers, refines or derives from. */
export interface Trace {
  readonly to: string;
  readonly role?: string;
  /** The revision that is meant; another one is an outdated link. */
  readonly revision?: string;
}

/** A kind of `needs` that is given up on purpose, for a time: SKIP(waived), never a pass. */
export interface Waiver {
  readonly kind?: string;
  readonly reason: string;
  readonly issue?: string;
  /** Last day on which it holds: `2027-01-01`. */
  readonly until?: string;
}

/** Where an entry came from when another tool's file is, or was, its home. */
export interface ForeignSource {
  readonly format: string;
  /** The id as that tool writes it; matched exactly. */
  readonly id?: string;
  readonly status?: string;
  readonly file?: string;
  readonly line?: number;
}

export interface Criterion {
  readonly id: string;
  readonly title: string;
  readonly slug?: string;
  readonly revision?: string;
  /** Headings above it in its document, from the outermost on. */
  readonly section?: readonly string[];
  readonly kind?: EntryKind;
  readonly rationale?: string;
  readonly comments?: readonly string[];
  readonly tags?: readonly string[];
  readonly method?: readonly Method[];
  /** Kinds of evidence that it wants, each with a passing check of its own: `[impl, utest]`. */
  readonly needs?: readonly string[];
  readonly traces?: readonly Trace[];
  readonly waived?: readonly Waiver[];
  readonly attributes?: Readonly<Record<string, Json>>;
  readonly markup?: Markup;
  readonly source?: ForeignSource;
  readonly intent?: string;
  readonly description?: string;
  readonly review?: Review;
  readonly risk?: Risk;
  readonly concerns?: readonly Concern[];
  readonly status?: Status;
  readonly verified_by?: readonly DeclaredLink[];
  readonly implemented_by?: readonly ImplementationLink[];
  /** Why nothing verifies it yet. Makes it SKIP(gap). */
  readonly gap?: string;
  /** What an import brought and this format has no word for. */
  readonly extra?: Readonly<Record<string, Json>>;
  readonly position?: Position;
}

export interface Spec {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly status: Status;
  readonly slug?: string;
  readonly revision?: string;
  readonly tags?: readonly string[];
  readonly attributes?: Readonly<Record<string, Json>>;
  /** Which attributes its criteria may have, and which values. */
  readonly attributes_schema?: Readonly<Record<string, Json>>;
  readonly markup?: Markup;
  readonly source?: ForeignSource;
  readonly owner?: string;
  readonly intent?: string;
  readonly description?: string;
  readonly depends_on?: readonly string[];
  readonly constrained_by?: readonly string[];
  readonly criteria?: readonly Criterion[];
  readonly extra?: Readonly<Record<string, Json>>;
  readonly position?: Position;
}

/** All specs of one commit (or one state of the store), sorted by id. */
export interface Catalog {
  readonly specs: readonly Spec[];
}

/** The fields in which a spec names other specs. */
export const RELATIONS = ['depends_on', 'constrained_by'] as const;

/** A relation to a spec that is not there: `index` is its place in the list `field` of `spec`. */
export interface DanglingRelation {
  readonly spec: Spec;
  readonly field: (typeof RELATIONS)[number];
  readonly index: number;
  readonly target: string;
}

/** The relations of a catalog that lead nowhere, in its order. `others`: ids beside the catalog that count as there. */
export function danglingRelations(catalog: Catalog, others: Iterable<string> = []): readonly DanglingRelation[] {
  const ids = new Set([...others, ...catalog.specs.map((spec) => spec.id)]);
  return catalog.specs.flatMap((spec) =>
    RELATIONS.flatMap((field) =>
      (spec[field] ?? []).flatMap((target, index) => (ids.has(target) ? [] : [{ spec, field, index, target }])),
    ),
  );
}

export const reviewOf = (criterion: Criterion): Review => criterion.review ?? 'automated';
export const riskOf = (criterion: Criterion): Risk => criterion.risk ?? 'medium';
/** A criterion's own status, else its spec's. A retired spec retires all its criteria. */
export const statusOf = (spec: Spec, criterion: Criterion): Status =>
  spec.status === 'retired' ? 'retired' : (criterion.status ?? spec.status);
/** All entries of a spec in their order, notes and headings between the criteria included. */
export const entriesOf = (spec: Spec): readonly Criterion[] => spec.criteria ?? [];
/** The entries that can be checked: notes and headings are text, get no verdict and are counted nowhere. */
export const criteriaOf = (spec: Spec): readonly Criterion[] =>
  entriesOf(spec).filter((entry) => entry.kind === undefined || entry.kind === 'criterion');
