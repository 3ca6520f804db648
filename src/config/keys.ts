/** The one table of settings: reading, editing, `config list`, the JSON Schema and the documentation are made from it. */
import { shapes, type AnyShape } from '../catalog/index.js';
import { duration, environmentsShape } from './environments.js';

export type SettingType =
  | 'integer'
  | 'number'
  | 'boolean'
  | 'choice'
  | 'text'
  | 'duration'
  | 'list'
  | 'command'
  | 'environments';

export interface SettingKey {
  /** With dots: `cargo.warm_timeout_ms`. */
  readonly key: string;
  readonly type: SettingType;
  /** As it would be written; null: decided at run time, as `doc` says. */
  readonly default: unknown;
  readonly range?: readonly [number, number];
  readonly values?: readonly string[];
  /** True when a running daemon takes a new value on reload. */
  readonly hot: boolean;
  /** True when it names programs or places of one machine: without effect in the committed file. */
  readonly machineOnly: boolean;
  readonly doc: string;
  readonly shape: AnyShape;
}

type Marks = { readonly hot?: boolean; readonly machineOnly?: boolean };
const entry = (
  key: string,
  type: SettingType,
  initial: unknown,
  doc: string,
  shape: AnyShape,
  marks: Marks,
  more: Partial<SettingKey> = {},
): SettingKey => ({
  key,
  type,
  default: initial,
  doc,
  shape,
  hot: marks.hot ?? false,
  machineOnly: marks.machineOnly ?? false,
  ...more,
});

const integer = (
  key: string,
  initial: number | null,
  min: number,
  max: number,
  doc: string,
  marks: Marks = {},
): SettingKey => entry(key, 'integer', initial, doc, shapes.integer(min, max, doc), marks, { range: [min, max] });
const percent = (key: string, initial: number | null, doc: string): SettingKey =>
  entry(
    key,
    'number',
    initial,
    doc,
    { kind: 'number', integer: false, min: 0, max: 100, doc },
    {},
    { range: [0, 100] },
  );
const boolean = (key: string, initial: boolean, doc: string): SettingKey =>
  entry(key, 'boolean', initial, doc, shapes.boolean(doc), {});
const choice = (key: string, initial: string, values: readonly string[], doc: string, marks: Marks = {}): SettingKey =>
  entry(key, 'choice', initial, doc, shapes.choice(values, doc), marks, { values });
const time = (key: string, initial: string | null, doc: string): SettingKey =>
  entry(key, 'duration', initial, doc, duration(doc), {});
const notAnOption = (value: string): string | null => (value.startsWith('-') ? 'it starts with "-"' : null);
const word = (
  key: string,
  initial: string | null,
  doc: string,
  marks: Marks,
  pattern?: { readonly pattern: RegExp; readonly says: string },
): SettingKey => entry(key, 'text', initial, doc, shapes.text(2048, { doc, check: notAnOption, ...pattern }), marks);
const words = (key: string, doc: string, marks: Marks = {}): SettingKey =>
  entry(key, 'list', [], doc, shapes.list(shapes.text(1024), 200, doc), marks);

const MACHINE: Marks = { machineOnly: true };
const PROGRAM: Marks = { machineOnly: true, hot: true };
const HOT: Marks = { hot: true };
const URL_FORM = { pattern: /^[a-z][a-z0-9+.-]*:\/\/\S+$/i, says: 'a URL' };

