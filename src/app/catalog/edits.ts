/**
 * The edits behind `spec` and `ac`: functions from catalog to catalog. Writing is somebody else's (`applyCatalogChange`).
 */
import {
  entriesOf,
  failure,
  success,
  type Catalog,
  type Concern,
  type Criterion,
  type DeclaredLink,
  type Failure,
  type Level,
  type Result,
  type Review,
  type Risk,
  type Spec,
  type Status,
} from '../../model/index.js';
import { nearest } from '../../util/text.js';

export interface SpecFields {
  readonly title?: string;
  readonly level?: Level;
  readonly status?: Status;
  readonly intent?: string;
  readonly description?: string;
  readonly owner?: string;
}

export interface CriterionFields {
  readonly title?: string;
  readonly risk?: Risk;
  readonly review?: Review;
  readonly concerns?: readonly Concern[];
  readonly intent?: string;
  readonly description?: string;
  readonly status?: Status;
  readonly gap?: string;
}

const STRICT = /^(?:SPEC|AC)-[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const MAXIMUM = 160;

/** Why an id for something new is refused, or null. Ids that an import brought are not judged by this. */
export function idProblem(id: string, prefix: 'SPEC-' | 'AC-'): string | null {
  if (!id.startsWith(prefix)) return `An id here begins with ${prefix}.`;
  if (id.length > MAXIMUM) return `An id has at most ${MAXIMUM} characters; this one has ${id.length}.`;
  if (!STRICT.test(id))
    return `An id is ${prefix} and then letters, digits and . _ / -, beginning with a letter or digit.`;
  return id
    .slice(prefix.length)
    .split('/')
    .some((part) => part === '' || part === '.' || part === '..')
    ? 'An id has no empty, "." or ".." segment.'
    : null;
}

/** A slug is a path of names: what could lead elsewhere as a path is refused before `/` becomes `-`. */
const slugProblem = (slug: string | undefined): string | null =>
  slug !== undefined && slug.split('/').some((part) => part === '' || part === '.' || part === '..')
    ? 'A slug has no empty, "." or ".." segment.'
    : null;

const usage = (message: string, hint?: string): { readonly ok: false; readonly failures: readonly Failure[] } =>
  failure({ kind: 'usage', message, ...(hint === undefined ? {} : { hint }) });

const TITLE_LIMIT = 2000;
const titleProblem = (title: string | undefined): string | null =>
  title === undefined
    ? null
    : title.trim() === ''
      ? 'The title is empty.'
      : title.length > TITLE_LIMIT
        ? `The title has ${title.length} characters; ${TITLE_LIMIT} are allowed.`
        : null;

const sameId = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

export function allCriteria(catalog: Catalog): readonly { readonly spec: Spec; readonly criterion: Criterion }[] {
  return catalog.specs.flatMap((spec) => entriesOf(spec).map((criterion) => ({ spec, criterion })));
}

/** 66 with the nearest known id. */
export function unknownId(id: string, catalog: Catalog): Failure {
  const known = [...catalog.specs.map((spec) => spec.id), ...allCriteria(catalog).map((item) => item.criterion.id)];
  const near = nearest(id, known);
  return {
    kind: 'unknown-id',
    message: `${id} was not found: no spec or criterion has this id.`,
    hint: near === null ? '`coherence spec list` and `coherence ac list` show what there is.' : `Did you mean ${near}?`,
  };
}

function without<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T; // only absent optional keys are dropped
}

