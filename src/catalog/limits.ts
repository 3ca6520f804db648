/** Limits of spec files, which errors name and docs/spec-files.md lists. Characters are code points. */
export const LIMITS = {
  title: 500,
  text: 65_536,
  note: 4096,
  command: 16_384,
  selector: 2048,
  path: 1024,
  criteria: 10_000,
  links: 1000,
  references: 1000,
  names: 200,
  files: 100_000,
} as const;
