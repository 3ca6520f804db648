/**
 * The settings of one project, as all rooms see them. Names are those of config.yaml, so that no mapping can lose one;
 * durations are milliseconds. The table in keys.ts has each key's type, default and range.
 */
import type { DockerEnvironment } from './environments.js';

export interface Settings {
  readonly max_workers: number;
  readonly spawns_per_tick: number;
  readonly tick_interval_ms: number;
  readonly spawn_jitter_min_ms: number;
  readonly spawn_jitter_max_ms: number;
  readonly log_level: 'error' | 'warn' | 'info' | 'debug';
  readonly run_timeout_minutes: number;
  readonly retry_count: number;
  readonly shutdown_grace_ms: number;
  readonly scan: {
    /** Patterns in .gitignore syntax of files that are not scanned. */
    readonly ignore: readonly string[];
  };
  readonly verify: {
    /** Cases at once; null: the number of processors. */
    readonly jobs: number | null;
    /** Milliseconds for one case, where its link names none. */
    readonly timeout: number;
    /** Milliseconds for a whole run; null: no limit. */
    readonly run_timeout: number | null;
    /** Percent of cache hits that are run again; null: 0, or 2 with CI=true. */
    readonly audit: number | null;
    /** When a verdict is taken instead of running. */
    readonly reuse: 'same-source' | 'observed' | 'off';
    /** Milliseconds that a verdict may be old to be taken. */
    readonly reuse_ttl: number;
    /** Patterns of untracked files that are no inputs. */
    readonly outputs: readonly string[];
    /** What a pass by exit code alone is worth. */
    readonly exit_code: 'allow' | 'warn' | 'refuse';
    /** What a pass after a retry is worth. */
    readonly flaky: 'allow' | 'fail';
  };
  readonly cargo: {
    readonly speculative: boolean;
    readonly warm_timeout_ms: number;
    readonly warm_max_bytes: number;
    readonly warm_ttl_hours: number;
    readonly parallel: boolean;
  };
  readonly docker: {
    readonly layer_capacity: number;
    readonly environments: Readonly<Record<string, DockerEnvironment>>;
  };
  readonly store: {
    readonly dolt_bin: string | null;
    readonly url: string | null;
    readonly dolt_url: string | null;
    readonly dolt_sha256: string | null;
    readonly idle_minutes: number;
    readonly remote: string | null;
  };
  readonly pool: {
    readonly enabled: boolean;
    readonly global_cap: number;
    readonly per_key_cap: number;
    readonly ttl_ms: number;
    readonly reap_interval_ms: number;
    readonly term_grace_ms: number;
  };
  readonly worktrees: {
    readonly extra_roots: readonly string[];
    /** Program and arguments; null: the lock file's own frozen install; empty: nothing. */
    readonly prepare: readonly string[] | null;
  };
  readonly sweep: {
    readonly backlog_warn: number;
    readonly delete_concurrency: number;
  };
  readonly backends: {
    readonly cargo: { readonly bin: string };
    readonly docker: { readonly bin: string };
    readonly node: { readonly bin: string };
    readonly go: { readonly bin: string };
    /** Null: the project's own environment, else python3. */
    readonly python: { readonly bin: string | null };
  };
  readonly gate: {
    readonly policy: 'delta' | 'full' | 'strict';
    /** Milliseconds. */
    readonly budget: number;
    readonly on_error: 'block' | 'allow';
  };
}
