/**
 * One description of a file's structure, from which its reader, its JSON Schema for editors and its documentation are made.
 */
interface Typed<T> {
  /** Carries the TypeScript type of what a shape reads; never set. */
  readonly type?: T;
}

interface Described {
  /** One sentence for editors and documentation. */
  readonly doc?: string;
}

export interface TextShape extends Described {
  readonly kind: 'text';
  readonly max: number;
  /** True when the empty text is allowed. */
  readonly empty: boolean;
  /** True when an integer may stand for its digits, as in `timeout: 30`. */
  readonly digits: boolean;
  /** True when an empty value is read as null. */
  readonly nullable: boolean;
  /** Short for a record with this one key: the text is read as that record, with its position. */
  readonly as?: string;
  readonly pattern?: RegExp;
  /** Completes "… must be ", for example `letters, digits and -`. */
  readonly says?: string;
  /** Why a value is refused (completes "… because "), or null. For what a pattern cannot say. */
  readonly check?: (value: string) => string | null;
  /** How the refusals of `check` are called; the file's own kind when absent. */
  readonly refusal?: 'unsafe-path';
}

export interface ChoiceShape extends Described {
  readonly kind: 'choice';
  readonly values: readonly string[];
}

export interface NumberShape extends Described {
  readonly kind: 'number';
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
}

export interface BooleanShape extends Described {
  readonly kind: 'boolean';
}

export interface ListShape extends Described {
  readonly kind: 'list';
  readonly of: AnyShape;
  readonly max: number;
}

export interface RecordShape extends Described {
  readonly kind: 'record';
  readonly fields: Readonly<Record<string, AnyShape>>;
  readonly required: readonly string[];
  /** Exactly one of these must be there. */
  readonly oneOf?: readonly string[];
  /** Pairs that may not stand together. */
  readonly apart?: readonly (readonly [string, string])[];
  /** Adds `position` of the record's first character to what is read. */
  readonly position: boolean;
  /** True when a key with nothing behind it stands for an empty mapping. */
  readonly empty: boolean;
  /** What to do about a key that is unknown here, or null for the nearest known one. */
  readonly hint?: (key: string) => string | null;
}

export interface MapShape extends Described {
  readonly kind: 'map';
  readonly of: AnyShape;
  readonly max: number;
  readonly keys: RegExp;
  /** What a key must be, for the message. */
  readonly keysSay: string;
}

/** Told apart by the kind of node that stands there: text, number, list, mapping. */
export interface EitherShape extends Described {
  readonly kind: 'either';
  readonly of: readonly AnyShape[];
}

/** Any JSON value. */
export interface JsonShape extends Described {
  readonly kind: 'json';
  /** True when it must be a mapping. */
  readonly mapping: boolean;
}

export type AnyShape =
  | TextShape
  | ChoiceShape
  | NumberShape
  | BooleanShape
  | ListShape
  | RecordShape
  | MapShape
  | EitherShape
  | JsonShape;
export type Shape<T> = AnyShape & Typed<T>;

type TextOptions = Partial<Omit<TextShape, 'kind' | 'max'>>;

export const text = (max: number, options: TextOptions = {}): Shape<string> => ({
  kind: 'text',
  max,
  empty: false,
  digits: false,
  nullable: false,
  ...options,
});
export const choice = <V extends string>(values: readonly V[], doc?: string): Shape<V> => ({
  kind: 'choice',
  values,
  ...(doc === undefined ? {} : { doc }),
});
export const integer = (min: number, max: number, doc?: string): Shape<number> => ({
  kind: 'number',
  integer: true,
  min,
  max,
  ...(doc === undefined ? {} : { doc }),
});
export const boolean = (doc?: string): Shape<boolean> => ({ kind: 'boolean', ...(doc === undefined ? {} : { doc }) });
export const list = <T>(of: Shape<T>, max: number, doc?: string): Shape<readonly T[]> => ({
  kind: 'list',
  of,
  max,
  ...(doc === undefined ? {} : { doc }),
});
export const map = <T>(
  of: Shape<T>,
  max: number,
  keys: RegExp,
  keysSay: string,
  doc?: string,
): Shape<Readonly<Record<string, T>>> => ({
  kind: 'map',
  of,
  max,
  keys,
  keysSay,
  ...(doc === undefined ? {} : { doc }),
});
export const either = <T>(of: readonly Shape<T>[], doc?: string): Shape<T> => ({
  kind: 'either',
  of,
  ...(doc === undefined ? {} : { doc }),
});
export const json = <T>(mapping: boolean, doc?: string): Shape<T> => ({
  kind: 'json',
  mapping,
  ...(doc === undefined ? {} : { doc }),
});

type RecordOptions<T> = {
  readonly required?: readonly (keyof T & string)[];
  readonly oneOf?: readonly (keyof T & string)[];
  readonly apart?: readonly (readonly [keyof T & string, keyof T & string])[];
  readonly position?: boolean;
  readonly empty?: boolean;
  readonly hint?: (key: string) => string | null;
  readonly doc?: string;
};

/** A mapping with fixed keys. `T` without `position`, which the reader adds. */
export const record = <T>(
  fields: { readonly [K in Exclude<keyof T & string, 'position'>]-?: Shape<Exclude<T[K], undefined>> },
  options: RecordOptions<T> = {},
): Shape<T> => ({
  kind: 'record',
  fields,
  required: options.required ?? [],
  position: options.position ?? false,
  empty: options.empty ?? false,
  ...(options.hint === undefined ? {} : { hint: options.hint }),
  ...(options.oneOf === undefined ? {} : { oneOf: options.oneOf }),
  ...(options.apart === undefined ? {} : { apart: options.apart }),
  ...(options.doc === undefined ? {} : { doc: options.doc }),
});
