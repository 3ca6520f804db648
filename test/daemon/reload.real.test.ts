import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, lives, until, type Box } from './rig.js';

const CONFIG = '.coherence/config.yaml';
const setConfig = async (test: Box, text: string): Promise<void> => writeFile(join(test.repo, CONFIG), text);
const identityOf = (entry: Readonly<Record<string, unknown>>) => ({
  pid: Number(entry['pid']),
  startTicks: Number(entry['start_ticks']),
});

describe('a reload', () => {
  // OC-33
  // @verifies AC-orchestrator-reload
  it('answers with what changed, ends no worker, and new runs start with the new limit', async () => {
    await using test = await box({
      config: { max_workers: 2 },
      probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
    });
    for (let count = 0; count < 3; count += 1) await test.enqueue(['SPEC-long']);
    const daemon = await test.start();
    const first = await until(async () => {
      const entries = await test.log('worker.start');
      return entries.length === 2 ? entries : null;
    }, 'two workers');
    const set = await test.coherence(['config', 'set', 'max_workers', '10']);
    expect(set).toMatchObject({ code: 0, out: 'set max_workers = 10\n' });
    expect(await readFile(join(test.repo, CONFIG), 'utf8')).toMatch(/^max_workers: 10$/m);
    const answer = await test.coherence(['daemon', 'reload']);
    expect(answer.code).toBe(0);
    expect(answer.out).toContain('max_workers 2→10');
    await until(async () => (await test.log('worker.start')).length === 3, 'the third worker');
    expect(lives(daemon)).toBe(true);
    expect(first.map((entry) => lives(identityOf(entry)))).toEqual([true, true]);
    expect((await test.log('reload.applied')).at(-1)).toMatchObject({ changed: { max_workers: { from: 2, to: 10 } } });
    const again = await test.coherence(['daemon', 'reload', '--json']);
    expect(again.json()).toMatchObject({
      applied: {},
      requires_restart: [],
      errors: [],
      unchanged: expect.arrayContaining(['max_workers']),
    });
  });

  // OC-34
  // @verifies AC-orchestrator-reload-limits
  it('that lowers the limit kills nobody and starts nobody until enough have ended; workers keep what they were started with', async () => {
    await using test = await box({
      config: { max_workers: 3, spawn_jitter_min_ms: 0, spawn_jitter_max_ms: 0 },
      probes: (self) => ({
        'specs/gate.yaml': self.probe('gate', { script: './wait.sh' }),
        'wait.sh': '#!/bin/sh\nwhile [ ! -e "$PWD/open" ]; do sleep 0.05; done\n',
      }),
    });
    for (let count = 0; count < 5; count += 1) await test.enqueue(['SPEC-gate']);
    const wrapper = join(test.folder, 'node-wrapper');
    await writeFile(wrapper, `#!/bin/sh\necho started >> ${test.folder}/wrapped\nexec ${process.execPath} "$@"\n`, {
      mode: 0o755,
    });
    await test.start();
    const before = await until(async () => {
      const entries = await test.log('worker.start');
      return entries.length === 3 ? entries : null;
    }, 'three workers');
    await writeFile(join(test.repo, '.coherence', 'config.local.yaml'), `backends: { node: { bin: ${wrapper} } }\n`);
    await test.config({
      tick_interval_ms: 500,
      max_workers: 1,
      spawn_jitter_min_ms: 0,
      spawn_jitter_max_ms: 0,
      log_level: 'debug',
    });
    const answer = (await test.coherence(['daemon', 'reload', '--json'])).json<{
      applied: object;
      requires_restart: string[];
    }>();
    expect(Object.keys(answer.applied).sort()).toEqual(['backends.node.bin', 'log_level', 'max_workers']);
    expect(answer.requires_restart).toEqual(['tick_interval_ms']);
    await until(async () => (await test.log('tick')).length >= 3, 'three ticks');
    expect(await test.log('worker.start')).toHaveLength(3);
    expect(before.map((entry) => lives(identityOf(entry)))).toEqual([true, true, true]);
    expect(await readFile(join(test.folder, 'wrapped'), 'utf8').catch(() => '')).toBe('');
    await writeFile(join(test.repo, 'open'), '');
    await test.ended((await test.list()).map((run) => run.run_id));
    expect(await readFile(join(test.folder, 'wrapped'), 'utf8')).toBe('started\nstarted\n');
    const actives = (await test.log('tick'))
      .filter((entry) => Number(entry['spawned']) > 0)
      .map((entry) => entry['active']);
    expect(actives).toEqual([1, 1]);
  });

  // F3, OC-35
  // @verifies AC-orchestrator-reload-rejected
  it.each([
    ['broken YAML', 'max_workers: [1,\nspawns_per_tick: 3\n', 2],
    ['a wrong type', '# one\nmax_workers: lots\n', 2],
    ['a value out of range', 'max_workers: 4\nspawns_per_tick: 65\n', 2],
    ['an unknown key', 'max_workers: 4\n\nmax_worker: 5\n', 3],
  ])('of %s changes nothing, says where, and exits 65; the daemon lives', async (_what, text, line) => {
    await using test = await box({ config: { max_workers: 7 } });
    const daemon = await test.start();
    const { generation } = await test.status();
    await setConfig(test, text);
    const answer = await test.coherence(['daemon', 'reload']);
    expect(answer.code).toBe(65);
    expect(answer.err).toMatch(new RegExp(`config\\.yaml:[${line}${line + 1}]`));
    process.kill(daemon.pid, 'SIGHUP');
    await until(async () => (await test.log('reload.failed')).length === 2, 'the second refusal');
    const failed = (await test.log('reload.failed'))[1];
    expect(failed).toMatchObject({
      path: expect.stringContaining('config.yaml'),
      line: expect.any(Number),
      error: expect.any(String),
    });
    await setConfig(test, 'max_workers: 7\n');
    expect(lives(daemon)).toBe(true);
    expect(await test.status()).toMatchObject({ generation, settings: { max_workers: 7 } });
    await test.coherence(['daemon', 'stop', '--now']);
    await setConfig(test, text);
    const boot = await test.coherence(['daemon', 'start']);
    expect(boot.code).toBe(65);
    expect(boot.err).toContain('config.yaml:');
    const safe = await test.coherence(['daemon', 'start', '--safe-config']);
    expect(safe).toMatchObject({ code: 0 });
    await setConfig(test, '');
    expect(await test.status()).toMatchObject({ settings: { max_workers: 5 } });
  });

  // @verifies AC-orchestrator-control-broken-config
  it.each([
    ['an unknown key in the file', 'max_wrokers: 4\n', {}, 65],
    ['broken YAML', 'max_workers: [1,\n', {}, 65],
    ['a wrong variable', '', { COHERENCE_MAX_WORKERS: 'lots' }, 0],
  ])('%s leaves the control of a running daemon', async (_what, text, env, reloaded) => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-a']);
    await test.ended([run]);
    await setConfig(test, text);
    for (const [args, says] of [
      [['daemon', 'status'], `pid ${daemon.pid}`],
      [['daemon', 'logs'], 'daemon.ready'],
      [['queue', 'list', '--all'], run],
      [['queue', 'show', run], 'AC-a-1'],
    ] as const) {
      const answer = await test.coherence(args, env);
      expect(answer, args.join(' ')).toMatchObject({ code: 0, out: expect.stringContaining(says) });
      expect(answer.err, args.join(' ')).toMatch(/^warning: .*(config\.yaml:[12]|COHERENCE_MAX_WORKERS)/);
    }
    expect((await test.coherence(['daemon', 'reload'], env)).code).toBe(reloaded);
    expect((await test.coherence(['queue', 'add', 'SPEC-a'], env)).code).toBe(65);
    const stopped = await test.coherence(['daemon', 'stop'], env);
    expect(stopped).toMatchObject({ code: 0, err: expect.stringContaining('warning: ') });
    expect(lives(daemon)).toBe(false);
    expect((await test.coherence(['daemon', 'status'], env)).code).toBe(69);
  });

  // F4, OC-35
  // @verifies AC-orchestrator-config-missing
  it('without the file takes the defaults and warns with each value that changes', async () => {
    await using test = await box({ config: { max_workers: 7, log_level: 'debug' } });
    await test.start();
    await rm(join(test.repo, CONFIG));
    expect((await test.coherence(['daemon', 'reload'])).code).toBe(0);
    expect(await test.log('reload.config_missing')).toMatchObject([
      {
        level: 'warn',
        changed: {
          max_workers: { from: 7, to: 5 },
          log_level: { from: 'debug', to: 'info' },
          tick_interval_ms: { from: 200, to: 5000 },
        },
      },
    ]);
    expect(await test.status()).toMatchObject({ settings: { max_workers: 5, tick_interval_ms: 200 } });
    await test.coherence(['daemon', 'reload']);
    expect(await test.log('reload.config_missing')).toHaveLength(1);
  });

  // F24
  // @verifies AC-orchestrator-signals
  it('by a storm of hangups is applied, few times and at last with the newest file; one during the boot does not kill', async () => {
    await using test = await box({ config: { max_workers: 1 } });
    const storms: NodeJS.Timeout[] = [];
    const starting = test.coherence(
      ['daemon', 'foreground'],
      {},
      {
        onStart: (pid) => {
          // From the moment when the process identity is written, which is long before it is ready.
          storms.push(
            setInterval(
              () =>
                void readFile(join(test.state, 'daemon.json'), 'utf8')
                  .then((text) => JSON.parse(text).pid === pid && process.kill(pid, 'SIGHUP'))
                  .catch(() => undefined),
              2,
            ),
          );
        },
      },
    );
    await test.logged('daemon.ready');
    for (const storm of storms) clearInterval(storm);
    const pid = await test.daemonPid();
    const before = (await test.log('reload.applied')).length;
    await test.config({ max_workers: 3 });
    for (let count = 0; count < 100; count += 1) process.kill(pid, 'SIGHUP');
    await until(async () => (await test.status())['settings']?.['max_workers'] === 3, 'the new value');
    expect((await test.log('reload.applied')).length - before).toBeLessThan(50);
    process.kill(pid, 'SIGTERM');
    expect((await starting).code).toBe(0);
    expect(await test.log('daemon.stopped')).toHaveLength(1);
  });

  it('by `config set --reload` is one command', async () => {
    await using test = await box();
    await test.start();
    const answer = await test.coherence(['config', 'set', 'spawns_per_tick', '9', '--reload']);
    expect(answer).toMatchObject({ code: 0 });
    expect(answer.out).toContain('spawns_per_tick 4→9');
  });
});
