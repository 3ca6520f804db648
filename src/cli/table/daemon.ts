import type { CommandSpec } from './types.js';

const RUN = { name: 'RUN', required: true, summary: 'id of a queued run' };

export const daemonCommands: readonly CommandSpec[] = [
  {
    name: 'daemon start', summary: 'Start the orchestrator in the background and wait until it answers',
    details: 'One daemon serves one state folder. Beside a running one this exits 1 with its pid.',
    args: [],
    options: [
      { name: 'safe-config', kind: 'flag', summary: 'start with default settings although the files are broken' },
      { name: 'allow-network-state', kind: 'flag', summary: 'accept a state folder on a network file system' },
    ],
    examples: [{ command: 'coherence daemon start', what: 'then `coherence daemon status`' }],
    load: async () => (await import('../commands/daemon.js')).start,
  },
  {
    name: 'daemon foreground', summary: 'Run the orchestrator in this process, for systemd and containers',
    args: [],
    options: [
      { name: 'safe-config', kind: 'flag', summary: 'start with default settings although the files are broken' },
      { name: 'allow-network-state', kind: 'flag', summary: 'accept a state folder on a network file system' },
    ],
    examples: [{ command: 'coherence daemon foreground', what: 'ends in order on SIGTERM, reloads on SIGHUP' }],
    load: async () => (await import('../commands/daemon-foreground.js')).foreground,
  },
  {
    name: 'daemon stop', summary: 'Stop taking work, let what runs finish for shutdown_grace_ms, and end',
    args: [], options: [{ name: 'now', kind: 'flag', summary: 'end what runs at once; it is resumed at the next start' }],
    examples: [{ command: 'coherence daemon stop', what: 'queued runs stay queued' }],
    load: async () => (await import('../commands/daemon.js')).stop,
  },
  {
    name: 'daemon status', summary: 'State, running and queued work, pool, last boot',
    args: [], options: [], examples: [{ command: 'coherence daemon status --json', what: 'everything; exits 69 when none runs' }],
    load: async () => (await import('../commands/daemon.js')).status,
  },
  {
    name: 'daemon reload', summary: 'Read the settings again and say what changed',
    details: 'Exit codes: 0 applied, 65 rejected (the old settings stay), 69 no daemon, 75 no answer within 10 seconds.',
    args: [], options: [], examples: [{ command: 'coherence daemon reload', what: 'after an edit of .coherence/config.yaml' }],
    load: async () => (await import('../commands/daemon.js')).reload,
  },
  {
    name: 'daemon logs', summary: 'The daemon\'s log, one JSON object a line',
    args: [],
    options: [
      { name: 'lines', short: 'n', kind: 'number', placeholder: 'N', summary: 'only the last N lines (default 100; 0: all)' },
      { name: 'event', kind: 'string', placeholder: 'NAME', summary: 'only this event' },
      { name: 'follow', short: 'f', kind: 'flag', summary: 'go on until interrupted' },
    ],
    examples: [{ command: 'coherence daemon logs --event worker.start', what: 'which runs were started when' }],
    load: async () => (await import('../commands/daemon-logs.js')).logs,
  },
  {
    name: 'queue add', summary: 'Queue verifications; prints one run id a spec',
    details: 'Without --commit a run verifies the checkout as it is when the run starts; with it, a clean worktree of that commit.\nA queued run executes every check: no cached verdict is taken. Without a daemon the runs wait in the journal for the next one.',
    args: [{ name: 'ID', required: true, rest: true, summary: 'SPEC-… or AC-…' }],
    options: [
      { name: 'commit', kind: 'string', placeholder: 'REV', summary: 'verify this commit in a worktree of its own' },
      { name: 'priority', kind: 'string', placeholder: 'N', summary: 'smaller is sooner (default 0)' },
      { name: 'after', kind: 'string', placeholder: 'RUN', summary: 'start only after that run has passed' },
      { name: 'session', kind: 'string', placeholder: 'ID', summary: 'groups runs that may share a warm directory' },
      { name: 'place', kind: 'string', placeholder: 'P', choices: ['host', 'docker'], summary: 'run everything there' },
      { name: 'request', kind: 'string', placeholder: 'KEY', summary: 'a repeated call with the same key is the same run' },
      { name: 'speculative', kind: 'flag', summary: 'cargo in a worktree with a warm shared target directory' },
      { name: 'keep-worktree', kind: 'flag', summary: 'keep the worktree of a run with --commit' },
    ],
    examples: [
      { command: 'coherence queue add SPEC-payment-api --commit HEAD', what: 'the committed state, whatever the working tree does meanwhile' },
      { command: 'coherence queue add SPEC-a SPEC-b --priority 1 --request build-4711', what: 'safe to repeat' },
    ],
    load: async () => (await import('../commands/queue.js')).add,
  },
  {
    name: 'queue list', summary: 'Runs that wait or work', args: [],
    options: [
      { name: 'all', kind: 'flag', summary: 'ended ones, too' },
      { name: 'limit', kind: 'number', placeholder: 'N', summary: 'at most the newest N (default 1000)' },
    ],
    examples: [{ command: 'coherence queue list --all --json', what: 'with verdicts' }],
    load: async () => (await import('../commands/queue.js')).list,
  },
  { name: 'queue show', summary: 'One run with the verdicts stored so far', args: [RUN], options: [], examples: [{ command: 'coherence queue show 01J…', what: 'state, attempt, criteria' }], load: async () => (await import('../commands/queue.js')).show },
  { name: 'queue cancel', summary: 'End a run; what waits for it ends as ERROR(canceled)', args: [RUN], options: [], examples: [{ command: 'coherence queue cancel 01J…', what: 'waits until its processes are dead' }], load: async () => (await import('../commands/queue.js')).cancel },
  { name: 'queue retry', summary: 'Put an ended run back into the queue', args: [RUN], options: [], examples: [{ command: 'coherence queue retry 01J…', what: 'the same run id, a new attempt' }], load: async () => (await import('../commands/queue.js')).retry },
  { name: 'pool list', summary: 'Warm workers of the daemon', args: [], options: [], examples: [{ command: 'coherence pool list', what: 'name, key, pid, idle time' }], load: async () => (await import('../commands/pool.js')).list },
  {
    name: 'pool evict', summary: 'End idle warm workers', args: [{ name: 'NAME', required: false, summary: 'name or key; without it all idle ones' }], options: [],
    examples: [{ command: 'coherence pool evict', what: 'busy ones stay' }], load: async () => (await import('../commands/pool.js')).evict,
  },
  { name: 'pool warm', summary: 'Make this project\'s warm worker ahead of time', args: [], options: [], examples: [{ command: 'coherence pool warm', what: 'the next vitest run finds it hot' }], load: async () => (await import('../commands/pool.js')).warm },
  {
    name: 'sweep', summary: 'Take away worktrees that dead runs left behind', args: [], options: [{ name: 'dry-run', kind: 'flag', summary: 'change nothing, say what would be done' }],
    examples: [{ command: 'coherence sweep --dry-run --json', what: 'the report of what a sweep would find' }], load: async () => (await import('../commands/sweep.js')).sweep,
  },
];
