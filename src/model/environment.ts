/**
 * A Docker environment as `docker.environments.<name>` of config.yaml declares it, with defaults filled in.
 * `config` parses and validates it (bad values are 65 with file:line), `run/docker` builds it.
 */
export const PULL_POLICIES = ['never', 'missing', 'always'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export const NETWORK_MODES = ['none', 'bridge', 'host'] as const;
export type NetworkMode = (typeof NETWORK_MODES)[number];

/** One snapshot layer. It holds system state only: nothing below the workspace is ever in it. */
export interface SetupStep {
  /** Unique in its environment; `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 characters. */
  readonly id: string;
  /** Handed to the environment's shell as its last argument. */
  readonly run: string;
  /** Default 'none'. */
  readonly network: NetworkMode;
  /** Default 600 000. */
  readonly timeoutMs: number;
  /** Files, folders or globs relative to the project's root (no absolute path, no `..`); mounted read-only at `/inputs`. Default none. */
  readonly inputs: readonly string[];
}

export interface EnvironmentLimits {
  /** Number of CPUs, fractions allowed; null: no limit. */
  readonly cpus: number | null;
  /** Bytes; null: no limit. Swap is limited to the same. */
  readonly memoryBytes: number | null;
  /** Default 512. */
  readonly pids: number | null;
  /** Of checks; default 'none'. */
  readonly network: NetworkMode;
}

export interface DockerEnvironment {
  readonly name: string;
  /** Reference or id; resolved to an image id when the run is planned. */
  readonly image: string;
  /** Default 'missing'. */
  readonly pull: PullPolicy;
  /** Default `0:0`. */
  readonly user: string;
  /** Absolute; where the project's tree is seen inside. Default `/workspace`. */
  readonly workdir: string;
  /** Program and options that take a command line as their last argument. Default `[sh, -ec]`. */
  readonly shell: readonly string[];
  /** In every layer's key; never in an image. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the caller's variables to let through; name and value are in the key. */
  readonly passEnv: readonly string[];
  /** Names of the caller's variables to let through that are in no key and no image, and are masked in output. */
  readonly secrets: readonly string[];
  readonly setup: readonly SetupStep[];
  /** Which files of the frozen source the workspace gets. Defaults `["."]` and `[]`; a trailing `/` means a folder, `*` and `**` match. */
  readonly source: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Symlinks made in each workspace: name in the workspace (relative) → target inside the container (absolute). */
  readonly link: Readonly<Record<string, string>>;
  readonly limits: EnvironmentLimits;
}

/** What an environment gets for what its author did not write. */
export const ENVIRONMENT_DEFAULTS = {
  pull: 'missing',
  user: '0:0',
  workdir: '/workspace',
  shell: ['sh', '-ec'],
  env: {},
  passEnv: [],
  secrets: [],
  setup: [],
  source: { include: ['.'], exclude: [] },
  link: {},
  limits: { cpus: null, memoryBytes: null, pids: 512, network: 'none' },
} as const satisfies Omit<DockerEnvironment, 'name' | 'image'>;

export const SETUP_DEFAULTS = { network: 'none', timeoutMs: 600_000, inputs: [] } as const satisfies Omit<SetupStep, 'id' | 'run'>;
