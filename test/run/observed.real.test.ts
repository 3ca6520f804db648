/** The host place observes what it is asked to observe, and a run that this changed is repeated without. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { observe } from '../../src/observe/index.js';
import type { Observed } from '../../src/model/index.js';
import { hostPlace } from '../../src/places/index.js';
import { type Place } from '../../src/run/index.js';
import { needObserver } from '../observe/rig.js';
import { bench, makeCase, shown } from './rig.js';

beforeEach(needObserver);

/** A project of one script; `observed` gets what each of its runs rested on. */
async function runScript(script: string, observed: (Observed | undefined)[]) {
  const project = await bench(null);
  await writeFile(join(project.root, 'check.sh'), `#!/bin/sh\n${script}\n`);
  await chmod(join(project.root, 'check.sh'), 0o755);
  const host = hostPlace({
    root: project.root,
    env: process.env,
    outputFolder: join(project.root, '..', 'output'),
    observer: observe,
    observe: true,
  });
  const place: Place = {
    ...host,
    open: async (request) => {
      const opened = await host.open(request);
      if (!opened.ok) return opened;
      const { workspace } = opened;
      const exec: typeof workspace.exec = async (invocation, signal) => {
        const executed = await workspace.exec(invocation, signal);
        observed.push(executed.observed);
        return executed;
      };
      return { ok: true, workspace: { ...workspace, exec } };
    },
  };
  const entry = makeCase('command', '', [], { selector: './check.sh' });
  const { outcomes } = await project.run([entry], { places: () => place });
  return { project, verdict: shown(outcomes.get(entry.id)) };
}

// @verifies AC-observe-place
it('a command on the host is observed', async () => {
  const observed: (Observed | undefined)[] = [];
  const { project, verdict } = await runScript('cat check.sh > /dev/null', observed);
  await using _guard = project;
  expect(verdict).toMatch(/^PASS/);
  const [first] = observed;
  const inputs = first?.ok === true ? first.observation.inputs.map((input) => input.path) : [];
  expect(inputs).toContain(join(project.root, 'check.sh'));
  expect(first?.ok === true ? first.observation.programs.map(([name]) => name) : []).toContain('cat');
});

// @verifies AC-observe-spoiled
it('a run whose observer was killed is repeated without one', async () => {
  const observed: (Observed | undefined)[] = [];
  const { project, verdict } = await runScript(
    'for p in $PPID $(cut -d" " -f4 /proc/$PPID/stat); do case $(cat /proc/$p/comm) in observer*) kill -9 $p; sleep 60;; esac; done',
    observed,
  );
  await using _guard = project;
  expect(verdict).toMatch(/^PASS/);
  expect(observed.map((one) => one?.ok)).toEqual([false, undefined]);
  expect(project.events.filter((event) => event.type === 'retry')).toMatchObject([
    { why: 'The observer was ended before the program that it observed.' },
  ]);
});
