/**
 * What a document says beyond its facts: how a heading is written, and the white space around a text. It is kept in
 * `extra.openspec` only where it differs from the canonical form, so that an import that is exported again has the same bytes.
 */
import type { Json } from '../../../../model/index.js';
import { bareTitle } from './lines.js';
import type { Block } from './parse.js';

export interface Layout {
  /** The heading's line; null: none. */
  readonly heading?: string | null;
  readonly gap?: string;
  readonly end?: string;
}

export const HEADINGS = {
  title: '# ',
  purpose: '## ',
  requirements: '## ',
  requirement: '### Requirement: ',
  proposal: '### Requirement: ',
  scenario: '#### Scenario: ',
} as const;
export type HeadingRole = keyof typeof HEADINGS;

/** What stands between heading and text, and behind them, where nobody chose otherwise. */
const gapOf = (heading: string | null, body: string): string => (heading === null || body === '' ? '' : '\n');
const endOf = (isLast: boolean): string => (isLast ? '\n' : '\n\n');

/** The title that a heading's line gives; the word of the format stands in where it has none. */
export function titleOfHeading(line: string, role: HeadingRole): string {
  const title = line.replace(/^#+\s*/u, '').trim();
  if (role === 'scenario') return bareTitle(title, 'scenario') || 'Scenario';
  return role === 'requirement' || role === 'proposal' ? bareTitle(title, 'requirement') || 'Requirement' : title;
}

/** How a block differs from its canonical form. */
export function layoutOf(block: Block, canonical: string | null, isLast: boolean): Layout {
  const isAlone = block.heading === null;
  return {
    ...(block.headingText === canonical ? {} : { heading: isAlone ? null : block.headingText }),
    ...(block.gap === gapOf(isAlone ? null : block.headingText, block.body) ? {} : { gap: block.gap }),
    ...(block.end === endOf(isLast) ? {} : { end: block.end }),
  };
}

/** The text of a block. A layout that no longer fits, because the entry moved or lost its text, gives way. */
export function textOf(heading: string | null, body: string, layout: Layout, isLast: boolean): string {
  const gap = body === '' ? '' : (layout.gap ?? gapOf(heading, body));
  const end = layout.end ?? endOf(isLast);
  const needsEnd = !isLast && !end.includes('\n');
  return `${heading ?? ''}${gap}${body}${needsEnd ? `\n${end}` : end}`;
}

/** What an import kept under `extra.openspec`; empty where it is nothing, or not of this form. */
export function keptOf(extra: Readonly<Record<string, Json>> | undefined): Readonly<Record<string, Json>> {
  return asRecord(extra?.['openspec']);
}

export const asRecord = (value: Json | undefined): Readonly<Record<string, Json>> =>
  // Arrays are the only other objects of JSON.
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, Json>>) : {};

export function asLayout(kept: Readonly<Record<string, Json>>): Layout {
  const { heading, gap, end } = kept;
  return {
    ...(typeof heading === 'string' || heading === null ? { heading } : {}),
    ...(typeof gap === 'string' ? { gap } : {}),
    ...(typeof end === 'string' ? { end } : {}),
  };
}
