import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/model/index.js';
import { capture } from '../../../src/util/process.js';
import { caseFor, folder, noCargo, runCases } from './rig.js';

const FILES = {
  'Cargo.toml': '[package]\nname = "scripted"\nversion = "0.1.0"\nedition = "2021"\n',
  'build.rs': `fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(std::path::Path::new(&out).join("made.rs"), "pub const N: u8 = 3;").unwrap();
}
`,
  'src/lib.rs':
    'include!(concat!(env!("OUT_DIR"), "/made.rs"));\n#[test]\nfn made() { assert_eq!(N, 3); }\n#[test]\nfn other() { assert_eq!(N, 3); }\n',
  'tests/whole.rs': '#[test]\nfn whole() { assert_eq!(scripted::N, 3); }\n',
};

const stale = (events: readonly RunEvent[]) => events.filter((event) => event.type === 'cargo.stale_member');
const CASES = [caseFor('src/lib.rs::made'), caseFor('tests/whole.rs::whole')];
const PASSED = { 'src/lib.rs::made': 'PASS(executed)', 'tests/whole.rs::whole': 'PASS(executed)' };

describe.skipIf(noCargo !== null)('what cargo calls fresh', () => {
  // @verifies AC-cargo-fresh-by-artifact
  it('is believed by the dep-info of each artifact: a build script and an edited test file cost nothing', async () => {
    const project = await folder();
    try {
      await project.write(FILES);
      const cacheFolder = join(project.path, '.cache');
      const build = async (): Promise<unknown> =>
        capture({ command: ['cargo', 'test', '--no-run', '-q'], cwd: project.path });
      await build();
      const first = await runCases(project.path, CASES, { cacheFolder });
      expect([first.verdicts, stale(first.events)]).toEqual([PASSED, []]);
      await writeFile(join(project.path, 'tests/whole.rs'), `${FILES['tests/whole.rs']}// edited\n`);
      await build();
      const second = await runCases(project.path, CASES, { cacheFolder });
      expect([second.verdicts, stale(second.events)]).toEqual([PASSED, []]);
    } finally {
      await project.remove();
    }
  });

  // @verifies AC-cargo-heals-in-place
  it('and is stale is built again where it is, once, with the file named', async () => {
    const project = await folder();
    try {
      const library = 'pub const N: u8 = 3;\n#[test]\nfn made() { assert_eq!(N, 3); }\n';
      await project.write({
        'Cargo.toml': FILES['Cargo.toml'],
        'src/lib.rs': library,
        'tests/whole.rs': FILES['tests/whole.rs'],
      });
      const cacheFolder = join(project.path, '.cache');
      const source = join(project.path, 'src/lib.rs');
      expect((await runCases(project.path, CASES, { cacheFolder })).verdicts).toEqual(PASSED);
      await writeFile(source, library.replace('N, 3', 'N, 4'));
      await utimes(source, new Date('2001-01-01'), new Date('2001-01-01'));
      const changed = await runCases(project.path, CASES, { cacheFolder });
      expect(changed.verdicts).toEqual({ ...PASSED, 'src/lib.rs::made': 'FAIL(assertion)' });
      expect(stale(changed.events).map((event) => 'file' in event && event.file?.endsWith('src/lib.rs'))).toEqual([
        true,
      ]);
      const after = await runCases(project.path, CASES, { cacheFolder });
      expect([after.verdicts, stale(after.events)]).toEqual([{ ...PASSED, 'src/lib.rs::made': 'FAIL(assertion)' }, []]);
      expect((await readdir(join(cacheFolder, 'cargo'))).filter((name) => name.startsWith('private'))).toEqual([]);
    } finally {
      await project.remove();
    }
  });
});
