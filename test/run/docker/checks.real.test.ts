import { describe, expect, it } from 'vitest';
import { absent, check, dockerRig, expectSame } from './rig.js';

describe.skipIf(absent !== null)('checks in containers', () => {
  const rig = dockerRig();

  it('exit codes are exact', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({ base: {} });
    for (const code of [0, 1, 77]) {
      const ran = await check(place, `cat marker.txt; echo err >&2; exit ${code}`);
      expect({ code: ran.end.code, out: ran.out, err: ran.err, trouble: ran.trouble }).toEqual({ code, out: 'v1\n', err: 'err\n', trouble: null });
    }
    await place.close();
    expectSame(await project.ledger(), before);
  });
});
