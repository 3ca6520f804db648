/**
 * The folder that a container writes its reports to. What comes back is data from a stranger: only plain files stay, so that
 * reading a report never follows a link out of the folder or waits at a pipe, and no secret's value stays in one.
 */
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StreamMask } from '../../run/decorators/capture.js';
import { walk } from './copy.js';

/** Above this a report is not searched for secrets but removed: nobody could vouch for it. */
const MASK_LIMIT = 256 * 1024 * 1024;

/** Made for a user that we do not know: open, inside a folder that nobody else can enter. */
export async function makeReports(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o777 });
  await chmod(folder, 0o777);
}

export async function cleanReports(folder: string, secrets: readonly string[]): Promise<void> {
  const foreign: string[] = [];
  const files: string[] = [];
  for await (const entry of walk(folder)) {
    if (entry.kind === 'file') files.push(entry.path);
    else if (entry.kind !== 'folder') foreign.push(entry.path);
  }
  for (const path of foreign) await rm(join(folder, path), { force: true });
  if (secrets.length === 0) return;
  for (const path of files) {
    const file = join(folder, path);
    if ((await stat(file)).size > MASK_LIMIT) {
      await rm(file, { force: true });
      continue;
    }
    const before = await readFile(file);
    const mask = new StreamMask(secrets);
    const after = Buffer.concat([mask.push(before), mask.flush()]);
    if (!after.equals(before)) await writeFile(file, after);
  }
}

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The forms in which a secret's value may turn up in output and reports. Values of one or two characters mask nothing. */
export function maskForms(values: readonly string[]): string[] {
  const forms = new Set<string>();
  for (const value of values) {
    if (value.length < 3) continue;
    forms.add(value);
    forms.add(xml(value));
    forms.add(xml(value).replaceAll("'", '&apos;'));
    forms.add(JSON.stringify(value).slice(1, -1));
    forms.add(encodeURIComponent(value));
  }
  return [...forms];
}
