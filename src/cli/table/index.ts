/** All commands, in the order that help shows them. Declarations only: nothing heavy loads with this list. */
import { catalogCommands } from './catalog.js';
import { daemonCommands } from './daemon.js';
import { gateCommands } from './gate.js';
import { projectCommands } from './project.js';
import { storeCommands } from './store.js';
import type { CommandSpec } from './types.js';
import { verifyCommands } from './verify.js';

export const COMMANDS: readonly CommandSpec[] = [
  ...projectCommands.slice(0, 2),
  ...catalogCommands,
  ...verifyCommands,
  ...gateCommands,
  ...storeCommands,
  ...daemonCommands,
  ...projectCommands.slice(2),
];
