/**
 * Programs whose report is their standard output: it goes to a file in the reports folder, whole however long, and is
 * read while it grows. A fixed line of shell does that, with everything as arguments, so it works in every place.
 */
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export class StdoutFile implements AsyncDisposable {
  private handle: FileHandle | null = null;
  private position = 0;
  private rest = Buffer.alloc(0);
  private readonly file: string;

  constructor(
    private readonly reports: { readonly inside: string; readonly host: string },
    private readonly name: string,
  ) {
    this.file = join(reports.host, name);
  }

  /** The command with its standard output sent to the file. */
  command(command: readonly string[]): string[] {
    return ['sh', '-c', 'exec "$@" > "$0"', `${this.reports.inside}/${this.name}`, ...command];
  }

  /** Whole lines since the last call. */
  async lines(): Promise<string[]> {
    this.handle ??= await open(this.file, 'r').catch(() => null);
    if (this.handle === null) return [];
    const found: string[] = [];
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.position);
      if (bytesRead === 0) return found;
      this.position += bytesRead;
      const bytes = Buffer.concat([this.rest, buffer.subarray(0, bytesRead)]);
      const last = bytes.lastIndexOf(10);
      if (last !== -1) found.push(...bytes.toString('utf8', 0, last).split('\n'));
      this.rest = Buffer.from(bytes.subarray(last + 1));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle?.close();
  }
}

/** Puts a readable text in the place of what was captured (nothing, since the output went to a file). */
export async function replaceCapture(
  file: string,
  text: string,
  limit: number,
): Promise<{ readonly bytes: number; readonly truncated: boolean }> {
  const bytes = Buffer.from(text);
  const kept = bytes.length <= limit ? bytes : bytes.subarray(0, bytes.lastIndexOf(10, limit - 80) + 1);
  await writeFile(
    file,
    kept.length === bytes.length
      ? kept
      : Buffer.concat([
          kept,
          Buffer.from(`[… ${bytes.length - kept.length} bytes left out: output is capped at ${limit / 1024} KiB …]\n`),
        ]),
  );
  return { bytes: bytes.length, truncated: kept.length < bytes.length };
}
