/**
 * The parts of `.cargo/config.toml` that change how a test executable is started: `[env]` and `target.*.runner`.
 * All else (target directory, profiles, flags) cargo applies itself during the build. `include` is not followed.
 */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import { cfgHolds } from './cfg.js';
import { asObject, asText, texts, type JsonObject } from './json.js';

export interface ConfiguredVariable {
  readonly name: string;
  readonly value: string;
  /** Overrides what the environment already has. */
  readonly force: boolean;
}

export interface CargoConfiguration {
  readonly env: readonly ConfiguredVariable[];
  /** Runners by triple or `cfg(…)`, nearest file first. */
  readonly runners: readonly { readonly target: string; readonly command: readonly string[] }[];
}

interface ConfigFile {
  /** The folder that holds `.cargo`, as programs of the place see it. */
  readonly folder: string;
  readonly content: JsonObject;
}

/** `hostFolder` is where this process reads it, `folder` what it is called inside the place. */
async function configAt(hostFolder: string, folder: string, names: readonly string[]): Promise<ConfigFile | null> {
  for (const name of names) {
    const text = await readFile(join(hostFolder, name), 'utf8').catch(() => null);
    if (text === null) continue;
    try {
      const content = asObject(parse(text));
      return content === null ? null : { folder, content };
    } catch {
      // Cargo itself will say what is wrong with it, with the place in the file.
      return null;
    }
  }
  return null;
}

export interface ConfigurationPlaces {
  /** Folders from the one cargo runs in upwards: as this process reads them, and as they are called inside. */
  readonly folders: readonly { readonly host: string; readonly inside: string }[];
  /** `$CARGO_HOME`, where this process can read it. */
  readonly home: string | null;
}

/** From the folder up to the root of the file system on the host, up to the project's root elsewhere. */
export function configurationPlaces(
  start: { readonly host: string; readonly inside: string },
  hostTop: string | null,
  home: string | null,
): ConfigurationPlaces {
  const folders: { host: string; inside: string }[] = [];
  let { host, inside } = start;
  for (;;) {
    folders.push({ host, inside });
    const up = dirname(host);
    if (up === host || host === hostTop) return { folders, home };
    host = up;
    inside = dirname(inside);
  }
}

const runnerCommand = (value: unknown, folder: string): readonly string[] => {
  const words = typeof value === 'string' ? value.split(/\s+/u).filter((word) => word !== '') : texts(value);
  const [program, ...rest] = words;
  if (program === undefined) return [];
  // A runner with a slash is relative to the folder that holds `.cargo`; a bare name is looked up on PATH.
  return [program.includes('/') && !isAbsolute(program) ? join(folder, program) : program, ...rest];
};

export async function readConfiguration(places: ConfigurationPlaces): Promise<CargoConfiguration> {
  const inTree = await Promise.all(
    places.folders.map(async ({ host, inside }) => configAt(host, inside, ['.cargo/config', '.cargo/config.toml'])),
  );
  const atHome =
    places.home === null ? null : await configAt(places.home, dirname(places.home), ['config', 'config.toml']);
  const files = [...inTree, atHome].filter((file) => file !== null);
  const env = new Map<string, ConfiguredVariable>();
  const runners: { target: string; command: readonly string[] }[] = [];
  for (const { folder, content } of files) {
    for (const [name, value] of Object.entries(asObject(content['env']) ?? {})) {
      if (env.has(name)) continue;
      const table = asObject(value);
      const text = table === null ? asText(value) : asText(table['value']);
      if (text === null) continue;
      env.set(name, {
        name,
        value: table?.['relative'] === true ? join(folder, text) : text,
        force: table?.['force'] === true,
      });
    }
    for (const [target, value] of Object.entries(asObject(content['target']) ?? {})) {
      const command = runnerCommand(asObject(value)?.['runner'], folder);
      if (command.length > 0) runners.push({ target, command });
    }
  }
  return { env: [...env.values()], runners };
}

/** The program that starts test executables for this host, or []: environment, then the triple, then the first `cfg(…)` that holds. */
export function runnerFor(
  configuration: CargoConfiguration,
  host: string,
  cfg: readonly string[],
  base: ReadonlyMap<string, string>,
): readonly string[] {
  const fromEnvironment = base.get(
    `CARGO_TARGET_${host.toUpperCase().replaceAll('-', '_').replaceAll('.', '_')}_RUNNER`,
  );
  if (fromEnvironment !== undefined && fromEnvironment.trim() !== '') return fromEnvironment.trim().split(/\s+/u);
  const exact = configuration.runners.find((entry) => entry.target === host);
  if (exact !== undefined) return exact.command;
  return (
    configuration.runners.find((entry) => entry.target.startsWith('cfg(') && cfgHolds(entry.target, cfg))?.command ?? []
  );
}