const sorted = (specs: readonly Spec[]): readonly Spec[] =>
  specs.toSorted((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
const replace = (catalog: Catalog, id: string, next: (spec: Spec) => Spec): Catalog => ({
  specs: catalog.specs.map((spec) => (spec.id === id ? next(spec) : spec)),
});

export interface Edit {
  readonly id: string;
  readonly catalog: Catalog;
}

export function addSpec(
  catalog: Catalog,
  request: { readonly slug?: string; readonly id?: string } & SpecFields,
): Result<Edit> {
  const id = request.id ?? (request.slug === undefined ? undefined : `SPEC-${request.slug.replaceAll('/', '-')}`);
  if (id === undefined)
    return usage(
      '`spec add` needs --slug S (or --id ID).',
      'For example: coherence spec add --slug payment-api --title "Payment API".',
    );
  const problem = slugProblem(request.slug) ?? idProblem(id, 'SPEC-');
  if (problem !== null) return usage(`"${id}" cannot be an id. ${problem}`);
  if (request.title === undefined) return usage('`spec add` needs --title T.');
  const wrongTitle = titleProblem(request.title);
  if (wrongTitle !== null) return usage(wrongTitle);
  const taken = catalog.specs.find((spec) => sameId(spec.id, id));
  if (taken !== undefined)
    return failure({
      kind: 'already-exists',
      message: `${taken.id} exists already.`,
      hint: `\`coherence spec edit ${taken.id}\` changes it.`,
    });
  const { id: _id, slug, title, level, status, ...rest } = request;
  const spec: Spec = without({
    id,
    title,
    level: level ?? 'module',
    status: status ?? 'active',
    ...(slug === undefined ? {} : { slug }),
    ...rest,
  });
  return success({ id, catalog: { specs: sorted([...catalog.specs, spec]) } });
}

export function editSpec(catalog: Catalog, id: string, fields: SpecFields): Result<Edit> {
  if (!catalog.specs.some((spec) => spec.id === id)) return failure(unknownId(id, catalog));
  if (Object.values(fields).every((value) => value === undefined))
    return usage('`spec edit` needs at least one field to change.', '`coherence spec edit --help` lists them.');
  const wrongTitle = titleProblem(fields.title);
  if (wrongTitle !== null) return usage(wrongTitle);
  return success({ id, catalog: replace(catalog, id, (spec) => cleared({ ...spec, ...without(fields) })) });
}

/** An optional text set to the empty string is removed. */
function cleared<T extends Spec | Criterion>(value: T): T {
  const optional = new Set(['intent', 'description', 'owner', 'gap']);
  return Object.fromEntries(Object.entries(value).filter(([key, item]) => !(optional.has(key) && item === ''))) as T; // required keys stay
}

export function removeSpec(catalog: Catalog, id: string): Result<Edit> {
  if (!catalog.specs.some((spec) => spec.id === id)) return failure(unknownId(id, catalog));
  const users = catalog.specs.filter(
    (spec) => spec.id !== id && [...(spec.depends_on ?? []), ...(spec.constrained_by ?? [])].includes(id),
  );
  if (users.length > 0)
    return usage(
      `${id} is named by ${users.map((spec) => spec.id).join(', ')} (depends_on or constrained_by).`,
      'Remove those entries first.',
    );
  return success({ id, catalog: { specs: catalog.specs.filter((spec) => spec.id !== id) } });
}

export function addCriterion(
  catalog: Catalog,
  request: { readonly spec?: string; readonly slug?: string; readonly id?: string } & CriterionFields,
): Result<Edit> {
  if (request.spec === undefined) return usage('`ac add` needs --spec ID.');
  const owner = catalog.specs.find((spec) => spec.id === request.spec);
  if (owner === undefined) return failure(unknownId(request.spec, catalog));
  const id =
    request.id ??
    (request.slug === undefined
      ? undefined
      : `AC-${owner.id.replace(/^SPEC-/, '')}-${request.slug.replaceAll('/', '-')}`);
  if (id === undefined) return usage('`ac add` needs --slug S (or --id ID).');
  const problem = slugProblem(request.slug) ?? idProblem(id, 'AC-');
  if (problem !== null) return usage(`"${id}" cannot be an id. ${problem}`);
  if (request.title === undefined) return usage('`ac add` needs --title T.');
  const wrongTitle = titleProblem(request.title);
  if (wrongTitle !== null) return usage(wrongTitle);
  const taken = allCriteria(catalog).find((item) => sameId(item.criterion.id, id));
  if (taken !== undefined)
    return failure({
      kind: 'already-exists',
      message: `${taken.criterion.id} exists already, in ${taken.spec.id}.`,
      hint: `\`coherence ac edit ${taken.criterion.id}\` changes it.`,
    });
  const { spec: _spec, id: _id, slug, title, ...rest } = request;
  const criterion: Criterion = without({ id, title, ...(slug === undefined ? {} : { slug }), ...rest });
  return success({
    id,
    catalog: replace(catalog, owner.id, (spec) => ({ ...spec, criteria: [...entriesOf(spec), criterion] })),
  });
}

/** Applies `change` to the criterion; its result may be a failure, which is passed on. */
function withCriterion(
  catalog: Catalog,
  id: string,
  change: (criterion: Criterion) => Result<Criterion | null>,
): Result<Edit> {
  const found = allCriteria(catalog).find((item) => item.criterion.id === id);
  if (found === undefined) return failure(unknownId(id, catalog));
  const changed = change(found.criterion);
  if (!changed.ok) return changed;
  const next = changed.value;
  const criteria = (spec: Spec): readonly Criterion[] =>
    entriesOf(spec).flatMap((criterion) => (criterion.id !== id ? [criterion] : next === null ? [] : [next]));
  return success({ id, catalog: replace(catalog, found.spec.id, (spec) => ({ ...spec, criteria: criteria(spec) })) });
}

export function editCriterion(catalog: Catalog, id: string, fields: CriterionFields): Result<Edit> {
  if (Object.values(fields).every((value) => value === undefined))
    return usage('`ac edit` needs at least one field to change.', '`coherence ac edit --help` lists them.');
  const wrongTitle = titleProblem(fields.title);
  if (wrongTitle !== null) return usage(wrongTitle);
  return withCriterion(catalog, id, (criterion) => {
    if (fields.gap !== undefined && fields.gap !== '' && (criterion.verified_by ?? []).length > 0)
      return usage(`${id} has declared links, so it cannot be a gap.`, 'Remove them with `coherence ac unlink` first.');
    return success(cleared({ ...criterion, ...without(fields) }));
  });
}

export const removeCriterion = (catalog: Catalog, id: string): Result<Edit> =>
  withCriterion(catalog, id, () => success(null));

export function linkCriterion(catalog: Catalog, id: string, link: DeclaredLink): Result<Edit> {
  return withCriterion(catalog, id, (criterion) => {
    if (criterion.gap !== undefined)
      return usage(`${id} is declared as a gap.`, `Clear it first: coherence ac edit ${id} --gap=""`);
    const links = criterion.verified_by ?? [];
    if (links.some((other) => other.kind === link.kind && other.target === link.target))
      return failure({ kind: 'already-exists', message: `${id} has this link already: ${link.target}` });
    return success({ ...criterion, verified_by: [...links, link] });
  });
}

export function unlinkCriterion(catalog: Catalog, id: string, target: string): Result<Edit> {
  return withCriterion(catalog, id, (criterion) => {
    const links = criterion.verified_by ?? [];
    const rest = links.filter((link) => link.target !== target && link.id !== target);
    if (rest.length === links.length) {
      return failure({
        kind: 'unknown-id',
        message: `${id} has no declared link "${target}".`,
        hint:
          links.length === 0
            ? 'It has no declared link at all; a tag in code is removed there.'
            : `It has: ${links.map((link) => link.target).join('; ')}`,
      });
    }
    const { verified_by: _links, ...others } = criterion;
    return success(rest.length === 0 ? others : { ...others, verified_by: rest });
  });
}
