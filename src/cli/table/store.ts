import { EXPORT_FORMAT_NAMES, IMPORT_FORMAT_NAMES } from '../../model/index.js';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './types.js';

const OURS: OptionSpec = { name: 'ours', kind: 'flag', summary: 'decide every conflict for the files' };
const THEIRS: OptionSpec = { name: 'theirs', kind: 'flag', summary: 'decide every conflict for the store' };
const LIMIT: OptionSpec = { name: 'limit', kind: 'number', placeholder: 'N', summary: 'at most N lines (default 50)' };
const REMOTE: ArgumentSpec = { name: 'REMOTE', required: false, summary: 'URL of a Dolt remote; default store.remote' };
const DATABASE: OptionSpec = {
  name: 'database',
  kind: 'string',
  placeholder: 'NAME',
  summary: 'the target, refused when it belongs to another environment',
};
const store = async (): Promise<typeof import('../commands/store.js')> => import('../commands/store.js');

export const storeCommands: readonly CommandSpec[] = [
  {
    name: 'export',
    summary: 'Write the catalog for teammates and other tools',
    details:
      'Without --out, yaml goes to specs/ (taking over what the store has) and jsonl to standard output.\n\nWith --check nothing is written: exit 1 when specs/ and the store, or the named output, differ in content.',
    args: [],
    options: [
      {
        name: 'format',
        kind: 'string',
        placeholder: 'F',
        choices: EXPORT_FORMAT_NAMES,
        summary: 'yaml (default), jsonl, or the format of another tool',
      },
      { name: 'out', kind: 'string', placeholder: 'PATH', summary: 'file for jsonl, folder for all others' },
      { name: 'check', kind: 'flag', summary: 'compare only' },
    ],
    examples: [
      { command: 'coherence export --format jsonl --out catalog.jsonl', what: 'one file with all records' },
      { command: 'coherence export --check', what: 'for CI: is specs/ up to date?' },
    ],
    load: async () => (await import('../commands/export.js')).exportCommand,
  },
  {
    name: 'import',
    summary: 'Take over a catalog, all or nothing',
    details:
      'What the file does not mention stays; with --prune the file is all there is. A bad line aborts the import and changes nothing. Importing twice changes nothing.',
    args: [{ name: 'FILE', required: true, summary: 'a file or a folder' }],
    options: [
      {
        name: 'from',
        kind: 'string',
        placeholder: 'F',
        choices: IMPORT_FORMAT_NAMES,
        summary: 'format; default by the name',
      },
      { name: 'dry-run', kind: 'flag', summary: 'show what would change' },
      { name: 'prune', kind: 'flag', summary: 'remove what the file does not have' },
    ],
    examples: [
      {
        command: 'coherence import specs.jsonl --from bootstrap-jsonl --dry-run',
        what: 'counts and ids, nothing written',
      },
    ],
    load: async () => (await import('../commands/import.js')).importCommand,
  },
  {
    name: 'sync',
    summary: 'Bring specs/ and the store together',
    details:
      'A three-way merge by field. Fields that both changed differently are shown with base, store and file, stay as they are on both sides, and exit 1, until --ours (the files) or --theirs (the store) decides.',
    args: [],
    options: [OURS, THEIRS],
    examples: [
      { command: 'coherence sync', what: 'merge both ways' },
      { command: 'coherence sync --theirs', what: 'conflicts: keep the store' },
    ],
    load: async () => (await import('../commands/sync.js')).sync,
  },
  {
    name: 'store start',
    summary: 'Start the Dolt store; installs Dolt when it is missing',
    args: [],
    options: [],
    examples: [{ command: 'coherence store start', what: 'the first time it may build Dolt, some minutes' }],
    load: async () => (await store()).start,
  },
  {
    name: 'store stop',
    summary: 'Stop the Dolt server of this state folder',
    args: [],
    options: [],
    examples: [{ command: 'coherence store stop', what: 'the data stays' }],
    load: async () => (await store()).stop,
  },
  {
    name: 'store status',
    summary: 'Server, database, branch, size, and whether specs/ is in sync',
    args: [],
    options: [],
    examples: [{ command: 'coherence store status --json', what: 'for programs' }],
    load: async () => (await store()).status,
  },
  {
    name: 'store migrate',
    summary: 'Bring the schema up to date',
    args: [],
    options: [DATABASE],
    examples: [{ command: 'coherence store migrate', what: 'forward only' }],
    load: async () => (await store()).migrate,
  },
  {
    name: 'store log',
    summary: 'Who changed what, newest first',
    args: [{ name: 'ID', required: false, summary: 'only commits that changed this spec or criterion' }],
    options: [LIMIT],
    examples: [{ command: 'coherence store log AC-caching-hit-skips', what: 'history of one criterion' }],
    load: async () => (await store()).log,
  },
  {
    name: 'store diff',
    summary: 'Fields that differ between two states',
    args: [{ name: 'A..B', required: true, summary: 'Dolt commits or branches; B defaults to now' }],
    options: [],
    examples: [{ command: 'coherence store diff HEAD~1..HEAD', what: 'what the last commit changed' }],
    load: async () => (await store()).diff,
  },
  {
    name: 'store blame',
    summary: 'For each field: who gave it its wording, when, and what it was before',
    args: [{ name: 'ID', required: true, summary: 'spec or criterion' }],
    options: [],
    examples: [{ command: 'coherence store blame SPEC-caching', what: 'its criteria included' }],
    load: async () => (await store()).blame,
  },
  {
    name: 'store trend',
    summary: 'Verdict counts of recorded runs over time',
    args: [],
    options: [LIMIT],
    examples: [{ command: 'coherence store trend --limit 20', what: 'the last 20 runs' }],
    load: async () => (await store()).trend,
  },
  {
    name: 'store branch',
    summary: 'Branches of git and their branches in the store',
    args: [],
    options: [],
    examples: [{ command: 'coherence store branch', what: 'the current one is marked' }],
    load: async () => (await store()).branch,
  },
  {
    name: 'store push',
    summary: 'Send the store to a Dolt remote',
    args: [REMOTE],
    options: [],
    examples: [{ command: 'coherence store push file:///srv/specs', what: 'this branch' }],
    load: async () => (await store()).push,
  },
  {
    name: 'store pull',
    summary: 'Take over and merge what a Dolt remote has',
    args: [REMOTE],
    options: [OURS, THEIRS],
    examples: [{ command: 'coherence store pull', what: 'from store.remote' }],
    load: async () => (await store()).pull,
  },
  {
    name: 'store clone',
    summary: 'Make the store of this project from a Dolt remote',
    args: [{ name: 'URL', required: true, summary: 'a Dolt remote' }],
    options: [DATABASE],
    examples: [{ command: 'coherence store clone file:///srv/specs', what: 'then brings it together with specs/' }],
    load: async () => (await store()).clone,
  },
  {
    name: 'merge-file',
    summary: "git's merge driver for spec files",
    hidden: true,
    args: ['BASE', 'OURS', 'THEIRS'].map((name) => ({ name, required: true, summary: 'file from git' })),
    options: [],
    examples: [{ command: 'coherence merge-file %O %A %B', what: 'as set up by init' }],
    load: async () => (await import('../commands/merge-file.js')).mergeFile,
  },
];
