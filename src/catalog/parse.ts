import { failure, success, type Failure, type Position, type Result, type Spec } from '../model/index.js';
import { idTrouble } from './ids.js';
import { toSpec } from './record.js';
import { specShape } from './spec-shape.js';
import { parseYaml, quoted, readShape, yaml, type YamlSource } from '../yaml/index.js';

/**
 * One spec file → its spec. `file` is relative to the project's root and goes into positions and failures.
 * Failures (`invalid-spec`, `unsafe-path`): all of the file at once, each with file:line:column and what to do. Never throws.
 */
export function parseSpecText(text: string | Uint8Array, file: string): Result<Spec> {
  const parsed = parseSpecSource(text, file);
  return parsed.ok ? success(parsed.value.spec) : parsed;
}

/** The same with the nodes, for edits. */
export function parseSpecSource(
  text: string | Uint8Array,
  file: string,
): Result<{ readonly spec: Spec; readonly source: YamlSource }> {
  const parsed = parseYaml(text, file, 'invalid-spec');
  if (!parsed.ok) return parsed;
  const { source } = parsed;
  const { value, failures } = readShape(specShape, source.root, source);
  if (value === undefined || failures.length > 0) return failure(...failures);
  const spec = toSpec(value);
  const wrong = idFailures(spec);
  return wrong.length > 0 ? failure(...wrong) : success({ spec, source });
}

/** Where the value at a path of keys and indices stands; null where the file does not say it in so many words (aliases, merges). */
export function placeInSpec(bytes: Uint8Array, file: string, path: readonly (string | number)[]): Position | null {
  const parsed = parseYaml(bytes, file, 'invalid-spec');
  if (!parsed.ok) return null;
  const node = parsed.source.document.getIn(path, true);
  const range = yaml.isNode(node) ? node.range : null;
  return range === null || range === undefined ? null : { file, ...parsed.source.at(range[0]) };
}

function idFailures(spec: Spec): Failure[] {
  const failures: Failure[] = [];
  const check = (id: string, prefix: 'SPEC-' | 'AC-', imported: boolean, position: Position | undefined): void => {
    const why = idTrouble(id, prefix, imported);
    if (why === null || position === undefined) return;
    failures.push({
      kind: 'invalid-spec',
      ...position,
      message: `The id ${quoted(id)} is refused, because ${why}.`,
      hint: `Write ${prefix} and a name of letters, digits, ".", "_", "/" and "-".`,
    });
  };
  check(spec.id, 'SPEC-', spec.extra !== undefined, spec.position);
  for (const criterion of spec.criteria ?? [])
    check(criterion.id, 'AC-', criterion.extra !== undefined, criterion.position);
  return failures;
}
