/** `daemon start|stop|status|reload` */
import {
  daemonStatus,
  openWithDefaults,
  reloadSettings,
  startDaemon,
  stopDaemon,
  type Project,
} from '../../app/index.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withFolders } from './context.js';

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

export async function start(input: Input, context: CommandContext): Promise<number> {
  const started = await startDaemon({
    cwd: context.cwd,
    env: context.env,
    safeConfig: input.flag('safe-config'),
    allowNetworkState: input.flag('allow-network-state'),
  });
  if (!started.ok) return reportFailures(started.failures, context.streams);
  const { pid, project } = started.value;
  if (context.json) return printJson(context, { pid, state_dir: project.directories.state, ready: true });
  context.streams.out(`daemon started (pid ${pid})\n`);
  return 0;
}

export async function stop(input: Input, context: CommandContext): Promise<number> {
  return withFolders(context, async (project) => {
    const patience = input.flag('now') ? 60_000 : project.settings.shutdown_grace_ms + 60_000;
    return settle(context, stopDaemon(project.directories, input.flag('now'), patience), ({ pid }) => {
      if (context.json) return printJson(context, { pid, stopped: true });
      context.streams.out(`daemon stopped (pid ${pid})\n`);
      return 0;
    });
  });
}

export async function status(_input: Input, context: CommandContext): Promise<number> {
  return withFolders(context, async (project) =>
    settle(context, daemonStatus(project.directories), ({ status: found, identity }) => {
      if (found === null) {
        if (context.json) return printJson(context, { state: 'no-answer', pid: identity?.pid ?? null });
        context.streams.out(
          `daemon (pid ${identity?.pid ?? '?'}) runs and does not answer: it is booting or stopped\n`,
        );
        return 75;
      }
      if (context.json) return printJson(context, found);
      const lines = [
        `daemon ${found.state}${found.degraded === null ? '' : ` (${found.degraded})`}, pid ${found.pid}, since ${found.started_at}, generation ${found.generation}`,
        `runs: ${found.active.length} at work, ${found.queued} queued${found.parked > 0 ? `, ${found.parked} parked` : ''}; at most ${shown(found.settings['max_workers'])} at once`,
        ...found.active.map(
          (run) =>
            `  ${run.run_id} ${run.spec_id} ${run.state}, attempt ${run.attempt}${run.pid === null ? '' : `, pid ${run.pid}`}${run.warm === null ? '' : ', warm'}`,
        ),
        `pool: ${found.pool.length === 0 ? 'empty' : found.pool.map((worker) => `${worker.key} ${worker.state} (pid ${worker.pid})`).join(', ')}`,
        `isolation: ${found.isolation.level} (here: ${found.isolation.available.join(', ')}); memory ${Math.round(found.memory_bytes / 1024 / 1024)} MB`,
        ...(found.outbox_pending > 0 ? [`store: pending (${found.outbox_pending} verdicts wait)`] : []),
        `state: ${found.state_dir}`,
      ];
      context.streams.out(`${lines.join('\n')}\n`);
      return 0;
    }),
  );
}

export async function reload(_input: Input, context: CommandContext): Promise<number> {
  return withDirectories(context, async (directories) => {
    const answer = await reloadSettings(directories);
    if (!answer.ok) {
      if (context.json && answer.failures.some((item) => item.kind === 'invalid-config'))
        printJson(context, { applied: {}, unchanged: [], requires_restart: [], errors: answer.failures });
      return reportFailures(answer.failures, context.streams);
    }
    const { generation, applied, requires_restart: restart } = answer.value;
    if (context.json) return printJson(context, answer.value);
    const changes = Object.entries(applied).map(([key, change]) => `${key} ${shown(change.from)}→${shown(change.to)}`);
    context.streams.out(
      `${[`reloaded, generation ${generation}`, ...(changes.length === 0 ? ['nothing changed'] : changes), ...(restart.length === 0 ? [] : [`needs a restart: ${restart.join(', ')}`])].join('\n')}\n`,
    );
    return 0;
  });
}

/** The folders alone: `reload` must reach the daemon although the settings are broken, so that it says so. */
async function withDirectories(
  context: CommandContext,
  work: (directories: Project['directories']) => Promise<number>,
): Promise<number> {
  const project = await openWithDefaults({ cwd: context.cwd, env: context.env });
  return project.ok ? work(project.value.directories) : reportFailures(project.failures, context.streams);
}
