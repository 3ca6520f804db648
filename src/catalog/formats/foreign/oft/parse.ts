/** The items of one Markdown or RST document: a state machine over its lines, with the states of OpenFastTrace's own. */
import type { OftId, OftItem } from './item.js';
import {
  entryOf,
  forwardOf,
  idOf,
  isFence,
  isFenceEnd,
  isSwitch,
  isUnderline,
  keywordOf,
  needOf,
  referenceOf,
  statusOf,
  titleOf,
  type Keyword,
  type Markup,
} from './lines.js';

type State = 'outside' | 'title' | 'code' | 'head' | Keyword;
type Text = 'description' | 'rationale' | 'comment';
const TEXTS: Readonly<Partial<Record<State, Text>>> = {
  Description: 'description',
  Rationale: 'rationale',
  Comment: 'comment',
};

interface Draft {
  id: OftId;
  line: number;
  title: string | null;
  section: readonly string[];
  status: string | null;
  description: string;
  rationale: string;
  comment: string;
  covers: OftId[];
  depends: OftId[];
  needs: string[];
  tags: string[];
  forwards: boolean;
}

const LINE_END = '\n';

class OftParser {
  readonly items: Draft[] = [];
  private state: State = 'outside';
  private item: Draft | null = null;
  private title: string | null = null;
  private line = 0;
  /** Headings above the current line with what underlines or precedes them: the outermost first. */
  private headings: { readonly depth: string; readonly text: string }[] = [];
  /** Kinds of heading in the order of their first use, for documents whose underlines say the depth. */
  private readonly depths: string[] = [];

  constructor(private readonly markup: Markup) {}

  step(line: string, next: string | null, number: number): void {
    this.line = number;
    if (this.state === 'code') {
      if (isFenceEnd(line)) this.state = 'outside';
    } else if (this.item === null) this.stepOutside(line, next);
    else this.stepInside(line, next, this.item);
  }

  private stepOutside(line: string, next: string | null): void {
    const id = idOf(line);
    const title = titleOf(line, next, this.markup);
    const isInTitle = this.state === 'title';
    if (id !== null) this.begin(id);
    else if (isInTitle && isUnderline(line, this.markup) && title === null) return;
    else if (title !== null) this.remember(title);
    else if (isInTitle && line.trim() === '') return;
    else if (this.forward(line)) this.title = null;
    else if (!isInTitle && this.markup === 'md' && isFence(line)) this.state = 'code';
    else {
      this.title = null;
      this.state = 'outside';
    }
  }

  private stepInside(line: string, next: string | null, item: Draft): void {
    const id = idOf(line);
    if (id !== null) return this.begin(id);
    const status = this.state === 'head' ? statusOf(line) : null;
    if (status !== null) {
      item.status = status;
      return;
    }
    if (this.state === 'Tags' && this.takeEntry(line, item)) return;
    const title = titleOf(line, next, this.markup);
    if (title !== null) {
      this.item = null;
      return this.remember(title);
    }
    if ((this.state === 'Covers' || this.state === 'Depends' || this.state === 'Needs') && this.takeEntry(line, item))
      return;
    if (this.takeKeyword(line, item)) return;
    if (this.forward(line)) {
      this.item = null;
      return;
    }
    this.takeText(line, item);
  }

  /** A line of the list that is open; false: it is none. */
  private takeEntry(line: string, item: Draft): boolean {
    const reference = this.state === 'Covers' || this.state === 'Depends' ? referenceOf(line) : null;
    const word = this.state === 'Needs' ? needOf(line) : this.state === 'Tags' ? entryOf(line) : null;
    if (reference !== null) (this.state === 'Covers' ? item.covers : item.depends).push(reference);
    else if (word === null) return false;
    else if (this.state === 'Needs') item.needs.push(word);
    else item.tags.push(...word.split(',').map((tag) => tag.trim()));
    return true;
  }

  private takeKeyword(line: string, item: Draft): boolean {
    const keyword = keywordOf(line);
    if (keyword === null) return false;
    const { word, list } = keyword;
    // A text goes on where its own keyword stands again; a description opens only directly below the id.
    if (word === this.state && TEXTS[word] !== undefined) return false;
    if (word === 'Description' && this.state !== 'head') return false;
    if (list.length > 0) {
      (word === 'Needs' ? item.needs : item.tags).push(...list);
      this.state = word === 'Needs' ? 'head' : 'Tags';
      return true;
    }
    this.state = word;
    return true;
  }

  private takeText(line: string, item: Draft): void {
    const text = TEXTS[this.state];
    const isEmpty = line.trim() === '';
    if (this.state === 'head') {
      // After `Needs: a` or an ended list of tags plain text goes on in the description without a line end, as OFT has it.
      if (line !== '') {
        item.description += line;
        this.state = 'Description';
      }
    } else if (text !== undefined) item[text] += LINE_END + line;
    else if (isEmpty && this.state === 'Tags') this.state = 'head';
    else if (isEmpty && this.state === 'Needs' && this.markup === 'md') this.state = 'Description';
  }

  private begin(id: OftId): void {
    this.item = this.draft(id, this.title);
    this.items.push(this.item);
    this.title = null;
    this.state = 'head';
  }

  private forward(line: string): boolean {
    const forward = forwardOf(line);
    if (forward === null) return false;
    const item = this.draft({ ...forward.covers, type: forward.type }, null);
    item.covers.push(forward.covers);
    item.needs.push(...forward.needs);
    item.forwards = true;
    this.items.push(item);
    this.state = 'outside';
    return true;
  }

  private draft(id: OftId, title: string | null): Draft {
    const above = this.headings.map((heading) => heading.text);
    return {
      id,
      line: this.line,
      title,
      section: title === null ? above : above.slice(0, -1),
      status: null,
      description: '',
      rationale: '',
      comment: '',
      covers: [],
      depends: [],
      needs: [],
      tags: [],
      forwards: false,
    };
  }

  private remember(title: { readonly text: string; readonly depth: string }): void {
    const depthOf = (kind: string): number => {
      if (kind.startsWith('#') && this.markup === 'md') return kind.length;
      if (!this.depths.includes(kind)) this.depths.push(kind);
      return this.depths.indexOf(kind) + 1;
    };
    const depth = depthOf(title.depth);
    this.headings = [
      ...this.headings.filter((heading) => depthOf(heading.depth) < depth),
      { depth: title.depth, text: title.text.trim() },
    ];
    this.title = title.text;
    this.state = 'title';
  }
}

/**
 * All items of a document, in its order.
 *
 * @param lines without line ends
 */
export function parseOftDocument(lines: readonly string[], markup: Markup): readonly OftItem[] {
  const parser = new OftParser(markup);
  let isOff = false;
  for (const [index, line] of lines.entries()) {
    if (isOff) isOff = !isSwitch(line, 'on');
    else if (isSwitch(line, 'off')) isOff = true;
    else parser.step(line, lines[index + 1] ?? null, index + 1);
  }
  return parser.items;
}
