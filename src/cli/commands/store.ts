/** `store …` */
import {
  cloneProjectStore,
  migrateStore,
  pullStore,
  pushStore,
  startStore,
  stopStore,
  storeBlame,
  storeBranches,
  storeDiff,
  storeLog,
  storeStatus,
  storeTrend,
  type StoreStatus,
} from '../../app/index.js';
import { counted, visibleLine } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';
import { conflictJson, conflictText, syncJson, syncText } from './sync-text.js';
import { bothSides, sideOf } from './sync.js';

const DEFAULT_LIMIT = 50;
const limitOf = (input: Input): number => Math.max(1, Math.floor(input.number('limit') ?? DEFAULT_LIMIT));
const size = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
const value = (text: string | null): string => (text === null ? '(absent)' : visibleLine(text));

function statusText(status: StoreStatus): string {
  return [
    status.running
      ? `running, pid ${status.pid ?? '?'}, Dolt ${status.version ?? '?'}`
      : status.initialised
        ? 'stopped (starts by itself when needed)'
        : 'no store yet (`coherence store start` makes one)',
    `database ${status.database}, branch ${status.branch === null ? '(detached)' : visibleLine(status.branch)}`,
    `data ${status.data}, ${size(status.size_bytes)}`,
    `socket ${status.socket}`,
    `specs/: ${status.sync === 'pending' ? 'sync pending' : status.sync}${status.pending_runs > 0 ? `; ${counted(status.pending_runs, 'run')} waiting to be recorded` : ''}`,
    ...(status.refused_runs > 0
      ? [`${counted(status.refused_runs, 'run')} refused by the store and set aside; the evidence is whole`]
      : []),
    '',
  ].join('\n');
}

export async function start(_input: Input, context: CommandContext): Promise<number> {
  const progress = (line: string): void => {
    if (!context.quiet) context.streams.err(`${visibleLine(line)}\n`);
  };
  return withProject(context, async (project) =>
    settle(context, startStore(project, progress, context.env, context.signal), ({ status, sync }) => {
      if (context.json) return printJson(context, { ...status, synced: syncJson(sync) });
      context.streams.out(statusText(status));
      if (sync.conflicts.length > 0) context.streams.err(conflictText(sync.conflicts));
      return 0;
    }),
  );
}

export async function stop(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, stopStore(project, context.env), (stopped) => {
      if (context.json) return printJson(context, { stopped });
      context.streams.out(stopped ? 'stopped\n' : 'it was not running\n');
      return 0;
    }),
  );
}

export async function status(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeStatus(project, context.env), (found) => {
      if (context.json) return printJson(context, found);
      context.streams.out(statusText(found));
      return 0;
    }),
  );
}

export async function migrate(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, migrateStore(project, input.text('database'), context.env), (done) => {
      if (context.json) return printJson(context, done);
      context.streams.out(`${done.database} has schema ${done.schema}\n`);
      return 0;
    }),
  );
}

export async function log(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeLog(project, input.args[0] ?? null, limitOf(input), context.env), (entries) => {
      if (context.json) return printJson(context, { log: entries });
      for (const entry of entries)
        context.streams.out(
          `${entry.commit}  ${entry.date}  ${visibleLine(entry.author)}  ${visibleLine(entry.message)}${entry.git === null ? '' : `  (git ${entry.git.slice(0, 12)})`}\n`,
        );
      return 0;
    }),
  );
}

export async function diff(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeDiff(project, input.args[0] ?? '', context.env), (differences) => {
      if (context.json) return printJson(context, { differences });
      for (const item of differences)
        context.streams.out(
          `${visibleLine(item.id)} ${visibleLine(item.field)}\n  - ${value(item.from)}\n  + ${value(item.to)}\n`,
        );
      return 0;
    }),
  );
}

export async function blame(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeBlame(project, input.args[0] ?? '', context.env), (entries) => {
      if (context.json) return printJson(context, { blame: entries });
      for (const item of entries)
        context.streams.out(
          `${visibleLine(item.id)} ${visibleLine(item.field)}: ${value(item.value)}\n  ${item.date}  ${visibleLine(item.author)}  ${item.commit.slice(0, 12)}${item.previous === null ? '' : `  before: ${value(item.previous)}`}\n`,
        );
      return 0;
    }),
  );
}

export async function trend(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeTrend(project, limitOf(input), context.env), (points) => {
      if (context.json) return printJson(context, { trend: points });
      for (const point of points)
        context.streams.out(
          `${point.started_at}  ${point.commit?.slice(0, 12) ?? '-'}  PASS ${point.pass}  FAIL ${point.fail}  SKIP ${point.skip}  ERROR ${point.error}  ${point.run}\n`,
        );
      return 0;
    }),
  );
}

export async function branch(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, storeBranches(project, context.env), (branches) => {
      if (context.json) return printJson(context, { branches });
      for (const item of branches)
        context.streams.out(
          `${item.current ? '*' : ' '} ${item.git === null ? '-' : visibleLine(item.git)}\t${item.dolt}\t${item.head}\n`,
        );
      return 0;
    }),
  );
}

export async function push(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, pushStore(project, input.args[0], context.env), (remote) => {
      if (context.json) return printJson(context, { pushed: remote });
      context.streams.out(`pushed to ${visibleLine(remote)}\n`);
      return 0;
    }),
  );
}

export async function pull(input: Input, context: CommandContext): Promise<number> {
  const prefer = sideOf(input);
  if (prefer === null) return bothSides(context);
  return withProject(context, async (project) =>
    settle(context, pullStore(project, input.args[0], prefer, context.env), (done) => {
      if (context.json)
        printJson(context, {
          state: done.state,
          conflicts: done.conflicts.map(conflictJson),
          sync: done.sync === null ? null : syncJson(done.sync),
        });
      else context.streams.out(`${done.state}\n${done.sync === null ? '' : syncText(done.sync)}`);
      if (done.conflicts.length > 0 && !context.json)
        context.streams.err(
          `${conflictText(done.conflicts, { ours: 'here', theirs: 'remote' })}Decide with \`coherence store pull --ours\` (this store) or \`--theirs\` (the remote).\n`,
        );
      return done.conflicts.length > 0 ? 1 : 0;
    }),
  );
}

export async function clone(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, cloneProjectStore(project, input.args[0] ?? '', input.text('database'), context.env), (outcome) => {
      if (context.json) printJson(context, syncJson(outcome));
      else context.streams.out(syncText(outcome));
      if (outcome.conflicts.length > 0 && !context.json) context.streams.err(conflictText(outcome.conflicts));
      return outcome.conflicts.length > 0 ? 1 : 0;
    }),
  );
}
