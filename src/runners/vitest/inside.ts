/** In a container, and behind yarn's loader, the installation is seen only from inside: this source text resolves it there. */
export const START = String.raw`
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
const manifest = createRequire(join(process.cwd(), 'x.js')).resolve('vitest/package.json');
const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
const start = join(dirname(manifest), typeof bin === 'string' ? bin : bin.vitest);
process.argv[1] = start;
await import(pathToFileURL(start).href);
`;
