/** A small program over the use cases, so that tests can start many at once and kill them: `import FILE`, `sync`, `open`, `list`. */
import { resolve } from 'node:path';
import { catalogAt } from '../../src/app/catalog/catalog-change.js';
import { importCatalog } from '../../src/app/catalog/import.js';
import { openProjectStore } from '../../src/app/store/store-place.js';
import { syncProject } from '../../src/app/store/sync.js';
import { loadProject } from '../../src/config/index.js';
import { exitCodeOf, type Result } from '../../src/model/index.js';

const finish = (result: Result<unknown>): never => {
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(result.ok ? 0 : exitCodeOf(result.failures));
};

const [command = '', argument = ''] = process.argv.slice(2);
const project = await loadProject({ cwd: process.cwd(), env: process.env });
if (!project.ok) finish(project);
else if (command === 'import')
  finish(await importCatalog(project.value, { path: resolve(argument), name: argument, dryRun: false, prune: true }));
else if (command === 'sync') finish(await syncProject(project.value, { prefer: 'ours' }));
else if (command === 'list') finish(await catalogAt(project.value));
else {
  const session = await openProjectStore(project.value, { create: true });
  if (session.ok) {
    const { server } = session.value;
    await session.value.close();
    finish({ ok: true, value: server });
  } else finish(session);
}
