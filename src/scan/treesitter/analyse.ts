/**
 * The frame around every language: decode, parse, look. Whatever the bytes, it answers; trouble is a problem
 * of the file, and what could be read of it is kept.
 */
import type { FoundFile, LanguageName } from '../../model/index.js';
import { cutFile, tooLarge } from '../cut.js';
import { Findings } from './findings.js';
import { discardParser, parserOf, type GrammarName } from './grammars.js';
import { SourceText } from './source.js';
import { Syntax } from './syntax.js';

/** Larger files are generated; parsing them would take seconds and hundreds of megabytes. */
const MAX_BYTES = 2 * 1024 * 1024;
/** A file that is not of its language at all has an error on every line: the first ones say it. */
const MAX_PROBLEMS = 3;

/** What a language does with the root of the tree. `parse` reads code inside comments. */
export type Look = (root: Syntax, findings: Findings, parse: (text: string) => Syntax) => void;

export async function analyse(
  grammar: GrammarName,
  language: LanguageName,
  file: string,
  bytes: Buffer,
  look: Look,
): Promise<FoundFile> {
  if (bytes.length > MAX_BYTES) return cutFile(file, language, bytes, tooLarge(MAX_BYTES));
  const source = new SourceText(file, bytes);
  const findings = new Findings(source, language);
  const parser = await parserOf(grammar);
  const parse = (from: SourceText): Syntax => {
    const tree = parser.parse(from.text);
    if (tree === null) throw new Error('the parser gave no tree');
    try {
      return Syntax.from(tree, from);
    } finally {
      tree.delete();
    }
  };
  try {
    const root = parse(source);
    look(root, findings, (text) => parse(new SourceText(file, Buffer.from(text))));
    reportErrors(root, findings);
  } catch (error) {
    // A trap inside WebAssembly or source nested too deeply for the stack: the file's fault, and no reason to stop a scan.
    discardParser(grammar);
    findings.problem(0, `could not be analysed: ${error instanceof Error ? error.message : String(error)}`);
  }
  return findings.result();
}

/** The first places where the source does not fit the grammar. */
function reportErrors(root: Syntax, findings: Findings): void {
  const stack: Syntax[] = [root];
  let left = MAX_PROBLEMS;
  for (let node = stack.pop(); node !== undefined && left > 0; node = stack.pop()) {
    if (!node.hasError && !node.isMissing) continue;
    if (node.type === 'ERROR' || node.isMissing) {
      findings.problem(
        node.start,
        node.isMissing
          ? `syntax error: ${node.type} is missing; tests near it may not be found`
          : 'syntax error; tests near it may not be found',
      );
      left -= 1;
      continue;
    }
    const children = node.children;
    for (let i = children.length - 1; i >= 0; i -= 1) {
      const child = children[i];
      if (child !== undefined) stack.push(child);
    }
  }
}
