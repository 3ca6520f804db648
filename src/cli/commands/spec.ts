/** `spec add|list|show|edit|rm` */
import {
  addSpec,
  applyCatalogChange,
  catalogAt,
  editSpec,
  removeSpec,
  unknownId,
  type Edit,
  type SpecFields,
} from '../../app/index.js';
import { criteriaOf, LEVELS, STATUSES, success, type Catalog, type Result, type Spec } from '../../model/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { criterionText, plainCriterion } from './criterion.js';
import { printJson, settle, withProject, withSpecs } from './context.js';

/** The value if it is one of the list; the table has refused every other by now. */
export const oneOf = <T extends string>(values: readonly T[], value: string | undefined): T | undefined =>
  values.find((candidate) => candidate === value);

function fields(input: Input): SpecFields {
  const text = (name: 'title' | 'intent' | 'description' | 'owner'): Partial<SpecFields> =>
    input.text(name) === undefined ? {} : { [name]: input.text(name) };
  const level = oneOf(LEVELS, input.text('level'));
  const status = oneOf(STATUSES, input.text('status'));
  return {
    ...text('title'),
    ...text('intent'),
    ...text('description'),
    ...text('owner'),
    ...(level === undefined ? {} : { level }),
    ...(status === undefined ? {} : { status }),
  };
}

/** Runs an edit of the catalog and prints the id it was about. */
export async function applyEdit(
  context: CommandContext,
  message: (id: string) => string,
  edit: (catalog: Catalog) => Result<Edit>,
): Promise<number> {
  return withProject(context, async (project) => {
    let id = '';
    const applied = applyCatalogChange(project, message, (catalog) => {
      const edited = edit(catalog);
      if (!edited.ok) return edited;
      id = edited.value.id;
      return success(edited.value.catalog);
    });
    return settle(context, applied, () => {
      if (context.json) return printJson(context, { id });
      context.streams.out(`${id}\n`);
      return 0;
    });
  });
}

export async function add(input: Input, context: CommandContext): Promise<number> {
  const slug = input.text('slug');
  const id = input.text('id');
  return applyEdit(
    context,
    (added) => `Add ${added}`,
    (catalog) =>
      addSpec(catalog, {
        ...fields(input),
        ...(slug === undefined ? {} : { slug }),
        ...(id === undefined ? {} : { id }),
      }),
  );
}

export async function edit(input: Input, context: CommandContext): Promise<number> {
  return applyEdit(
    context,
    (id) => `Edit ${id}`,
    (catalog) => editSpec(catalog, input.args[0] ?? '', fields(input)),
  );
}

export async function remove(input: Input, context: CommandContext): Promise<number> {
  return applyEdit(
    context,
    (id) => `Remove ${id}`,
    (catalog) => removeSpec(catalog, input.args[0] ?? ''),
  );
}

/** A spec without positions, for `--json`. */
function plainSpec(spec: Spec): object {
  const { position: _position, criteria: _criteria, ...rest } = spec;
  return { ...rest, criteria: criteriaOf(spec).map(plainCriterion) };
}

export async function list(input: Input, context: CommandContext): Promise<number> {
  return withSpecs(
    context,
    async (project) =>
      settle(context, catalogAt(project, input.text('at')), (catalog) => {
        const status = input.text('status');
        const level = input.text('level');
        const specs = catalog.specs.filter(
          (spec) => (status === undefined || spec.status === status) && (level === undefined || spec.level === level),
        );
        if (context.json) return printJson(context, { specs: specs.map(plainSpec) });
        for (const spec of specs)
          context.streams.out(
            `${visibleLine(spec.id)}\t${spec.level}\t${spec.status}\t${criteriaOf(spec).length} AC\t${visibleLine(spec.title)}\n`,
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
        const spec = catalog.specs.find((candidate) => candidate.id === id);
        if (spec === undefined) return reportFailures([unknownId(id, catalog)], context.streams);
        if (context.json) return printJson(context, plainSpec(spec));
        const lines = [
          `${visibleLine(spec.id)}  ${visibleLine(spec.title)}`,
          `level ${spec.level}, status ${spec.status}${spec.slug === undefined ? '' : `, slug ${visibleLine(spec.slug)}`}${spec.owner === undefined ? '' : `, owner ${visibleLine(spec.owner)}`}`,
        ];
        for (const text of [spec.intent, spec.description])
          if (text !== undefined && text !== '')
            lines.push(
              '',
              ...text
                .trimEnd()
                .split('\n')
                .map((line) => `  ${visibleLine(line)}`),
            );
        if (spec.depends_on !== undefined) lines.push(`depends on ${spec.depends_on.map(visibleLine).join(', ')}`);
        if (spec.constrained_by !== undefined)
          lines.push(`constrained by ${spec.constrained_by.map(visibleLine).join(', ')}`);
        lines.push('', ...criteriaOf(spec).flatMap((criterion) => criterionText(criterion)));
        context.streams.out(`${lines.join('\n')}\n`);
        return 0;
      }),
    input.text('at') === undefined,
  );
}
