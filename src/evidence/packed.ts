/**
 * The form of a record on disk, schema `coherence.verify/2`: what the checks of one batch have in common stands once, in
 * `batches`; a check names its batch and holds what differs. A short record is written out whole, so that it can be read
 * by eye. Readers get the same record from both, and from schema 1, which had everything in each check.
 */
import type { CheckRecord, CriterionRecord, RunRecord, SpecRecord } from '../model/index.js';

const SHARED = [
  'kind',
  'runner',
  'place',
  'verdict',
  'reason',
  'proof',
  'file',
  'command',
  'exit_code',
  'attempt',
  'cached',
  'env',
  'source_hash',
  'image_id',
  'layers',
  'output',
  'output_sha256',
] as const satisfies readonly (keyof CheckRecord)[];

type Facts = Readonly<Record<string, unknown>>;

/** A command that is its link, in a shell; a variable that is the criterion's own id. They would differ in each check. */
const LINK_COMMAND = ['sh', '-c', '{link}'];
const OWN_ID = '{criterion}';
const ID_VARIABLE = 'COHERENCE_AC_ID';

/** Checks up to which a record is written out. */
const SHORT = 50;

interface PackedCriterion extends Omit<CriterionRecord, 'checks'> {
  readonly checks: readonly Facts[];
}
interface PackedSpec extends Omit<SpecRecord, 'criteria'> {
  readonly criteria: readonly PackedCriterion[];
}
export interface PackedRecord extends Omit<RunRecord, 'schema' | 'specs'> {
  readonly schema: 'coherence.verify/2';
  readonly batches: readonly Facts[];
  readonly specs: readonly PackedSpec[];
}

/** Numbers equal values: one that was seen as the very same object is not compared again, however long it is. */
class Numbers {
  readonly #byObject = new Map<object, number>();
  readonly #byText = new Map<string, number>();

  of(value: object): number {
    const known = this.#byObject.get(value);
    if (known !== undefined) return known;
    const text = JSON.stringify(value);
    const number = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, number);
    this.#byObject.set(value, number);
    return number;
  }
}

const isLinkCommand = ({ command, link }: CheckRecord): boolean =>
  command.length === 3 && command[0] === 'sh' && command[1] === '-c' && command[2] === link;

/** Where a run's files lie, and what has no content: as short words. */
const HERE = '@/';
const EMPTY = 'empty';
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const PATHS = ['output', 'stderr'] as const;
const HASHES = ['output_sha256', 'stderr_sha256'] as const;

const TIMES = ['started_at', 'ended_at'] as const;

/** The run that checks belong to: what their paths and times are relative to. */
type Base = Pick<RunRecord, 'run' | 'started_at'>;

function shortened(check: CheckRecord, base: Base): Facts {
  const prefix = `.coherence/runs/${base.run}/`;
  const facts: Record<string, unknown> = { ...check };
  for (const name of PATHS)
    if (check[name]?.startsWith(prefix) === true) facts[name] = HERE + check[name].slice(prefix.length);
  for (const name of HASHES) if (check[name] === EMPTY_SHA256) facts[name] = EMPTY;
  for (const name of TIMES) {
    const time = check[name] === null ? Number.NaN : Date.parse(check[name]);
    // Milliseconds since the run began, where that gives the same text back.
    if (!Number.isNaN(time) && new Date(time).toISOString() === check[name])
      facts[name] = time - Date.parse(base.started_at);
  }
  return facts;
}

function lengthened(packed: Facts, base: Base): Facts {
  const facts: Record<string, unknown> = { ...packed };
  for (const name of PATHS) {
    const value = facts[name];
    if (typeof value === 'string' && value.startsWith(HERE))
      facts[name] = `.coherence/runs/${base.run}/${value.slice(HERE.length)}`;
  }
  for (const name of HASHES) if (facts[name] === EMPTY) facts[name] = EMPTY_SHA256;
  for (const name of TIMES) {
    const time = facts[name];
    if (typeof time === 'number') facts[name] = new Date(Date.parse(base.started_at) + time).toISOString();
  }
  return facts;
}

function withMarks(check: CheckRecord, criterion: string, base: Base): Facts {
  return {
    ...shortened(check, base),
    ...(isLinkCommand(check) ? { command: LINK_COMMAND } : {}),
    ...(check.env[ID_VARIABLE] === criterion ? { env: { ...check.env, [ID_VARIABLE]: OWN_ID } } : {}),
  };
}

/** The record as it is written. */
export function packRecord(record: RunRecord): PackedRecord {
  const { schema: _schema, specs, ...rest } = record;
  const count = specs.reduce(
    (sum, spec) => sum + spec.criteria.reduce((inner, criterion) => inner + criterion.checks.length, 0),
    0,
  );
  const batches: Facts[] = [];
  const packed = (pack: (check: CheckRecord, criterion: string) => Facts): PackedRecord => ({
    schema: 'coherence.verify/2',
    ...rest,
    batches,
    specs: specs.map((spec) => ({
      ...spec,
      criteria: spec.criteria.map((criterion) => ({
        ...criterion,
        checks: criterion.checks.map((check) => pack(check, criterion.id)),
      })),
    })),
  });
  if (count <= SHORT) return packed((check) => ({ ...check }));
  const numbers = new Numbers();
  const numberOf = new Map<string, number>();
  const packCheck = (check: CheckRecord, criterion: string): Facts => {
    const facts = withMarks(check, criterion, record);
    const command = facts['command'] as readonly string[]; // CheckRecord's own, or the mark for it
    const key = JSON.stringify([check.runner, check.place, check.cached, numbers.of(command)]);
    const known = numberOf.get(key);
    const batch = known ?? batches.push(Object.fromEntries(SHARED.map((name) => [name, facts[name]]))) - 1;
    numberOf.set(key, batch);
    const shared = batches[batch] ?? {};
    const isSame = (name: string): boolean => {
      const [left, right] = [shared[name], facts[name]];
      if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
        return left === right;
      return left === right || numbers.of(left) === numbers.of(right);
    };
    const differing = Object.entries(facts).filter(
      ([name]) => !(SHARED as readonly string[]).includes(name) || !isSame(name),
    );
    return { batch, ...Object.fromEntries(differing) };
  };
  return packed(packCheck);
}

/** The record that was packed. Common values are shared objects, so that a record of many checks stays small in memory. */
export function unpackRecord(packed: PackedRecord): RunRecord {
  const { schema: _schema, batches, specs, ...rest } = packed;
  const unpackCheck = (check: Facts, criterion: string): CheckRecord => {
    const { batch, ...own } = check;
    const facts = lengthened({ ...(typeof batch === 'number' ? batches[batch] : {}), ...own }, packed);
    const command = facts['command'] as readonly string[] | undefined; // as packRecord wrote it
    const env = facts['env'] as Readonly<Record<string, string>> | undefined; // the same
    return {
      ...facts,
      ...(command?.[2] === '{link}' && command.length === 3 ? { command: ['sh', '-c', String(facts['link'])] } : {}),
      ...(env?.[ID_VARIABLE] === OWN_ID ? { env: { ...env, [ID_VARIABLE]: criterion } } : {}),
    } as unknown as CheckRecord; // the fields that packRecord took apart
  };
  return {
    schema: 'coherence.verify/1',
    ...rest,
    specs: specs.map((spec) => ({
      ...spec,
      criteria: spec.criteria.map((criterion) => ({
        ...criterion,
        checks: criterion.checks.map((check) => unpackCheck(check, criterion.id)),
      })),
    })),
  };
}
