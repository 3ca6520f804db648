/** README's first command: installs what the example needs, then runs `verify-spec` on it for real. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildProduct, installPackages, pythonWithPytest, root, say, withPath } from './setup.mjs';

const shop = join(root, 'fixtures', 'shop');
installPackages(root);
buildProduct();
installPackages(join(shop, 'web'));
const python = pythonWithPytest();
if (python === null) say('no Python with pytest here: its criterion will be SKIP(unavailable:pytest)');
say('verify-spec SPEC-checkout, in fixtures/shop');
const wanted = process.argv.slice(2);
const result = spawnSync(
  process.execPath,
  [join(root, 'bin', 'verify-spec.cjs'), ...(wanted.length > 0 ? wanted : ['SPEC-checkout'])],
  { cwd: shop, env: withPath(python), stdio: 'inherit' },
);
process.exit(result.status ?? 1);
