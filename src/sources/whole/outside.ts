/** What lies outside the repository and yet belongs to its tests: targets of links, editable installs, settings found upwards. */
import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { orNull, readRegularText } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { walkFolder, type Walked, type WalkOptions } from './walk.js';

/** Read by one tool or another when it walks upwards from where it was started. */
const FOUND_UPWARDS =
  /^(?:package\.json|\.npmrc|pnpm-workspace\.yaml|(?:ts|js)config[\w.-]*\.json|vite(?:st)?\.\w+\.[cm]?[jt]s|\.babelrc(?:\.\w+)?|babel\.config\.\w+|\.browserslistrc|\.swcrc|postcss\.config\.\w+|\.?pytest\.(?:ini|toml)|pyproject\.toml|setup\.cfg|tox\.ini|conftest\.py|\.coveragerc|Cargo\.toml|rust-toolchain(?:\.toml)?|go\.(?:work|mod|sum)|\.env(?:\..+)?|\.tool-versions|\.?mise\.toml|\.node-version|\.nvmrc|\.python-version|\.yarnrc(?:\.yml)?|\.pnp\.[cm]js)$/u;

const isWithin = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep);

/** What one absolute path holds: a file's stat and content, or a folder's listing; absent ones count as absent. */
export class OutsidePaths {
  readonly entries = new Map<string, string>();
  /** Folders with too much in them to be looked through. */
  readonly tooMuch: string[] = [];
  private readonly walked: string[] = [];

  constructor(
    private readonly top: string,
    private readonly options: WalkOptions,
  ) {}

  /** @param path absolute; what lies in the repository itself is there already */
  take(path: string): void {
    const stat = orNull(() => statSync(path, { bigint: true }));
    if (stat === null) {
      this.entries.set(path, 'absent');
      return;
    }
    const real = orNull(() => realpathSync.native(path));
    if (real === null || isWithin(this.top, real)) return;
    if (isWithin(real, this.top)) {
      // A folder around the repository itself: whoever goes there may read anything beside it.
      this.tooMuch.push(real);
      return;
    }
    if (stat.isFile())
      this.entries.set(path, `${real} ${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`);
    else if (stat.isDirectory()) this.folder(real);
    else this.entries.set(path, `${real} special`);
  }

  private folder(real: string): void {
    if (this.walked.some((folder) => isWithin(folder, real))) return;
    this.walked.push(real);
    const walked = walkFolder(real, { ...this.options, statOnly: true });
    if (walked.cut) this.tooMuch.push(real);
    for (const [path, what] of walked.entries) this.entries.set(join(real, path), what);
    this.links(real, walked);
    for (const folder of walked.sitePackages) this.editable(join(real, folder));
  }

  /** Follows what leads out; a link to a place in the same walk is there already. */
  links(start: string, walked: Walked): void {
    for (const { path, target } of walked.links) {
      const from = join(start, dirname(path));
      const to = isAbsolute(target) ? target : resolve(from, target);
      // A link below a linked folder resolves elsewhere than its text says, so the real place decides.
      const real = orNull(() => realpathSync.native(join(start, path)));
      if (real === null || !isWithin(start, real)) this.take(real ?? to);
    }
  }

  /** `.pth` lines, the finders of editable installs and the `direct_url.json` beside them: folders that are imported from elsewhere. */
  editable(sitePackages: string): void {
    for (const name of orNull(() => readdirSync(sitePackages)) ?? []) {
      if (name.endsWith('.pth')) {
        for (const line of (readRegularText(join(sitePackages, name)) ?? '').split('\n'))
          if (!/^\s*(?:#|import\s|$)/u.test(line)) this.takeExisting(resolve(sitePackages, line.trim()));
      } else if (/^__editable__.*\.py$/u.test(name)) {
        for (const [, path = ''] of (readRegularText(join(sitePackages, name)) ?? '').matchAll(
          /['"](\/[^'"\n]+)['"]/gu,
        ))
          this.takeExisting(path);
      } else if (name.endsWith('.dist-info')) {
        const url = /"url"\s*:\s*"(file:[^"]+)"/u.exec(
          readRegularText(join(sitePackages, name, 'direct_url.json')) ?? '',
        );
        const path = url?.[1] === undefined ? null : orNull(() => fileURLToPath(url[1] ?? ''));
        if (path !== null) this.takeExisting(path);
      }
    }
  }

  takeExisting(path: string): void {
    if (orNull(() => lstatSync(path)) !== null) this.take(path);
  }

  /** Settings in the folders above, which many tools find by walking upwards, and packages installed there. */
  above(): void {
    for (let folder = dirname(this.top); ; folder = dirname(folder)) {
      for (const name of orNull(() => readdirSync(folder)) ?? []) {
        if (FOUND_UPWARDS.test(name)) this.content(join(folder, name));
        else if (name === 'node_modules') this.take(join(folder, name));
      }
      for (const name of ['config.toml', 'config']) this.content(join(folder, '.cargo', name));
      if (dirname(folder) === folder) return;
    }
  }

  private content(path: string): void {
    const bytes = orNull(() => (statSync(path).isFile() ? readFileSync(path) : null));
    if (bytes !== null) this.entries.set(path, sha256(bytes).slice(0, 24));
  }

  /** @param base absolute folder that a path of a text is read from */
  climbing(base: string, path: string, onlyFiles: boolean): void {
    const absolute = resolve(base, path);
    if (isWithin(this.top, absolute)) return;
    const stat = orNull(() => statSync(absolute));
    if (stat !== null && (stat.isFile() || !onlyFiles)) this.take(absolute);
  }
}
