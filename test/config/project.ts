import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that ends with the test. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coherence-config-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const MANIFEST_TEXT = 'project_slug = "demo"\nproject_hash = "abcd"\ndolt_db_name = "demo_abcd"\n';

/** A project with the given files beside a valid manifest. */
export function project(files: Readonly<Record<string, string | Uint8Array>> = {}): {
  root: string;
  env: Record<string, string>;
} {
  const root = temporaryFolder();
  write(root, { '.coherence/project.toml': MANIFEST_TEXT, ...files });
  return { root, env: { HOME: join(root, 'home'), PATH: process.env['PATH'] ?? '' } };
}

export function write(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}
