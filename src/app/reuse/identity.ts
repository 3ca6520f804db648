/** What all verdicts of a run rest on, in one value: the whole project, the tools and the environment (trust.md T4, level 1). */
import { join } from 'node:path';
import type { Project } from '../../config/index.js';
import { environmentDigest } from '../../closure/index.js';
import type { Case } from '../../model/index.js';
import { inheritedEnv } from '../../run/index.js';
import { openWholeMemo, readWhole, type Source, type WholeProject } from '../../sources/index.js';
import { hashFields } from '../../util/hash.js';
import { toolsOf } from './tools.js';

type Env = Readonly<Record<string, string | undefined>>;

export interface ReuseIdentity {
  readonly whole: WholeProject;
  readonly tools: ReadonlyMap<string, string>;
  /** Variable → its value, of those that count. */
  readonly environment: ReadonlyMap<string, string>;
  /** Environment and Node alone: what no observer sees and every test gets. */
  readonly surroundings: string;
  /** The identity that a case rests on; null when it cannot be told. */
  of(entry: Case): Promise<string | null>;
  /** Reads the project again: whether it is still what it was. */
  unchanged(): Promise<boolean>;
}

const memos = new Map<string, ReturnType<typeof openWholeMemo>>();

async function readProject(project: Project, source: Source): Promise<WholeProject> {
  const folder = join(project.directories.cache, 'whole', hashFields([project.root]).slice(0, 16));
  const memo = memos.get(folder) ?? openWholeMemo(folder);
  memos.set(folder, memo);
  const top = source.prefix === '' ? project.root : project.root.slice(0, -source.prefix.length);
  const whole = await readWhole(top, source.prefix, {
    memo,
    outputs: project.settings.verify.outputs,
    tracked: (path) => source.tracksBelow(path),
  });
  await memo.save();
  return whole;
}

export async function reuseIdentity(project: Project, source: Source, env: Env): Promise<ReuseIdentity> {
  const whole = await readProject(project, source);
  const inherited = inheritedEnv(env);
  const environment = environmentDigest(inherited);
  const tools = toolsOf({ root: project.root, env: inherited }, project.settings.backends.python.bin);
  const common = hashFields([whole.digest, environment.digest, ...[...tools.common].flat()]);
  const kinds = new Map<ReadonlyMap<string, string>, string>();
  return {
    whole,
    tools: tools.common,
    environment: environment.variables,
    surroundings: hashFields([environment.digest, process.version]),
    of: async (entry) => {
      if (whole.unknown !== null) return null;
      const own = await tools.of(entry);
      if (own === null) return null;
      const there = kinds.get(own) ?? hashFields([common, ...[...own].flat()]);
      kinds.set(own, there);
      return there;
    },
    unchanged: async () => (await readProject(project, source)).digest === whole.digest,
  };
}
