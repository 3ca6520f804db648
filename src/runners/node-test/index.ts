/**
 * Runner `node-test`: one process a file, as `node --test` does it, but with our reporter inside that process. Only
 * tests named in a report count, so a file that exits early with 0 passes nothing.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, Case } from '../../model/index.js';
import { exists } from '../../util/files.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../run/adapters.js';
import { conclude, endWords, type Gathered } from '../../run/conclude.js';
import { absent } from '../../run/absent.js';
import type { Attempt, BatchRunner } from '../../run/decorators/isolation.js';
import { batchEnv } from '../../run/environment.js';
import { settle } from '../../run/join.js';
import { ambiguous, matching, type Match } from '../../run/matching.js';
import { lastLines, type Finding } from '../../run/outcome.js';
import { Channel } from '../../run/reports/channel.js';
import { escaped } from '../../util/titles.js';
import { executeWatched, Watchdog, type Watched } from '../../run/watchdog.js';
import { ancestors, argument, batchesBy, nodeProgram, probe, relativeTo } from '../layout.js';
import { isTypeScript, loadsTypeScript, nodeStart, optionsOfEnv } from './options.js';
import { REPORTER, REPORTER_NAME } from './reporter.js';
import { NodeTestReports } from './reports.js';

export interface NodeTestOptions {
  /** `backends.node.bin`; default: the Node that runs us. */
  readonly node?: string;
}

/** The nearest package, else the root: where a package script would run. */
async function directoryOf(root: string, file: string): Promise<string> {
  for (const folder of ancestors(file)) if (await exists(join(root, folder, 'package.json'))) return folder;
  return '';
}

/** Node 20 matches a test's own title, later versions the full one: the pattern takes either, and nothing else. */
function namePattern(cases: readonly Case[]): string | null {
  if (
    cases.some(
      (entry) =>
        entry.path.length === 0 ||
        entry.test === null ||
        entry.test.kind !== 'case' ||
        entry.test.dynamic ||
        entry.test.parametrised,
    )
  )
    return null;
  const names = new Set(cases.flatMap((entry) => [entry.path.at(-1) ?? '', entry.path.join(' ')]));
  const pattern = `/^(?:${[...names].map(escaped).join('|')})$/`;
  return Buffer.byteLength(pattern) > 100_000 ? null : pattern;
}

/** The project's own options of Node, found when the batch was made. */
const ownOptions = (batch: Batch): string[] =>
  (batch.configuration['options'] ?? '').split('\n').filter((option) => option !== '');

/** Variables that the package script sets. */
const ownEnv = (batch: Batch): Readonly<Record<string, string>> =>
  JSON.parse(batch.configuration['env'] ?? '{}') as Readonly<Record<string, string>>; // written by batches, below

function commandLine(node: string, batch: Batch, reporter: string, pattern: string | null): string[] {
  const file = batch.cases[0]?.file ?? '';
  const own = ownOptions(batch);
  return [
    node,
    ...own,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stderr',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...(pattern === null ? [] : [`--test-name-pattern=${pattern}`]),
    argument(relativeTo(batch.directory, file)),
  ];
}

interface Tried {
  readonly reports: NodeTestReports;
  readonly watched: Watched;
  readonly command: readonly string[];
  readonly watchdog: Watchdog;
  readonly keys: ReadonlyMap<string, { readonly name: string; readonly line: number | null }>;
  /** Tests that began and did not end. */
  readonly open: ReadonlySet<string>;
}

async function runFile(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  settings: NodeTestOptions,
  pattern: string | null,
  label: string,
): Promise<Tried> {
  await using channel = await Channel.open(workspace.reports, { once: true });
  await writeFile(join(workspace.reports.host, REPORTER_NAME), REPORTER);
  const command = commandLine(
    await nodeProgram(workspace, settings.node),
    batch,
    `${workspace.reports.inside}/${REPORTER_NAME}`,
    pattern,
  );
  const invocation: Invocation = {
    command,
    directory: batch.directory,
    timeoutMs: null,
    label,
    env: { ...ownEnv(batch), ...batchEnv(batch, context), ...channel.env },
  };
  const reports = new NodeTestReports((path) => relativeTo(workspace.root, path), batch.cases[0]?.file ?? '');
  const watchdog = new Watchdog(Math.max(...batch.cases.map((entry) => entry.timeoutMs)));
  const keys = new Map<string, { name: string; line: number | null }>();
  const open = new Set<string>();
  const watched = await executeWatched(workspace, invocation, context.signal, watchdog, async () => {
    for (const event of await channel.read()) {
      watchdog.progress();
      const change = reports.take(event);
      if (event.type === 'session') watchdog.started('file', null);
      if (event.type === 'end') watchdog.finished();
      if (change === null) continue;
      keys.set(change.key, change);
      const limits = batch.cases.filter((entry) => names(entry, change)).map((entry) => entry.timeoutMs);
      if (change.kind === 'start') {
        open.add(change.key);
        watchdog.started(change.key, limits.length === 0 ? null : Math.min(...limits));
      } else {
        open.delete(change.key);
        watchdog.ended(change.key);
      }
    }
  });
  return { reports, watched, command, watchdog, keys, open };
}

/** Whether a running test (of which only its own title and line are known) is the case's. */
const names = (entry: Case, running: { readonly name: string; readonly line: number | null }): boolean => {
  const known = entry.test !== null && running.line !== null;
  const wrapped = entry.test?.reportedAt?.line ?? null;
  if (known && (entry.test.dynamic || entry.test.parametrised))
    return wrapped === null
      ? running.line >= entry.line && running.line <= entry.test.endLine
      : running.line === wrapped;
  return running.name === entry.path.at(-1) && (!known || running.line === (wrapped ?? entry.line));
};

