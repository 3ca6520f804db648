import { describe, expect, it } from 'vitest';
import { jitter, backoffMs, toSpawn } from '../../src/daemon/schedule/plan.js';
import { NAME_MARKER, selectBootOrphans, warmName } from '../../src/daemon/reap/select.js';
import type { ProcessRow } from '../../src/journal/index.js';
import type { TableEntry } from '../../src/util/process-table.js';

const row = (change: Partial<ProcessRow> = {}): ProcessRow => ({
  nonce: 'n1',
  kind: 'warm',
  name: 'coh-warm-x',
  key: 'p@node',
  instance_id: 'dead',
  boot_id: 'boot',
  pid: 100,
  start_ticks: 7,
  pgid: 100,
  isolation: 'group',
  container_id: null,
  run_id: null,
  state: 'idle',
  created: '',
  last_used: null,
  ...change,
});
const entry = (change: Partial<TableEntry> = {}): TableEntry => ({
  pid: 100,
  state: 'S',
  group: 100,
  startTicks: 7,
  argv: ['node'],
  nonces: ['n1'],
  ...change,
});
const select = (ledger: readonly ProcessRow[], table: readonly TableEntry[], alive: readonly string[] = []) =>
  selectBootOrphans(ledger, table, 'self', 'boot', (id) => alive.includes(id));

describe('boot orphans', () => {
  // @verifies AC-orchestrator-verified-identity
  it('are killed only when boot, start time and nonce agree and the owner is dead', () => {
    expect(select([row()], [entry()]).kill).toHaveLength(1);
    expect(select([row()], [entry()], ['dead'])).toMatchObject({ kill: [], gone: [], indeterminate: [] });
    expect(select([row({ instance_id: 'self' })], [entry()])).toMatchObject({ kill: [], gone: [] });
  });

  // @verifies AC-orchestrator-verified-identity
  it('are gone after a reboot, as a zombie, without a process, and when the pid belongs to a later process', () => {
    expect(select([row({ boot_id: 'earlier' })], [entry()])).toMatchObject({ kill: [], gone: [{ nonce: 'n1' }] });
    expect(select([row()], [entry({ state: 'Z' })])).toMatchObject({ kill: [], gone: [{}] });
    expect(select([row()], [])).toMatchObject({ kill: [], gone: [{}] });
    expect(select([row()], [entry({ startTicks: 8, nonces: [] })])).toMatchObject({
      kill: [],
      gone: [{}],
      indeterminate: [],
    });
    expect(select([row()], [entry({ startTicks: 8, nonces: null })])).toMatchObject({
      kill: [],
      gone: [{}],
      indeterminate: [],
    });
  });

  // @verifies AC-orchestrator-verified-identity
  it('are indeterminate when the environment cannot be read or does not hold the nonce', () => {
    expect(select([row()], [entry({ nonces: null })])).toMatchObject({
      kill: [],
      gone: [],
      indeterminate: [{ pid: 100 }],
    });
    expect(select([row()], [entry({ nonces: ['other'] })])).toMatchObject({
      kill: [],
      gone: [],
      indeterminate: [{ pid: 100 }],
    });
  });

  it('are found by their nonce without a pid (K8), behind a dead leader, and in a list of nested nonces', () => {
    const child = entry({ pid: 333, group: 333, startTicks: 9, nonces: ['outer', 'n1', 'inner'] });
    expect(
      select([row({ pid: null, start_ticks: null, pgid: null })], [child]).kill[0]?.members.map((member) => member.pid),
    ).toEqual([333]);
    expect(select([row()], [child]).kill[0]?.members.map((member) => member.pid)).toEqual([333]);
    expect(select([row()], [child, entry()]).kill[0]?.members.map((member) => member.pid)).toEqual([100, 333]);
    expect(select([row({ pid: null, start_ticks: null, state: 'intended' })], [])).toMatchObject({
      kill: [],
      gone: [{}],
    });
  });

  // @verifies AC-orchestrator-foreign
  it('are foreign when only the marker speaks for them', () => {
    const stranger = entry({ pid: 5, argv: ['vim', `${NAME_MARKER}abc`], nonces: [] });
    expect(select([], [stranger])).toMatchObject({ kill: [], foreign: [{ pid: 5 }] });
    expect(select([row()], [entry({ argv: ['node', warmName('INSTANCE1', 'U')] })]).foreign).toEqual([]);
  });

  it('share one marker with the spawn', () => {
    expect(warmName('01M7ZDQRFJCBHZW2BBKPKP2M76', '01M7ZDRVW5R8PR6R928038YFT6')).toBe(
      'coh-warm-pkp2m76'.replace('pkp2m76', 'kpkp2m76') + '-01M7ZDRVW5R8PR6R928038YFT6',
    );
  });
});

describe('a tick', () => {
  // @verifies AC-orchestrator-batch
  it.each([
    [6, 4, 0, 4, 4],
    [4, 2, 0, 4, 2],
    [8, 4, 2, 4, 2],
    [1, 4, 6, 4, 0],
    [0, 0, 0, 4, 0],
    [0, 256, 0, 64, 64],
  ])(
    'with %i waiting and at most %i workers, %i at work and %i a tick starts at most %i',
    (_waiting, maximum, active, perTick, expected) => {
      expect(toSpawn(maximum, active, perTick)).toBe(expected);
    },
  );

  // @verifies AC-orchestrator-jitter
  it('pauses for any length between the two limits, ends included', () => {
    const seen = new Set(Array.from({ length: 4000 }, () => jitter(50, 60)));
    expect([...seen].sort((left, right) => left - right)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
    expect(jitter(0, 0)).toBe(0);
    expect(jitter(7, 7)).toBe(7);
  });

  it('backs off by powers of two up to five minutes', () => {
    expect([0, 1, 2, 8, 9, 1000].map(backoffMs)).toEqual([1000, 2000, 4000, 256_000, 300_000, 300_000]);
  });
});