export const settingKeys: readonly SettingKey[] = [
  integer('max_workers', 5, 0, 256, 'Runs at once in the daemon; 0 pauses it.', HOT),
  integer('spawns_per_tick', 4, 1, 64, 'Runs started in one tick.', HOT),
  integer('tick_interval_ms', 5000, 100, 60_000, 'Milliseconds between ticks.'),
  integer('spawn_jitter_min_ms', 50, 0, 5000, 'Shortest pause between two starts of a tick, milliseconds.'),
  integer('spawn_jitter_max_ms', 150, 0, 5000, 'Longest pause between two starts of a tick, milliseconds.'),
  choice('log_level', 'info', ['error', 'warn', 'info', 'debug'], 'What the daemon logs.', HOT),
  integer('run_timeout_minutes', 30, 1, 1440, 'Minutes that a run of the daemon may take.'),
  integer('retry_count', 3, 0, 10, "Tries after infrastructure trouble before a test's first output."),
  integer('shutdown_grace_ms', 30_000, 0, 600_000, 'Milliseconds that runs get when the daemon stops.'),
  words('scan.ignore', 'Patterns (.gitignore syntax) of files that are not scanned.'),
  integer('verify.jobs', null, 1, 256, 'Test processes at once (default: the number of processors).'),
  time('verify.timeout', '5m', 'How long one test may take, where its link names no limit.'),
  time('verify.run_timeout', null, 'How long a whole run may take (default: no limit).'),
  percent('verify.audit', null, 'Percent of cached verdicts that are run again (default: 0, with CI=true 2).'),
  choice(
    'verify.reuse',
    'same-source',
    ['same-source', 'observed', 'off'],
    'When a verdict is taken instead of running: the whole project is equal, all that the run was seen to rest on is, or never.',
  ),
  time('verify.reuse_ttl', '24h', 'How old a verdict may be that is taken instead of running.'),
  words('verify.outputs', 'Patterns (.gitignore syntax) of untracked files that runs write and no test reads back.'),
  choice(
    'verify.exit_code',
    'allow',
    ['allow', 'warn', 'refuse'],
    'A pass that only an exit code tells of: counted beside the others, named in a note, or ERROR(not-reported).',
  ),
  choice('verify.flaky', 'allow', ['allow', 'fail'], 'A pass after a retry: PASS that is marked as flaky, or FAIL.'),
  boolean('cargo.speculative', false, 'Warm one shared cargo target directory a session.'),
  integer('cargo.warm_timeout_ms', 60_000, 1000, 600_000, 'Milliseconds that a warm boot may take.'),
  integer(
    'cargo.warm_max_bytes',
    10 * 1024 ** 3,
    0,
    Number.MAX_SAFE_INTEGER,
    'Size of all warm target directories before the least recently used is removed.',
  ),
  integer('cargo.warm_ttl_hours', 72, 1, 8760, 'Hours without use after which a warm target directory is removed.'),
  boolean('cargo.parallel', true, 'Run tests of one package in parallel processes.'),
  integer('docker.layer_capacity', 64, 1, 10_000, 'Cached layers to keep.'),
  entry('docker.environments', 'environments', {}, 'Docker environments by name.', environmentsShape, {}),
  word('store.dolt_bin', null, 'The Dolt program (default: PATH, then the cache).', MACHINE),
  word('store.url', null, 'A shared Dolt server, mysql://user@host:port (default: an own one).', MACHINE, URL_FORM),
  word('store.dolt_url', null, 'Where doctor --fix downloads Dolt from.', MACHINE, URL_FORM),
  word(
    'store.dolt_sha256',
    null,
    'SHA-256 of that download.',
    {},
    { pattern: /^[0-9a-f]{64}$/i, says: '64 hexadecimal digits' },
  ),
  integer('store.idle_minutes', 15, 1, 10_080, 'Minutes without a connection after which the own Dolt server stops.'),
  word('store.remote', null, 'Default remote of store push and store pull, a URL.', {}, URL_FORM),
  boolean('pool.enabled', true, 'Keep warm workers.'),
  integer('pool.global_cap', 3, 0, 64, 'Warm workers of all keys.'),
  integer('pool.per_key_cap', 1, 0, 64, 'Warm workers of one key.'),
  integer('pool.ttl_ms', 600_000, 1000, 86_400_000, 'Milliseconds without use after which a warm worker ends.'),
  integer('pool.reap_interval_ms', 60_000, 100, 3_600_000, 'Milliseconds between looks for such workers.'),
  integer('pool.term_grace_ms', 5000, 0, 600_000, 'Milliseconds between TERM and KILL.'),
  words('worktrees.extra_roots', 'More folders (absolute) that the sweep looks into.', MACHINE),
  entry(
    'worktrees.prepare',
    'command',
    null,
    'Program and arguments that install dependencies in a worktree (default: the frozen install of its lock file; []: nothing).',
    shapes.either(
      [shapes.text(4096), shapes.list(shapes.text(4096, { empty: true }), 200)] as readonly AnyShape[],
      'A command line, or a list of program and arguments.',
    ),
    {},
  ),
  integer('sweep.backlog_warn', 10, 0, 100_000, 'Left-over worktrees from which on the daemon warns.'),
  integer('sweep.delete_concurrency', 1, 1, 16, 'Folders deleted at once in the background.'),
  word('backends.cargo.bin', 'cargo', 'The cargo program.', PROGRAM),
  word('backends.docker.bin', 'docker', 'Without effect: the Docker daemon is spoken to without a program.', PROGRAM),
  word('backends.node.bin', process.execPath, 'The Node.js program (default: the one that runs coherence).', PROGRAM),
  word('backends.go.bin', 'go', 'The go program.', PROGRAM),
  word('backends.python.bin', null, "The Python program (default: the project's environment, else python3).", PROGRAM),
  choice(
    'gate.policy',
    'delta',
    ['delta', 'full', 'strict'],
    'What blocks a push: what it makes worse, any failure in what it affects, or skips too.',
  ),
  time('gate.budget', '5m', 'How long the pre-push gate may take.'),
  choice('gate.on_error', 'block', ['block', 'allow'], 'What the gate does when it could not verify.'),
];

const byName: ReadonlyMap<string, SettingKey> = new Map(settingKeys.map((setting) => [setting.key, setting]));
export const settingKey = (key: string): SettingKey | null => byName.get(key) ?? null;
export const settingNames: readonly string[] = settingKeys.map((setting) => setting.key);

/** `cargo.warm_timeout_ms` → `COHERENCE_CARGO__WARM_TIMEOUT_MS`. */
export const environmentVariable = (key: string): string => `COHERENCE_${key.toUpperCase().replaceAll('.', '__')}`;
