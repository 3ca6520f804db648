/** Where source branches: the ways through a node, each with the condition that leads there, in words. */
import type { ts } from 'ts-morph';
import { compiler, sourceText } from './compiler.js';

/** One way. `condition` is null for what runs in any case; `at` is the place to show. */
export interface Way {
  readonly condition: string | null;
  readonly at: ts.Node;
  /** Statements with a scope of their own, one statement, or an expression. */
  readonly to: readonly ts.Statement[] | ts.Statement | ts.Expression;
}

/** The ways through an `if`, `switch`, `try`, `? :`, `&&`, `||` or `??`; null for any other node. */
export function waysThrough(node: ts.Node, source: ts.SourceFile): readonly Way[] | null {
  const ts = compiler();
  if (ts.isIfStatement(node)) {
    const head = `if (${sourceText(node.expression, source)})`;
    const other = node.elseStatement;
    return [
      { condition: null, at: node, to: node.expression },
      { condition: head, at: node, to: node.thenStatement },
      ...(other === undefined ? [] : [{ condition: `else of ${head}`, at: node, to: other }]),
    ];
  }
  if (ts.isConditionalExpression(node)) {
    const head = sourceText(node.condition, source);
    return [
      { condition: `if ${head} (? :)`, at: node, to: node.whenTrue },
      { condition: `unless ${head} (? :)`, at: node, to: node.whenFalse },
    ];
  }
  if (ts.isBinaryExpression(node)) {
    const kind = node.operatorToken.kind;
    const lazy =
      kind === ts.SyntaxKind.AmpersandAmpersandToken ||
      kind === ts.SyntaxKind.BarBarToken ||
      kind === ts.SyntaxKind.QuestionQuestionToken;
    const head = `${sourceText(node.left, source)} ${sourceText(node.operatorToken, source)} …`;
    return [
      { condition: null, at: node, to: node.left },
      { condition: lazy ? head : null, at: node, to: node.right },
    ];
  }
  if (ts.isSwitchStatement(node)) {
    const head = `switch (${sourceText(node.expression, source)})`;
    return node.caseBlock.clauses.map((clause) => ({
      condition: `${ts.isCaseClause(clause) ? `case ${sourceText(clause.expression, source)}` : 'default'} of ${head}`,
      at: clause,
      to: clause.statements,
    }));
  }
  if (!ts.isTryStatement(node)) return null;
  const { catchClause, finallyBlock } = node;
  return [
    { condition: 'try', at: node, to: node.tryBlock },
    ...(catchClause === undefined ? [] : [{ condition: 'catch', at: catchClause, to: catchClause.block }]),
    ...(finallyBlock === undefined ? [] : [{ condition: null, at: finallyBlock, to: finallyBlock }]),
  ];
}
