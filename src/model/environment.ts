/**
 * A Docker environment as `docker.environments.<name>` of config.yaml declares it: what its author wrote, checked, no more.
 * `config` parses it; `run/docker` fills in defaults (`environmentOf`) and builds it. Field names are those of the file.
 */
export type PullPolicy = 'never' | 'missing' | 'always';

/** One snapshot layer. It holds system state only: nothing below the workspace is ever in it. */
export interface DeclaredSetup {
  readonly id: string;
  /** Handed to the environment's shell as its last argument. */
  readonly run: string;
  /** none, bridge or a network's name; default none. */
  readonly network?: string;
  /** As written; `parseDuration` gives milliseconds. Default 10m. */
  readonly timeout?: string;
  /** Files, folders or globs below the project; mounted read-only at `/inputs`, and their content is in the layer's key. */
  readonly inputs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface DeclaredEnvironment {
  readonly image: string;
  readonly pull?: PullPolicy;
  readonly user?: string;
  /** Absolute; where the project's tree is seen inside. */
  readonly workdir?: string;
  /** Program and options that take a command line as their last argument. */
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Names of the caller's variables to let through; name and value are in the key. */
  readonly pass_env?: readonly string[];
  /** Names of the caller's variables that are in no key and no image, and masked in output. */
  readonly secrets?: readonly string[];
  readonly setup?: readonly DeclaredSetup[];
  readonly source?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  /** Symlinks made in each workspace: name below the workspace → absolute path in the container. */
  readonly link?: Readonly<Record<string, string>>;
  readonly limits?: {
    readonly cpus?: number;
    /** As written: `512m`, `2g`, bytes without a unit. */
    readonly memory?: string;
    readonly pids?: number;
    readonly network?: string;
  };
}
