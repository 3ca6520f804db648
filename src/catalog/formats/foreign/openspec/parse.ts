/** An OpenSpec document, cut into blocks that together are the whole text: a heading with what stands below it. */
import { outlineOf, type Heading } from './lines.js';

/**
 * `text`: what is none of the others, kept as it is. A scenario without a text is no scenario to OpenSpec, and one here neither.
 */
export type BlockRole = 'title' | 'purpose' | 'requirements' | 'requirement' | 'scenario' | 'proposal' | 'text';

export interface Block {
  readonly role: BlockRole;
  /** From 1 on. */
  readonly line: number;
  /** Null: it begins without a heading. */
  readonly heading: Heading | null;
  /** The line of the heading as written; empty without one. */
  readonly headingText: string;
  /** White space between heading and body. */
  readonly gap: string;
  /** Without white space at its ends. */
  readonly body: string;
  /** White space behind the body, up to the next block. */
  readonly end: string;
}

export interface OpenSpecDocument {
  readonly blocks: readonly Block[];
  /** Whether it is the delta of a change: by its headings. */
  readonly isDelta: boolean;
  /** Line of a fence that never ends; null: none. */
  readonly openFence: number | null;
}

const DELTA = /^(?:added|modified|removed|renamed) requirements$/i;

/** @param text with `\n` as its only line end */
export function parseOpenSpec(text: string): OpenSpecDocument {
  const lines = text.split('\n');
  const { headings, openFence } = outlineOf(lines);
  const isNamed = (name: string) => (heading: Heading) => heading.title.toLowerCase() === name;
  const isDelta = !headings.some(isNamed('requirements')) && headings.some(({ title }) => DELTA.test(title));
  const roles = isDelta ? deltaRoles(headings) : specRoles(headings, isNamed);
  if (!roles.has(0)) roles.set(0, { role: 'text', heading: null });
  const starts = [...roles.keys()].toSorted((left, right) => left - right);
  const blocks = starts.flatMap((from, index) => {
    const part = roles.get(from);
    const to = starts[index + 1];
    const raw = lines.slice(from, to).join('\n') + (to === undefined ? '' : '\n');
    return part === undefined ? [] : blocksOf(raw, from, part);
  });
  return { blocks, isDelta, openFence: openFence === null ? null : openFence + 1 };
}

interface Part {
  readonly role: BlockRole;
  readonly heading: Heading | null;
}

/**
 * Which block begins at which line. As in OpenSpec, the first section of a name counts wherever it stands, its direct children
 * are the requirements, and their direct children the scenarios, at whatever depth.
 */
function specRoles(
  headings: readonly Heading[],
  isNamed: (name: string) => (heading: Heading) => boolean,
): Map<number, Part> {
  const roles = new Map<number, Part>();
  const purpose = headings.find(isNamed('purpose'));
  const requirements = headings.find(isNamed('requirements'));
  let [child, grandchild]: [Heading | null, Heading | null] = [null, null];
  let isInside = false;
  for (const heading of headings) {
    const set = (role: BlockRole): void => void roles.set(heading.line, { role, heading });
    const endsSection = requirements !== undefined && isInside && heading.level <= requirements.level;
    if (endsSection) isInside = false;
    if (heading === purpose) set('purpose');
    else if (heading === requirements) {
      set('requirements');
      isInside = true;
    } else if (isInside && heading.isBare) {
      if (heading.level <= (grandchild ?? child ?? heading).level) set('text');
    } else if (isInside && (child === null || heading.level <= child.level)) {
      set('requirement');
      [child, grandchild] = [heading, null];
    } else if (isInside && (grandchild === null || heading.level <= grandchild.level)) {
      set('scenario');
      grandchild = heading;
    } else if (heading.line === 0 && heading.level === 1 && !heading.isBare) set('title');
    else if (endsSection || (!isInside && heading.level <= Math.max(2, purpose?.level ?? 0))) set('text');
  }
  return roles;
}

/** Of a delta: its sections, and each requirement with all that stands below it; a removed one proposes nothing to check. */
function deltaRoles(headings: readonly Heading[]): Map<number, Part> {
  const roles = new Map<number, Part>();
  let proposes = false;
  for (const heading of headings) {
    const isRequirement = heading.level === 3 && /^requirement:/i.test(heading.title);
    if (heading.level <= 2) proposes = /^(?:added|modified) requirements$/i.test(heading.title);
    if (isRequirement || heading.level <= 2)
      roles.set(heading.line, { role: isRequirement && proposes ? 'proposal' : 'text', heading });
  }
  return roles;
}

/** A title takes no text along: what stands below it is a block of its own. */
function blocksOf(raw: string, from: number, { role, heading }: Part): Block[] {
  const cut = heading === null ? 0 : raw.indexOf('\n') < 0 ? raw.length : raw.indexOf('\n');
  const headingText = raw.slice(0, cut);
  const rest = raw.slice(cut);
  const body = rest.trim();
  const at = body === '' ? rest.length : rest.indexOf(body);
  const [gap, end] = [body === '' ? '' : rest.slice(0, at), body === '' ? rest : rest.slice(at + body.length)];
  const line = from + 1;
  if (role === 'title' && body !== '') {
    const below = line + gap.split('\n').length - 1;
    return [
      { role, line, heading, headingText, gap: '', body: '', end: gap },
      { role: 'text', line: below, heading: null, headingText: '', gap: '', body, end },
    ];
  }
  if (heading === null && raw === '') return [];
  const isEmptyScenario = role === 'scenario' && body === '';
  return [{ role: isEmptyScenario ? 'text' : role, line, heading, headingText, gap, body, end }];
}
