export interface PrivateDaemon {
  readonly root: string;
  readonly socket: string;
  /** For DOCKER_HOST. */
  readonly host: string;
  pid(): number;
  /** Ends it in order, containers too, and starts it again on the same data. */
  restart(): Promise<void>;
  /** SIGKILL, as a crash would; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends everything that belongs to it and deletes its folder. */
  stop(): Promise<void>;
}
/** Why no private daemon can be started here, or null. */
export function whyNot(): string | null;
export function install(): 'present' | 'installed';
export function startDockerd(root: string, options?: { readonly parentDeath?: boolean }): Promise<PrivateDaemon>;
