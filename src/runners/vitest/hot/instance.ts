/**
 * One vitest that stays in memory for one folder. Before each run every module of its graph is compared by content with
 * what was loaded, and whatever cannot be shown to be the same is forgotten: a stale module would be a false PASS.
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Writable } from 'node:stream';
import { sha256 } from '../../../util/hash.js';
import type { VitestCommand } from './command.js';
import { spareFor } from './spare.js';
import { isUsable, loadVitest, type Plugin, type Vitest } from './vitest-api.js';
import { importModule } from '../../../util/import-module.js';

export interface HotRun {
  /** 0, or 1 when a test failed, an error was left over, or nothing was found. */
  readonly code: number;
}

export interface HotVitest {
  /** Files that its configuration was made of. */
  readonly configurationFiles: readonly string[];
  /** Variables that making it has added to the environment; later runs need them, too. */
  readonly added: Readonly<Record<string, string>>;
  /** @param forget drop every module, not only those whose content differs */
  run(command: VitestCommand, forget: boolean): Promise<HotRun>;
  cancel(): Promise<void>;
  close(): Promise<void>;
}

/** After a run's end: its record is written by then. */
const SPARE_AFTER_MS = 100;

/** Events go to the reporter of the current run; between runs to nobody. */
interface Hub {
  current: Readonly<Record<string, unknown>> | null;
  readonly reporter: object;
}

function hub(): Hub {
  const state: { current: Readonly<Record<string, unknown>> | null } = { current: null };
  const reporter = new Proxy(
    {},
    {
      get: (_target, name) => {
        if (typeof name !== 'string' || !name.startsWith('on')) return undefined;
        return (...args: unknown[]): unknown => {
          const method = state.current?.[name];
          return typeof method === 'function' ? (method.apply(state.current, args) as unknown) : undefined; // a reporter's own method
        };
      },
    },
  );
  return {
    reporter,
    get current() {
      return state.current;
    },
    set current(value) {
      state.current = value;
    },
  };
}

/** Why this configuration is left to the real program, or null: what is set up once a process, or is not isolated, would differ. */
function unfit(vitest: Vitest): string | null {
  const [project, ...others] = vitest.projects;
  if (project === undefined || others.length > 0) return 'several projects';
  const { pool, isolate, globalSetup, browser, typecheck } = project.config;
  // Threads would run the tests inside this very process.
  if (pool !== 'forks') return 'another pool';
  if (isolate === false) return 'no isolation';
  if (globalSetup !== undefined && globalSetup.length > 0) return 'a global set-up';
  return browser?.enabled === true || typecheck?.enabled === true ? 'browser or type checks' : null;
}

/** Null where the project's vitest or its configuration cannot be served hot. Rejects where vitest itself cannot start. */
export async function startHot(
  command: VitestCommand,
  streams: { readonly stdout: Writable; readonly stderr: Writable },
): Promise<HotVitest | null> {
  const loaded = await loadVitest(command.start);
  if (loaded === null) return null;
  const hashes = new Map<string, string>();
  const watched = new Map<string, string>();
  const events = hub();
  const recorder: Plugin = {
    name: 'coherence:loaded',
    enforce: 'pre',
    transform(code, id) {
      hashes.set(`${this.environment?.name ?? ''} ${id}`, sha256(code));
      return null;
    },
  };
  const before = new Set(Object.keys(process.env));
  // What `vitest run` sets before it reads a configuration.
  process.env['TEST'] = 'true';
  process.env['VITEST'] = 'true';
  process.env['NODE_ENV'] ??= 'test';
  const vitest = await loaded.createVitest(
    'test',
    {
      watch: false,
      ...(command.locations ? { includeTaskLocation: true } : {}),
      bail: 0,
      coverage: { enabled: false },
      reporters: ['default', events.reporter],
    },
    { plugins: [recorder] },
    streams,
  );
  const added = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => !before.has(entry[0]) && entry[1] !== undefined,
    ),
  );
  if (!isUsable(vitest) || unfit(vitest) !== null) {
    await vitest.close().catch(() => undefined);
    return null;
  }
  const spare = loaded.ForksPoolWorker === undefined ? null : spareFor(loaded.ForksPoolWorker, process.cwd());
  let preparing: NodeJS.Timeout | undefined;
  const servers = vitest.projects.map((project) => project.vite);

  const unchanged = async (environment: string, id: string, file: string | null): Promise<boolean> => {
    const known = hashes.get(`${environment} ${id}`);
    // Virtual modules and those with a query come from plugins: nobody can say what they were made of.
    if (known === undefined || file === null || id !== file) return false;
    return sha256(await readFile(file, 'utf8').catch(() => '')) === known;
  };
  const watchedFiles = (): string[] =>
    servers.flatMap((server) =>
      Object.values(server.environments).flatMap((environment) => [...(environment.pluginContainer?.watchFiles ?? [])]),
    );
  const refresh = async (forget: boolean): Promise<void> => {
    // A file that a plugin read beside the module may be part of any module.
    const moved = (
      await Promise.all([...watched].map(async ([file, hash]) => sha256(await readFile(file).catch(() => '')) !== hash))
    ).some(Boolean);
    for (const server of servers) {
      for (const environment of Object.values(server.environments)) {
        for (const [id, module] of environment.moduleGraph.idToModuleMap) {
          if (
            !forget &&
            !moved &&
            (module.transformResult === null || (await unchanged(environment.name, id, module.file)))
          )
            continue;
          environment.moduleGraph.invalidateModule(module);
          hashes.delete(`${environment.name} ${id}`);
        }
      }
    }
    watched.clear();
  };

  return {
    configurationFiles: servers.flatMap((server) => [
      ...server.config.configFileDependencies,
      ...(typeof server.config.configFile === 'string' ? [server.config.configFile] : []),
    ]),
    added,
    run: async (request, forget) => {
      clearTimeout(preparing);
      await refresh(forget);
      const { default: Reporter } = (await importModule(pathToFileURL(request.reporter).href)) as {
        default: new () => Readonly<Record<string, unknown>>;
      }; // our own reporter's source
      events.current = new Reporter();
      const exitCode = process.exitCode;
      try {
        if (request.pattern === null) vitest.resetGlobalTestNamePattern();
        else vitest.setGlobalTestNamePattern(new RegExp(request.pattern));
        vitest.clearSpecificationsCache();
        const result = await vitest.start(request.files).catch(() => null);
        for (const file of watchedFiles()) watched.set(file, sha256(await readFile(file).catch(() => '')));
        // The state knows the modules of earlier runs, too.
        const failed = result?.testModules.some(
          (module) => request.files.some((file) => module.moduleId.endsWith(file)) && !module.ok(),
        );
        return { code: result === null || result.unhandledErrors.length > 0 || failed === true ? 1 : 0 };
      } finally {
        events.current = null;
        process.exitCode = exitCode;
        // Not at once: starting a process would take its time from what still has to be done for this run.
        preparing = setTimeout(() => spare?.prepare(), SPARE_AFTER_MS).unref();
      }
    },
    cancel: async () => vitest.cancelCurrentRun('keyboard-input'),
    close: async () => {
      clearTimeout(preparing);
      spare?.close();
      await vitest.close();
    },
  };
}
