/**
 * Shell: a script is one test, the file itself, when it says what it verifies. `@implements` may stand at a function.
 */
import type { Binding, FoundFile } from '../../model/index.js';
import type { Language } from '../language.js';
import { mentionsTag } from '../tags.js';
import { analyse } from './analyse.js';
import { commentGroups, linksOfComment } from './comments.js';
import type { Findings } from './findings.js';
import { startsCode } from './starts-code.js';
import type { Syntax } from './syntax.js';

const WHOLE_FILE: readonly Binding[] = [{ kind: 'file' }];

function look(root: Syntax, findings: Findings, parse: (text: string) => Syntax): void {
  const { source } = findings;
  for (const node of root.descendants('function_definition')) {
    const name = node.field('name')?.text ?? '';
    findings.symbol(name, node.line, node.endLine);
    // What a script verifies, the whole script verifies: no runner starts a single function.
    findings.scopes.push({
      start: node.start,
      end: node.end,
      verifies: WHOLE_FILE,
      implements: [{ kind: 'code', symbol: name, line: node.line }],
    });
  }
  const comments = root.descendants('comment');
  findings.comments(comments);
  const tree = findings.scopeTree({ startsCode: startsCode('bash', parse), isOneTest: true });
  for (const group of commentGroups(comments, source, () => 'either'))
    findings.links.push(...linksOfComment(group, tree, source));
  if (!findings.links.some((link) => link.relation === 'verifies')) return;
  findings.tests.push({
    ...source.position(0),
    endLine: root.endLine,
    language: 'shell',
    framework: 'file',
    kind: 'file',
    path: [],
    selector: source.file,
    dynamic: false,
    parametrised: false,
    fingerprint: '',
  });
}

export const shell: Language = {
  name: 'shell',
  extensions: ['.sh', '.bash'],
  mentions: mentionsTag,
  mayHoldTests: (_file, bytes) => mentionsTag(bytes),
  find: async (file, bytes): Promise<FoundFile> => analyse('bash', 'shell', file, bytes, look),
};
