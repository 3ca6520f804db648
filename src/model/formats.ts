/**
 * The catalog formats by name. `catalog/formats/foreign` has one adapter for each name, which the compiler demands; the
 * command line takes its choices from here, so that `--help` loads no adapter.
 */
export const FOREIGN_FORMAT_NAMES = ['oft', 'openspec'] as const;
export type ForeignFormatName = (typeof FOREIGN_FORMAT_NAMES)[number];

/** `bootstrap-jsonl` is jsonl as coherence-bootstrap wrote it. */
export const IMPORT_FORMAT_NAMES = ['yaml', 'jsonl', 'bootstrap-jsonl', ...FOREIGN_FORMAT_NAMES] as const;
export type ImportFormatName = (typeof IMPORT_FORMAT_NAMES)[number];

export const EXPORT_FORMAT_NAMES = ['yaml', 'jsonl', ...FOREIGN_FORMAT_NAMES] as const;
export type ExportFormatName = (typeof EXPORT_FORMAT_NAMES)[number];

export const isForeignFormat = (name: string): name is ForeignFormatName =>
  (FOREIGN_FORMAT_NAMES as readonly string[]).includes(name);
