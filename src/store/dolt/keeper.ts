/**
 * The server's keeper: a shell loop beside the server that ends it when nobody used it for a while, and keeps its log small.
 *
 * A shell, since it must outlive the command that started the server, cost next to nothing (1 MB against node's 40) and
 * work from any installation. The first shell becomes the server itself by `exec`, so that the pid that we recorded is the
 * server's; the keeper is its child and dies with it (PDEATHSIG; without setpriv it notices within one interval).
 *
 * Stopping takes the use lock exclusively: every user holds it shared, so no command can lose its connection to idleness,
 * and one that comes while the server stops waits and then starts a new one.
 */
const KEEPER = String.raw`
server=$1 usage=$2 idle=$3 poll=$4 log=$5 socket=$6
alive() { case "$(sed 's/.*) \(.\).*/\1/' "/proc/$server/stat" 2>/dev/null)" in ''|Z|X) return 1;; esac; }
unused() { [ $(( $(date +%s) - $(stat -c %Y "$usage" 2>/dev/null || echo 0) )) -ge "$idle" ]; }
pause() { if [ -n "$COHERENCE_SETPRIV" ]; then setpriv --pdeathsig KILL sleep "$1"; else sleep "$1"; fi; }
while pause "$poll"; do
  alive || exit 0
  # Its folder was deleted: nobody can find this server any more, and what it holds is gone from every path.
  if ! [ -e "$usage" ]; then kill -TERM "$server" 2>/dev/null; sleep 2; alive && kill -KILL "$server" 2>/dev/null; exit 0; fi
  if [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -gt 1048576 ]; then cp -f "$log" "$log.1" && : > "$log"; fi
  if grep -q " 03 .* $socket\$" /proc/net/unix 2>/dev/null || ! flock -n "$usage" true; then touch "$usage"; continue; fi
  unused || continue
  if (
    flock -n 9 || exit 1
    unused || exit 1
    kill -TERM "$server" 2>/dev/null
    waited=0
    while alive; do
      waited=$((waited + 1))
      [ "$waited" -eq 200 ] && kill -KILL "$server" 2>/dev/null
      sleep 0.05
    done
  ) 9>>"$usage"; then exit 0; fi
done
`;

/** Arguments: dolt, config, usage file, idle seconds, poll seconds, log, socket. */
const SERVER = String.raw`
dolt=$1 config=$2; shift 2
if command -v setpriv >/dev/null 2>&1; then
  COHERENCE_SETPRIV=1 setpriv --pdeathsig KILL sh -c "$COHERENCE_KEEPER" keeper $$ "$@" </dev/null >/dev/null 2>&1 &
else
  COHERENCE_SETPRIV= sh -c "$COHERENCE_KEEPER" keeper $$ "$@" </dev/null >/dev/null 2>&1 &
fi
unset COHERENCE_KEEPER
exec "$dolt" sql-server --config "$config"
`;

export interface KeeperOptions {
  readonly dolt: string;
  readonly config: string;
  readonly useLock: string;
  readonly idleSeconds: number;
  readonly log: string;
  readonly socket: string;
}

/** The command that becomes the server, and what it needs in its environment. */
export function serverCommand(options: KeeperOptions): {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const poll = Math.min(5, Math.max(0.2, options.idleSeconds / 6));
  return {
    command: [
      '/bin/sh',
      '-c',
      SERVER,
      'dolt-server',
      options.dolt,
      options.config,
      options.useLock,
      String(Math.ceil(options.idleSeconds)),
      String(poll),
      options.log,
      options.socket,
    ],
    env: { COHERENCE_KEEPER: KEEPER },
  };
}
