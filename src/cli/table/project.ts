import type { CommandSpec } from './types.js';

const SESSION = { name: 'SESSION', required: false, summary: 'the same as --session' };
const KEY = { name: 'KEY', required: true, summary: 'setting, such as max_workers or gate.policy' };

export const projectCommands: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Set up a project: manifest, specs/, ignore file',
    details: 'Nothing of the project is executed. Running it again changes nothing that is there.',
    args: [],
    options: [
      { name: 'slug', kind: 'string', placeholder: 'S', summary: "project slug (default: the folder's name)" },
      { name: 'hook', kind: 'flag', summary: 'install the pre-push gate too' },
    ],
    examples: [{ command: 'coherence init', what: 'in the root of a git repository' }],
    load: async () => (await import('../commands/init.js')).init,
  },
  {
    name: 'doctor',
    summary: 'What is there, what is not, what that disables, and how to get it',
    args: [],
    options: [
      { name: 'fix', kind: 'flag', summary: 'install Dolt into the cache where it is missing' },
      { name: 'repair', kind: 'flag', summary: 'salvage a damaged orchestrator journal' },
    ],
    examples: [{ command: 'coherence doctor', what: 'node, git, dolt, docker, cargo and the runners in use' }],
    load: async () => (await import('../commands/doctor.js')).doctor,
  },
  {
    name: 'config list',
    summary: 'All settings with value and origin',
    args: [],
    options: [],
    examples: [{ command: 'coherence config list', what: 'where each value comes from' }],
    load: async () => (await import('../commands/config.js')).list,
  },
  {
    name: 'config get',
    summary: 'One setting',
    args: [KEY],
    options: [],
    examples: [{ command: 'coherence config get max_workers', what: 'the effective value' }],
    load: async () => (await import('../commands/config.js')).get,
  },
  {
    name: 'config set',
    summary: 'Change a setting, typed and checked; comments stay',
    args: [KEY, { name: 'VALUE', required: true, summary: 'its value' }],
    options: [{ name: 'reload', kind: 'flag', summary: 'tell the daemon' }],
    examples: [
      { command: 'coherence config set max_workers 10 --reload', what: 'writes the number 10 and reloads the daemon' },
    ],
    load: async () => (await import('../commands/config.js')).set,
  },
  {
    name: 'config unset',
    summary: 'Back to the default',
    args: [KEY],
    options: [{ name: 'reload', kind: 'flag', summary: 'tell the daemon' }],
    examples: [{ command: 'coherence config unset max_workers', what: 'removes the line' }],
    load: async () => (await import('../commands/config.js')).unset,
  },
  {
    name: 'config path',
    summary: 'The files that settings come from',
    args: [],
    options: [],
    examples: [{ command: 'coherence config path', what: 'in order of precedence' }],
    load: async () => (await import('../commands/config.js')).path,
  },
  {
    name: 'warm run',
    summary: 'Warm the shared cargo target directory of a session',
    args: [SESSION],
    options: [{ name: 'session', kind: 'string', placeholder: 'ID', summary: "session (default: the project's slug)" }],
    examples: [{ command: 'coherence warm run', what: 'before the first speculative run' }],
    load: async () => (await import('../commands/warm.js')).run,
  },
  {
    name: 'warm path',
    summary: "Where a session's warm directory is",
    args: [SESSION],
    options: [{ name: 'session', kind: 'string', placeholder: 'ID', summary: "session (default: the project's slug)" }],
    examples: [{ command: 'coherence warm path --session ci', what: 'prints the folder' }],
    load: async () => (await import('../commands/warm.js')).path,
  },
  {
    name: 'docker gc',
    summary: 'Remove image layers that nothing uses',
    args: [],
    options: [{ name: 'all', kind: 'flag', summary: 'all cached layers of this user, not only what was left behind' }],
    examples: [{ command: 'coherence docker gc', what: 'what dead runs left' }],
    load: async () => (await import('../commands/docker.js')).gc,
  },
  {
    name: 'clean',
    summary: 'Remove residue of dead runs and caches that can be made again',
    args: [],
    options: [{ name: 'dry-run', kind: 'flag', summary: 'say what would go' }],
    examples: [{ command: 'coherence clean --dry-run', what: 'what would be removed' }],
    load: async () => (await import('../commands/clean.js')).clean,
  },
];
