/**
 * What pytest's reports come to for each case: the reports of the tagged definition and no other; and where there is none, why.
 */
import type { Case } from '../../model/index.js';
import { groupBy } from '../../run/group.js';
import { settle } from '../../run/join.js';
import type { Finding } from '../../run/outcome.js';
import { bodyRan, isTagged, notInForce, taggedBy, type Definition } from './definitions.js';
import { reportOf, skipReason, speaksFor, type PytestReports, type PytestTest, type Uncollected } from './reports.js';

/** What the process wrote, bounded, and how it ended. */
export interface Words {
  readonly errors: string;
  readonly output: string;
  readonly how: string;
}

interface Missing {
  readonly finding: Finding;
  readonly again: boolean;
}

export class Judge {
  readonly #several: boolean;
  /** The first case of each file: pytest's last lines are told once. */
  readonly #speakers: ReadonlySet<Case>;

  readonly #owned = new Map<Case, PytestTest[]>();
  readonly #byFile: ReadonlyMap<string, PytestTest[]>;

  constructor(
    cases: readonly Case[],
    private readonly reports: PytestReports,
    private readonly words: Words,
  ) {
    const first = new Map<string, Case>();
    for (const entry of cases) if (!first.has(entry.file)) first.set(entry.file, entry);
    this.#speakers = new Set(first.values());
    this.#several = first.size > 1;
    this.#byFile = groupBy([...reports.tests.values()], (test) => test.file);
  }

  /** The tests kept under a case's names, whichever definition they come from. */
  #named(entry: Case): PytestTest[] {
    return (this.#byFile.get(entry.file) ?? []).filter((test) => speaksFor(entry, test));
  }

  /** Null for a case that no static analysis found, and for a whole file: its names are all that is asked for. */
  #tagged(entry: Case): Definition | 'by name' | null {
    return entry.test?.kind === 'case' ? taggedBy(entry, this.reports.definitions) : 'by name';
  }

  /** The kept tests that are what the case names. */
  own(entry: Case): PytestTest[] {
    const known = this.#owned.get(entry) ?? this.#ownOf(entry);
    this.#owned.set(entry, known);
    return known;
  }

  #ownOf(entry: Case): PytestTest[] {
    const kept = this.#named(entry).filter((test) => test.kept);
    const tagged = this.#tagged(entry);
    if (tagged === 'by name') return kept;
    return tagged === null ? [] : kept.filter((test) => isTagged(entry, test, tagged, this.reports.definitions));
  }

  finding(entry: Case): Finding | null {
    const own = this.own(entry);
    const tagged = this.#tagged(entry);
    if (own.length === 0) {
      const rivals = this.#named(entry).filter((test) => test.kept);
      if (rivals.length === 0 || tagged === 'by name' || entry.test?.dynamic === true) return null;
      if (tagged !== null) return notInForce(tagged, rivals, this.reports.definitions);
      return {
        reason: 'ambiguous-selector',
        detail: `Python sees no ${entry.path.join('::')} at ${entry.file}:${entry.line}, so it is not known which one ran`,
        proof: 'report',
      };
    }
    const settled = settle(own.map(reportOf));
    if (settled?.reason !== 'executed') return settled;
    const definition = tagged === 'by name' ? null : tagged;
    const idle = own.find((test) => !bodyRan(entry, test, definition, this.reports.definitions));
    if (idle === undefined) return settled;
    return {
      ...settled,
      reason: 'not-reported',
      detail: `pytest reports a pass, but the body of ${idle.path.join('::')} never ran: nobody awaited it, or a decorator did not call it`,
    };
  }

  /** Why a case has no report although pytest came to its end. */
  missing(entry: Case): Missing {
    if (!this.reports.session) return this.#notStarted(entry);
    const named = this.#named(entry);
    const tagged = this.#tagged(entry);
    const whole = named.length === 0 ? this.#uncollected(entry) : undefined;
    if (whole !== undefined) return whole;
    const once = (finding: Finding): Missing => ({ finding, again: false });
    if (named.length > 0 && named.every((test) => !test.kept))
      return once({
        reason: 'runner-skipped',
        detail: "taken out by the project's own pytest options (-m, -k, --deselect or a plugin's)",
        proof: 'report',
      });
    if (named.length === 0 || entry.test?.dynamic === true) {
      const out = tagged === null || tagged === 'by name' ? null : notInForce(tagged, [], this.reports.definitions);
      return once(
        out ?? {
          reason: 'not-found',
          detail: `pytest collected no ${entry.path.join('::') || 'test'} in ${entry.file}`,
        },
      );
    }
    return once({
      reason: 'not-reported',
      detail: `pytest collected it and never reported on it (${this.words.how})`,
      message: this.#once(entry, this.words.errors),
    });
  }

  #once(entry: Case, text: string): string {
    return this.#speakers.has(entry) ? text : '';
  }

  #notStarted(entry: Case): Missing {
    const conftest = this.words.errors.includes('conftest');
    const message = this.words.errors || this.words.output;
    const line = message.split('\n').findLast((text) => /error/iu.test(text));
    return {
      finding: {
        reason: conftest ? 'build' : 'setup',
        detail: `pytest did not start: ${line?.trim() ?? this.words.how}`,
        message: this.#once(entry, message),
      },
      // A broken conftest.py concerns the tests below it only.
      again: conftest && this.#several,
    };
  }

  /** A file that was skipped, left out or could not be imported takes its tests with it. */
  #uncollected(entry: Case): Missing | undefined {
    const isAbove = ({ file }: Uncollected): boolean =>
      file === entry.file ||
      entry.file.startsWith(`${file}/`) ||
      entry.file.startsWith(`${file.replace(/\/?__init__\.py$/u, '')}/`);
    const item = this.reports.uncollected.find(isAbove);
    if (item === undefined) return undefined;
    if (item.kind !== 'failed')
      return {
        finding: {
          reason: 'runner-skipped',
          detail:
            item.kind === 'left-out'
              ? `${entry.file} is left out by the project's own pytest configuration (collect_ignore or --ignore)`
              : `the whole file is skipped: ${skipReason(item.text)}`,
          proof: 'report',
        },
        again: false,
      };
    const lines = item.text.split('\n');
    const why = lines.findLast((line) => /^E\s/u.test(line))?.replace(/^E\s+/u, '') ?? lines.at(-1) ?? '';
    return {
      finding: {
        reason: 'build',
        detail: `${entry.file} could not be collected: ${why}`,
        message: this.#once(entry, item.text),
        proof: 'report',
      },
      again: this.#several,
    };
  }
}
