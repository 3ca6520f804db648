/** The part of vitest's programmatic interface (`vitest/node`, 3 and later) that is used. The module is the project's own. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Writable } from 'node:stream';
import { importModule } from '../../../util/import-module.js';

export interface GraphModule {
  readonly id: string | null;
  readonly file: string | null;
  readonly transformResult: object | null;
}

export interface ModuleGraph {
  readonly idToModuleMap: ReadonlyMap<string, GraphModule>;
  invalidateModule(module: GraphModule): void;
}

export interface ViteEnvironment {
  readonly name: string;
  readonly moduleGraph: ModuleGraph;
  readonly pluginContainer?: { readonly watchFiles?: ReadonlySet<string> };
}

export interface ViteServer {
  readonly environments: Readonly<Record<string, ViteEnvironment>>;
  readonly config: { readonly configFileDependencies: readonly string[]; readonly configFile?: string | false };
}

export interface VitestProject {
  readonly vite: ViteServer;
  readonly config: {
    readonly pool?: unknown;
    readonly isolate?: boolean;
    readonly globalSetup?: readonly string[] | string;
    readonly browser?: { readonly enabled?: boolean };
    readonly typecheck?: { readonly enabled?: boolean };
  };
}

export interface Vitest {
  readonly projects: readonly VitestProject[];
  readonly version: string;
  readonly config: { readonly watch?: boolean; readonly standalone?: boolean };
  readonly state: { getCountOfFailedTests(): number };
  setGlobalTestNamePattern(pattern: string | RegExp): void;
  resetGlobalTestNamePattern(): void;
  clearSpecificationsCache(): void;
  /** As `vitest run` does; rejects when no file matches. */
  start(filters: readonly string[]): Promise<{
    readonly testModules: readonly { readonly moduleId: string; ok(): boolean }[];
    readonly unhandledErrors: readonly unknown[];
  }>;
  cancelCurrentRun(reason: string): Promise<void>;
  close(): Promise<void>;
}

export interface Plugin {
  readonly name: string;
  readonly enforce: 'pre';
  transform(this: { readonly environment?: { readonly name: string } }, code: string, id: string): null;
}

interface VitestModule {
  createVitest(
    mode: 'test',
    options: object,
    vite: { readonly plugins: readonly Plugin[] },
    streams: { readonly stdout: Writable; readonly stderr: Writable },
  ): Promise<Vitest>;
  /** vitest 4 and later. */
  readonly ForksPoolWorker?: { readonly prototype: object };
}

const METHODS = [
  'setGlobalTestNamePattern',
  'resetGlobalTestNamePattern',
  'clearSpecificationsCache',
  'start',
  'cancelCurrentRun',
  'close',
] as const;

/** Null where the project's vitest has another interface. */
export async function loadVitest(start: string): Promise<VitestModule | null> {
  const home = dirname(start);
  const text = await readFile(join(home, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const { exports } = JSON.parse(text) as { exports?: Readonly<Record<string, unknown>> }; // checked below
  const entry = exports?.['./node'];
  const file =
    typeof entry === 'string'
      ? entry
      : typeof entry === 'object' && entry !== null
        ? (entry as Record<string, unknown>)['default']
        : null; // checked on the next line
  if (typeof file !== 'string') return null;
  const loaded = (await importModule(pathToFileURL(join(home, file)).href)) as Partial<VitestModule>; // the project's own module; checked on the next line
  return typeof loaded.createVitest === 'function' ? (loaded as VitestModule) : null;
}

export const isUsable = (vitest: Vitest): boolean =>
  METHODS.every((name) => typeof vitest[name] === 'function') && Array.isArray(vitest.projects);
