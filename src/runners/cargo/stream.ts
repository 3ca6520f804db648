/**
 * The stream of `cargo … --message-format=json`: what was compiled, what was taken as fresh, what did not compile.
 */
import { asList, asObject, asText, parseObject, texts, type JsonObject } from './json.js';

export interface Artifact {
  readonly packageId: string;
  readonly manifestPath: string;
  readonly target: { readonly name: string; readonly kind: readonly string[]; readonly sourcePath: string };
  /** True for a test executable (or a library compiled with `cfg(test)`). */
  readonly test: boolean;
  /** Cargo found that nothing had to be compiled. Only mtimes stand behind that. */
  readonly fresh: boolean;
  readonly executable: string | null;
  readonly filenames: readonly string[];
}

/** What a build script gave. */
export interface ScriptRun {
  readonly packageId: string;
  readonly env: readonly (readonly [string, string])[];
  readonly outDirectory: string;
  readonly linkedPaths: readonly string[];
}

export interface CompilerError {
  readonly packageId: string;
  readonly message: string;
  /** Relative to the workspace's root (or absolute), null when the error has no place. */
  readonly file: string | null;
  readonly line: number | null;
  /** The compiler's own rendering, without colours. */
  readonly rendered: string;
}

export interface BuildStream {
  readonly artifacts: readonly Artifact[];
  readonly scripts: readonly ScriptRun[];
  readonly errors: readonly CompilerError[];
  /** Null when cargo ended before it said how the build went. */
  readonly success: boolean | null;
}

/** True for a package that comes from a path: its sources can change without its version changing. */
export const isPathPackage = (packageId: string): boolean =>
  packageId.startsWith('path+') || packageId.includes('(path+');

/** Names a unit of compilation across several streams of one target directory. */
export const unitKey = (artifact: Artifact): string =>
  [
    artifact.packageId,
    artifact.target.kind.join(','),
    artifact.target.name,
    artifact.test ? 'test' : '',
    artifact.filenames[0] ?? '',
  ].join('|');

function readArtifact(message: JsonObject): Artifact | null {
  const target = asObject(message['target']);
  const packageId = asText(message['package_id']);
  const name = asText(target?.['name']);
  if (target === null || packageId === null || name === null) return null;
  return {
    packageId,
    manifestPath: asText(message['manifest_path']) ?? '',
    target: { name, kind: texts(target['kind']), sourcePath: asText(target['src_path']) ?? '' },
    test: asObject(message['profile'])?.['test'] === true,
    // Whatever is not a plain `false` counts as fresh: the doubt is for the gate to resolve.
    fresh: message['fresh'] !== false,
    executable: asText(message['executable']),
    filenames: texts(message['filenames']),
  };
}

function readScript(message: JsonObject): ScriptRun | null {
  const packageId = asText(message['package_id']);
  if (packageId === null) return null;
  const env = asList(message['env']).flatMap((pair): (readonly [string, string])[] => {
    const [name, value] = texts(pair);
    return name === undefined || value === undefined ? [] : [[name, value]];
  });
  return {
    packageId,
    env,
    outDirectory: asText(message['out_dir']) ?? '',
    linkedPaths: texts(message['linked_paths']),
  };
}

function readError(message: JsonObject): CompilerError | null {
  const inner = asObject(message['message']);
  const packageId = asText(message['package_id']);
  const level = asText(inner?.['level']);
  if (inner === null || packageId === null || level === null || !level.startsWith('error')) return null;
  const spans = asList(inner['spans']).map(asObject);
  const place = spans.find((span) => span?.['is_primary'] === true) ?? spans[0] ?? null;
  const line = place?.['line_start'];
  return {
    packageId,
    message: asText(inner['message']) ?? 'error',
    file: asText(place?.['file_name']),
    line: typeof line === 'number' ? line : null,
    rendered: asText(inner['rendered']) ?? '',
  };
}

/** Reads a whole stream; lines that are not JSON (output of tests, warnings) are passed over. */
export function readStream(text: string): BuildStream {
  const artifacts: Artifact[] = [];
  const scripts: ScriptRun[] = [];
  const errors: CompilerError[] = [];
  let success: boolean | null = null;
  for (const line of text.split('\n')) {
    const message = parseObject(line);
    const reason = message === null ? null : asText(message['reason']);
    if (message === null || reason === null) continue;
    if (reason === 'compiler-artifact') {
      const artifact = readArtifact(message);
      if (artifact !== null) artifacts.push(artifact);
    } else if (reason === 'build-script-executed') {
      const script = readScript(message);
      if (script !== null) scripts.push(script);
    } else if (reason === 'compiler-message') {
      const error = readError(message);
      if (error !== null) errors.push(error);
    } else if (reason === 'build-finished') success = message['success'] === true;
  }
  return { artifacts, scripts, errors, success };
}

/** `src/lib.rs:3: mismatched types`, the way compilers are quoted. */
export const describeError = (error: CompilerError): string =>
  error.file === null ? error.message : `${error.file}:${error.line ?? 1}: ${error.message}`;
