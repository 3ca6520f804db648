import { expect, it } from 'vitest';
import { shell } from '../../../src/scan/treesitter/index.js';
import { find, linkLines } from './rig.js';

// @verifies AC-scan-languages-shell
it('binds what a script verifies to the script, and what it implements to its functions', async () => {
  const found = await find(
    shell,
    'scripts/smoke.sh',
    `#!/bin/bash
set -eu # @verifies AC-b
# @implements AC-c
run() {
  # @verifies AC-d
  echo "# @verifies AC-no"
}
cat <<EOF
# @verifies AC-no
EOF
x='# @verifies AC-no'
# @implements AC-e
`,
  );
  expect(linkLines(found)).toEqual([
    'verifies AC-b -> file',
    'implements AC-c -> code run',
    'verifies AC-d -> file',
    'implements AC-e -> file',
  ]);
  expect(found.tests).toMatchObject([{ kind: 'file', framework: 'file', selector: 'scripts/smoke.sh', path: [] }]);
  expect(found.symbols).toEqual([{ name: 'run', line: 4, endLine: 7 }]);
});

it('is no test when it verifies nothing', async () => {
  expect((await find(shell, 'a.sh', '# @implements AC-a\nrun() { :; }\n')).tests).toEqual([]);
});
