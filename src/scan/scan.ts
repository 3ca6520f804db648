import type { FoundFile, Scan } from '../model/index.js';
import type { Facts, ScanCache } from './cache.js';
import { cutFile, MAX_LOOKED_AT_BYTES, tooLarge } from './cut.js';
import type { Language } from './language.js';
import { languageOf } from './languages.js';
import { memoryGuard } from './memory.js';
import { pack, unpack } from './pack.js';
import { mentionsTag } from './tags.js';
import { withTwins } from './twins.js';
import { MAX_FILE_BYTES, Project, type ScannedFile } from './project.js';

export interface ScanOptions {
  /** Absolute path of the project's root. */
  readonly root: string;
  /** As `listFiles` of sources/ gives them. */
  readonly files: readonly ScannedFile[];
  readonly cache: ScanCache;
  /** Paths that are analysed whatever they hold: what declared links and `implemented_by` name. */
  readonly want?: readonly string[];
  /** Analyse every file that may hold tests, tagged or not: for `suggest`. */
  readonly scanAll?: boolean;
}

/** Folders of test data: a tag in there is the data of some test, not a claim about this project. */
const DATA = /(?:^|\/)(?:fixtures|__fixtures__|testdata|__snapshots__|\.coherence)\//u;

/** After this many analysed files other work gets its turn: signals, progress. */
const TURN = 32;

const isScanned = (file: ScannedFile): boolean =>
  file.mode !== '120000' && file.size > 0 && file.size <= MAX_LOOKED_AT_BYTES;

/**
 * Finds tests and links by static analysis; nothing of the project is executed.
 *
 * Files that hold no tag, id or `.only` are left out unless `want` names them or `scanAll` is set; so are symlinks and test data
 * (`fixtures/`, `__fixtures__/`, `testdata/`). Of files beyond 4 MiB only that their tags mean nothing is said. Sorted by path. Never rejects for what a file holds.
 */
export async function scan(options: ScanOptions): Promise<Scan> {
  const { root, files, cache } = options;
  const wanted = new Set(options.want ?? []);
  const project = new Project(root, files);
  const held = new Map<string, boolean>();
  const holds = (key: string): boolean => {
    let answer = held.get(key);
    if (answer === undefined) {
      const facts = cache.factsOf(key);
      answer = facts !== null && project.holds(facts);
      held.set(key, answer);
    }
    return answer;
  };

  const found: FoundFile[] = [];
  const guard = memoryGuard();
  let analysed = 0;
  for (const file of files) {
    const isWanted = wanted.has(file.path);
    if (!isScanned(file) || (!isWanted && DATA.test(file.path))) continue;
    const language = languageOf(file.path);
    if (language === null) continue;

    let bytes = file.blob === null ? project.readNow(file.path, MAX_LOOKED_AT_BYTES) : null;
    if (file.blob === null && bytes === null) continue;
    const blob = file.blob ?? (bytes === null ? '' : project.noteBlob(file.path, bytes));
    const known = cache.get(file.path, blob);
    if (known !== null) {
      if (!isWanted && !known.mentions && !(options.scanAll === true && known.mayHoldTests)) continue;
      const result = holds(known.facts) ? cache.result(file.path, known) : null;
      if (result !== null) {
        keep(result, isWanted, found);
        continue;
      }
    }
    bytes ??= project.readNow(file.path, MAX_LOOKED_AT_BYTES);
    if (bytes === null) continue;
    const oversized = bytes.length > MAX_FILE_BYTES;
    const mentions = known?.mentions ?? (oversized ? mentionsTag(bytes) : language.mentions(bytes));
    const mayHoldTests = known?.mayHoldTests ?? language.mayHoldTests?.(file.path, bytes) ?? true;
    if (!isWanted && !mentions && (oversized || !(options.scanAll === true && mayHoldTests))) {
      cache.set(file.path, { blob, mentions, mayHoldTests, found: null, facts: [] });
      continue;
    }
    const { result, facts } = await analyse(language, file.path, bytes, project);
    const packed = pack(result);
    if (facts !== null) cache.set(file.path, { blob, mentions, mayHoldTests, found: packed, facts });
    // Unpacked again: titles cut out of a source text would keep the whole text in memory, and a warm scan gives the same value.
    keep(unpack(file.path, packed), isWanted, found);
    analysed += 1;
    if (analysed % TURN === 0) {
      guard();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  cache.save();
  return { files: found.sort((left, right) => (left.file < right.file ? -1 : 1)) };
}

function keep(result: FoundFile, isWanted: boolean, found: FoundFile[]): void {
  if (isWanted || result.tests.length > 0 || result.links.length > 0) found.push(result);
}

async function analyse(
  language: Language,
  path: string,
  bytes: Buffer,
  project: Project,
): Promise<{ readonly result: FoundFile; readonly facts: Facts | null }> {
  if (bytes.length > MAX_FILE_BYTES)
    return { result: cutFile(path, language.name, bytes, tooLarge(MAX_FILE_BYTES)), facts: [] };
  const view = project.view();
  try {
    const found = await language.find(path, bytes, view.project);
    return { result: { ...found, tests: withTwins(found.tests) }, facts: view.facts() };
  } catch (error) {
    // An analyser's own defect must not take the other files' answers with it; it is shown, and not cached as an answer.
    const message = `this file could not be analysed: ${error instanceof Error ? error.message : String(error)}`;
    return {
      result: {
        file: path,
        language: language.name,
        tests: [],
        links: [],
        symbols: [],
        problems: [{ file: path, line: 1, column: 1, message }],
      },
      facts: null,
    };
  }
}