async function attempt(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  settings: NodeTestOptions,
): Promise<Attempt> {
  const { cases } = batch;
  const label = `${batch.id}-${context.attempt}`;
  let pattern = namePattern(cases);
  let tried = await runFile(batch, workspace, context, settings, pattern, label);
  // A test inside a test runs only if what holds it does, which the filter left out: then the whole file runs.
  const out = (entry: Case): boolean =>
    tried.reports.filtered(entry.path) || matching(entry, tried.reports.reports()).kind === 'none';
  if (
    pattern !== null &&
    tried.reports.ended &&
    cases.some((entry) => entry.path.length > 1 && out(entry) && tried.reports.inheritedSkip(entry.path) === null)
  ) {
    pattern = null;
    tried = await runFile(batch, workspace, context, settings, null, `${label}-whole`);
  }
  const { reports, watched, command, watchdog, keys, open } = tried;
  const all = reports.reports();
  const finding = (entry: Case): Finding | null => {
    const match = matching(entry, all);
    if (match.kind === 'ambiguous') return ambiguous(match.lines);
    if (match.kind === 'some') return settle(match.reports);
    const skip = reports.inheritedSkip(entry.path);
    return skip === null ? null : { reason: 'runner-skipped', detail: skip, proof: 'report' };
  };
  const code = watched.executed.end.code;
  // Node fails a run for an error outside any test, and reports none for it: whose it was, nobody can say.
  const stray = reports.ended && !watched.expired && (reports.strays > 0 || (code !== 0 && !reports.anyFailed));
  const errors = lastLines(await readFile(watched.executed.stderr.file, 'utf8').catch(() => ''), 40);
  const gathered: Gathered = {
    finding: (entry) => {
      const result = finding(entry);
      return stray && result?.reason === 'executed' ? null : result;
    },
    overdue: (entry) => [...watchdog.overdue].some((key) => names(entry, keys.get(key) ?? { name: '', line: null })),
    unfinished: (entry) =>
      (stray && finding(entry)?.reason === 'executed') ||
      [...open].some((key) => names(entry, keys.get(key) ?? { name: '', line: null })),
    crashDetail: () =>
      stray
        ? `passed, but an error outside any test made the run fail: ${firstLine(reports.stray) || `exit code ${code ?? 'unknown'}`}`
        : null,
    missing: (entry) => ({
      finding: missing(entry, reports, errors, endWords(watched), matching(entry, all)),
      again: false,
    }),
    // Without the reporter's word the file did not get as far as its first test.
    ended: reports.ended || (!reports.session && code !== null && code !== 0 && !watched.expired),
    exact: false,
    foreign: pattern === null,
  };
  return conclude(cases, gathered, watched, command, context);
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

function missing(entry: Case, reports: NodeTestReports, errors: string, how: string, match: Match): Finding {
  if (!reports.session) {
    const why = errors.split('\n').find((line) => /Error\b.*:|Error \[/.test(line)) ?? how;
    return { reason: 'build', detail: `${entry.file} could not be loaded: ${why.trim()}`, message: errors };
  }
  return absent(entry, match, {
    reason: 'not-found',
    detail: `node:test reported no test "${entry.path.join(' > ')}" in ${entry.file}`,
    message: errors,
  });
}

/** Whether this Node has the options that the project's script gives it; one that is too old refuses to start. */
async function knowsOptions(batch: Batch, workspace: Workspace, node: string): Promise<Availability> {
  const stripping = ownOptions(batch).filter((option) => /^--experimental-(?:strip|transform)-types/u.test(option));
  if (stripping.length === 0) return { available: true };
  const { code } = await probe(workspace, `${batch.id}-probe`, [node, ...stripping, '-e', ''], '');
  if (code === 0) return { available: true };
  return {
    available: false,
    what: 'typescript-loader',
    detail: `the package script asks for ${stripping.join(' ')}, which this Node does not have: use a newer one (backends.node.bin), or a loader such as \`node --import tsx --test\``,
  };
}

export function nodeTest(settings: NodeTestOptions = {}): BatchRunner {
  return {
    name: 'node-test',
    available: async (workspace, batch): Promise<Availability> => {
      if (workspace.place !== 'host' && (await workspace.find('node')) === null)
        return { available: false, what: 'node', detail: 'the image has no node' };
      const file = batch.cases[0]?.file ?? '';
      if (!isTypeScript(file)) return { available: true };
      const node = await nodeProgram(workspace, settings.node);
      if (loadsTypeScript([...ownOptions(batch), ...optionsOfEnv(ownEnv(batch))]))
        return knowsOptions(batch, workspace, node);
      const { code, stdout } = await probe(
        workspace,
        `${batch.id}-probe`,
        [node, '-p', 'process.features.typescript || ""'],
        '',
      );
      if (code === 0 && stdout.trim() !== '' && stdout.trim() !== 'undefined') return { available: true };
      return {
        available: false,
        what: 'typescript-loader',
        detail: `${file} is TypeScript, and no package script names a loader beside \`--test\` (for example \`node --import tsx --test\`)`,
      };
    },
    // One process a file.
    batches: async (root, cases) =>
      batchesBy('node-test', cases, async (entry) => {
        const start = await nodeStart(root, entry.file);
        return {
          directory: start.folder ?? (await directoryOf(root, entry.file)),
          configuration: {
            file: entry.file,
            options: start.options.join('\n'),
            ...(Object.keys(start.env).length === 0 ? {} : { env: JSON.stringify(start.env) }),
          },
        };
      }),
    preview: (batch) => [commandLine('node', batch, `<reports>/${REPORTER_NAME}`, namePattern(batch.cases))],
    attempt: async (batch, workspace, context) => attempt(batch, workspace, context, settings),
  };
}
