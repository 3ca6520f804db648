import type { CommandSpec } from './types.js';

export const gateCommands: readonly CommandSpec[] = [
  {
    name: 'hook install',
    summary: 'Install the pre-push gate; an existing hook is kept and called',
    args: [],
    options: [],
    examples: [{ command: 'coherence hook install', what: '`git push --no-verify` skips it once' }],
    load: async () => (await import('../commands/hook.js')).install,
  },
  {
    name: 'hook uninstall',
    summary: 'Remove the gate and give back the hook that was there',
    args: [],
    options: [],
    examples: [{ command: 'coherence hook uninstall', what: 'byte for byte' }],
    load: async () => (await import('../commands/hook.js')).uninstall,
  },
  {
    name: 'gate',
    summary: "Judge a push: reads git's pre-push lines on standard input",
    details:
      'Verifies exactly the pushed commits, not the working tree. Exit 0 lets through, 1 blocks, 2 could not verify\n(blocks unless gate.on_error is allow).',
    args: [],
    options: [
      { name: 'remote', kind: 'string', placeholder: 'NAME', summary: 'the remote that is pushed to' },
      {
        name: 'policy',
        kind: 'string',
        placeholder: 'P',
        choices: ['delta', 'full', 'strict'],
        summary: 'instead of gate.policy',
      },
    ],
    examples: [
      {
        command:
          'echo "refs/heads/main $(git rev-parse HEAD) refs/heads/main $(git rev-parse origin/main)" | coherence gate --remote origin',
        what: 'what the hook does',
      },
    ],
    load: async () => (await import('../commands/gate.js')).gate,
  },
];
