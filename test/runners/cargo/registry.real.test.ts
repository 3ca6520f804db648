import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { caseFor, folder, noCargo, runCases } from './rig.js';
import { crateSource, testsIn } from './registry-crate.js';

// @verifies AC-cargo-real-crate, AC-cargo-one-build
it.skipIf(noCargo !== null)(
  'a published crate with more than 100 tests and dependencies verifies, with as many cargo calls for all as for one',
  async (context) => {
    const place = await folder();
    try {
      const crate = await crateSource('indexmap', '2.14.2', place.path);
      if (crate === null) {
        if (process.env['CI'] === 'true') throw new Error('the crates registry does not answer');
        return context.skip('the crates registry does not answer');
      }
      const log = join(place.path, 'calls.log');
      await place.write({
        'bin/cargo': `#!/bin/sh\necho "$1 $2" >> '${log}'\nPATH="\${PATH#*:}" exec cargo "$@"\n`,
        'calls.log': '',
      });
      await chmod(join(place.path, 'bin/cargo'), 0o755);
      const env = { ...process.env, PATH: `${place.path}/bin:${process.env['PATH'] ?? ''}` };
      const selectors = (
        await Promise.all(
          [
            'src/map/tests.rs',
            'src/set/tests.rs',
            'tests/tests.rs',
            'tests/macros_full_path.rs',
            'tests/equivalent_trait.rs',
          ].map(async (file) => testsIn(file, await readFile(join(crate, file), 'utf8'))),
        )
      ).flat();
      expect(selectors.length).toBeGreaterThan(100);
      const all = await runCases(
        crate,
        selectors.map((selector) => caseFor(selector)),
        { env, cacheFolder: join(place.path, 'cache') },
      );
      expect(Object.entries(all.verdicts).filter(([, verdict]) => verdict !== 'PASS(executed)')).toEqual([]);
      const calls = async (): Promise<number> => (await readFile(log, 'utf8')).split('\n').length - 1;
      const forAll = await calls();
      await writeFile(log, '');
      const one = await runCases(crate, [caseFor(selectors[0] ?? '')], { env, cacheFolder: join(place.path, 'cache') });
      expect(Object.values(one.verdicts)).toEqual(['PASS(executed)']);
      expect(await calls()).toBe(forAll);
      expect(forAll).toBeLessThanOrEqual(3);
    } finally {
      await place.remove();
    }
  },
  // Compiles some thirty crates.
  600_000,
);
