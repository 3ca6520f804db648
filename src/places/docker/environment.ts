/** What a declared environment comes to: defaults filled in, units turned into numbers, the caller's variables looked up. */
import type { DeclaredEnvironment, PullPolicy } from '../../model/index.js';
import { parseDuration } from '../../util/duration.js';

export interface SetupStep {
  readonly id: string;
  readonly run: string;
  readonly network: string;
  readonly timeoutMs: number;
  readonly inputs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Environment {
  readonly name: string;
  readonly image: string;
  readonly pull: PullPolicy;
  readonly user: string;
  readonly workdir: string;
  readonly shell: readonly string[];
  /** Fixed, declared and passed variables: all of them are in the key. */
  readonly env: Readonly<Record<string, string>>;
  /** Values of declared secrets that the caller has: in no key, masked in output. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly setup: readonly SetupStep[];
  readonly source: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly link: Readonly<Record<string, string>>;
  readonly limits: {
    readonly cpus: number | null;
    readonly memoryBytes: number;
    readonly pids: number;
    readonly network: string;
  };
}

/** Fixed in every container, so that no check depends on the machine's time zone or language. */
const FIXED = { TZ: 'UTC', LANG: 'C.UTF-8' };
const SETUP_TIMEOUT_MS = 600_000;
const MEMORY_BYTES = 2 * 1024 ** 3;
const PIDS = 512;
const UNITS: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

const bytesOf = (text: string): number => {
  const match = /^([0-9]+)([bkmg]?)$/i.exec(text);
  return match === null ? MEMORY_BYTES : Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1);
};

function pick(names: readonly string[], from: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** `caller` is the environment of the person who runs us; only names that the declaration lists are taken from it. */
export function environmentOf(
  name: string,
  declared: DeclaredEnvironment,
  caller: Readonly<Record<string, string | undefined>>,
): Environment {
  return {
    name,
    image: declared.image,
    pull: declared.pull ?? 'missing',
    user: declared.user ?? '0:0',
    workdir: declared.workdir ?? '/workspace',
    shell: declared.shell ?? ['sh', '-ec'],
    env: { ...FIXED, ...declared.env, ...pick(declared.pass_env ?? [], caller) },
    secrets: pick(declared.secrets ?? [], caller),
    setup: (declared.setup ?? []).map((step) => ({
      id: step.id,
      run: step.run,
      network: step.network ?? 'none',
      timeoutMs: (step.timeout === undefined ? null : parseDuration(step.timeout)) ?? SETUP_TIMEOUT_MS,
      inputs: step.inputs ?? [],
      env: step.env ?? {},
    })),
    source: { include: declared.source?.include ?? ['.'], exclude: declared.source?.exclude ?? [] },
    link: declared.link ?? {},
    limits: {
      cpus: declared.limits?.cpus ?? null,
      memoryBytes: declared.limits?.memory === undefined ? MEMORY_BYTES : bytesOf(declared.limits.memory),
      pids: declared.limits?.pids ?? PIDS,
      network: declared.limits?.network ?? 'none',
    },
  };
}
