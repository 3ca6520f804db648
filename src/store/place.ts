/** Everything the store needs to know about its surroundings, as plain values that `app` fills from the project. */
export interface StorePlace {
  /** `<state>`: data, password, identity, log and outbox live below it. Absolute. */
  readonly state: string;
  /** `<cache>`: where an installed Dolt is kept. Absolute. */
  readonly cache: string;
  /** Folder for the socket, short enough for the kernel's limit. Checked before use. */
  readonly sockets: string;
  /** The project's database, environment suffix included. */
  readonly database: string;
  /** `store.dolt_bin`. */
  readonly doltBin: string | null;
  /** `store.url`: a shared server; nothing is spawned then. */
  readonly url: string | null;
  readonly doltUrl: string | null;
  readonly doltSha256: string | null;
  /** Minutes without a connection after which the server stops by itself. */
  readonly idleMinutes: number;
  /** Environment to look programs up in and to start the server with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whom commits are by: `Name <address>`. */
  readonly author: string;
}

/** The database of an environment of a project. `configured` is the manifest's `dolt_db_name`, with or without a suffix. */
export const ENVIRONMENTS = ['dev', 'test', 'prod'] as const;
export type StoreEnvironment = (typeof ENVIRONMENTS)[number];
