/** `ac add|list|show|edit|rm|link|unlink` */
import {
  addCriterion,
  allCriteria,
  catalogAt,
  editCriterion,
  linkCriterion,
  removeCriterion,
  unknownId,
  unlinkCriterion,
  type CriterionFields,
} from '../../app/index.js';
import {
  CONCERNS,
  failure,
  REVIEWS,
  RISKS,
  STATUSES,
  type Concern,
  type DeclaredLink,
  type Failure,
  type LinkKind,
} from '../../model/index.js';
import { parseDuration } from '../../util/duration.js';
import { unsafePathReason } from '../../util/files.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withSpecs } from './context.js';
import { criterionText, plainCriterion } from './criterion.js';
import { applyEdit, oneOf } from './spec.js';

function fields(input: Input): CriterionFields {
  const text = (name: 'title' | 'intent' | 'description' | 'gap'): Partial<CriterionFields> =>
    input.text(name) === undefined ? {} : { [name]: input.text(name) };
  const risk = oneOf(RISKS, input.text('risk'));
  const review = oneOf(REVIEWS, input.text('review'));
  const status = oneOf(STATUSES, input.text('status'));
  const concerns = input.list('concern').flatMap((value): Concern[] => {
    const concern = oneOf(CONCERNS, value);
    return concern === undefined ? [] : [concern];
  });
  return {
    ...text('title'),
    ...text('intent'),
    ...text('description'),
    ...text('gap'),
    ...(risk === undefined ? {} : { risk }),
    ...(review === undefined ? {} : { review }),
    ...(status === undefined ? {} : { status }),
    ...(concerns.length === 0 ? {} : { concerns: [...new Set(concerns)] }),
  };
}

export async function add(input: Input, context: CommandContext): Promise<number> {
  const optional = (name: 'spec' | 'slug' | 'id'): { spec?: string; slug?: string; id?: string } =>
    input.text(name) === undefined ? {} : { [name]: input.text(name) };
  return applyEdit(
    context,
    (id) => `Add ${id}`,
    (catalog) =>
      addCriterion(catalog, { ...fields(input), ...optional('spec'), ...optional('slug'), ...optional('id') }),
  );
}

export async function edit(input: Input, context: CommandContext): Promise<number> {
  return applyEdit(
    context,
    (id) => `Edit ${id}`,
    (catalog) => editCriterion(catalog, input.args[0] ?? '', fields(input)),
  );
}

export async function remove(input: Input, context: CommandContext): Promise<number> {
  return applyEdit(
    context,
    (id) => `Remove ${id}`,
    (catalog) => removeCriterion(catalog, input.args[0] ?? ''),
  );
}

function linkOf(input: Input): DeclaredLink | Failure {
  const kinds = (['test', 'run', 'manual'] as const).filter((kind): kind is LinkKind => input.has(kind));
  const kind = kinds[0];
  if (kind === undefined || kinds.length > 1)
    return { kind: 'usage', message: '`ac link` needs exactly one of --test, --run and --manual.' };
  const target = input.text(kind) ?? '';
  if (target.trim() === '') return { kind: 'usage', message: `--${kind} is empty.` };
  const unsafe = kind === 'test' ? unsafePathReason(target.split(/ > |::/)[0] ?? '') : null;
  if (unsafe !== null)
    return {
      kind: 'unsafe-path',
      message: `--test ${target} is refused: ${unsafe}.`,
      hint: 'Name a file below the project.',
    };
  const timeout = input.text('timeout');
  if (timeout !== undefined && parseDuration(timeout) === null)
    return { kind: 'usage', message: `--timeout cannot be "${timeout}".`, hint: 'Write 500ms, 30s, 5m or 1h.' };
  const requires = input.list('requires');
  const place = oneOf(['host', 'docker'] as const, input.text('in'));
  const text = (name: 'runner' | 'environment' | 'timeout' | 'note'): object =>
    input.text(name) === undefined ? {} : { [name]: input.text(name) };
  return {
    kind,
    target,
    ...text('runner'),
    ...(place === undefined ? {} : { in: place }),
    ...text('environment'),
    ...(requires.length === 0 ? {} : { requires }),
    ...text('timeout'),
    ...text('note'),
  };
}

export async function link(input: Input, context: CommandContext): Promise<number> {
  const declared = linkOf(input);
  return applyEdit(
    context,
    (id) => `Link ${id}`,
    (catalog) => ('message' in declared ? failure(declared) : linkCriterion(catalog, input.args[0] ?? '', declared)),
  );
}

export async function unlink(input: Input, context: CommandContext): Promise<number> {
  return applyEdit(
    context,
    (id) => `Unlink ${id}`,
    (catalog) => unlinkCriterion(catalog, input.args[0] ?? '', input.args[1] ?? ''),
  );
}

export async function list(input: Input, context: CommandContext): Promise<number> {
  const wanted = input.text('spec');
  return withSpecs(
    context,
    async (project) =>
      settle(context, catalogAt(project, input.text('at')), (catalog) => {
        if (wanted !== undefined && !catalog.specs.some((spec) => spec.id === wanted))
          return reportFailures([unknownId(wanted, catalog)], context.streams);
        const found = allCriteria(catalog)
          .filter((item) => wanted === undefined || item.spec.id === wanted)
          .toSorted((a, b) => (a.criterion.id < b.criterion.id ? -1 : 1));
        if (context.json)
          return printJson(context, {
            criteria: found.map((item) => ({ spec: item.spec.id, ...plainCriterion(item.criterion) })),
          });
        for (const { spec, criterion } of found)
          context.streams.out(
            `${visibleLine(criterion.id)}\t${visibleLine(spec.id)}\t${visibleLine(criterion.title)}\n`,
          );
        return 0;
      }),
    input.text('at') === undefined,
  );
}

export async function show(input: Input, context: CommandContext): Promise<number> {
  const id = input.args[0] ?? '';
  return withSpecs(
    context,
    async (project) =>
      settle(context, catalogAt(project, input.text('at')), (catalog) => {
        const found = allCriteria(catalog).find((item) => item.criterion.id === id);
        if (found === undefined) return reportFailures([unknownId(id, catalog)], context.streams);
        if (context.json) return printJson(context, { spec: found.spec.id, ...plainCriterion(found.criterion) });
        context.streams.out(`${criterionText(found.criterion).join('\n')}\n    of ${visibleLine(found.spec.id)}\n`);
        return 0;
      }),
    input.text('at') === undefined,
  );
}
