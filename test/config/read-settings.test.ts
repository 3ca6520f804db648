/** A documented setting that nobody reads is a promise without effect. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { settingKeys } from '../../src/config/index.js';

const SOURCES = join(import.meta.dirname, '../../src');
const keys = settingKeys.map(({ key }) => key);

/** The names that an expression goes through: `core.settings().pool.ttl_ms` is core, settings, pool, ttl_ms. */
function namesOf(node: ts.Expression): readonly string[] {
  if (ts.isPropertyAccessExpression(node)) return [...namesOf(node.expression), node.name.text];
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
    return [...namesOf(node.expression), node.argumentExpression.text];
  if (ts.isCallExpression(node) || ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node))
    return namesOf(node.expression);
  if (ts.isAwaitExpression(node)) return namesOf(node.expression);
  return ts.isIdentifier(node) ? [node.text] : [];
}

/** The same for what a pattern takes apart: `{ ttl_ms: ttl } = settings.pool`. */
function namesIn(pattern: ts.BindingName, names: readonly string[]): readonly (readonly string[])[] {
  if (!ts.isObjectBindingPattern(pattern)) return [names];
  return pattern.elements.flatMap(({ propertyName, name }) => {
    const taken = propertyName ?? name;
    return namesIn(name, ts.isIdentifier(taken) ? [...names, taken.text] : names);
  });
}

function readsIn(text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) found.push(namesOf(node).join('.'));
    else if (ts.isVariableDeclaration(node) || ts.isParameter(node))
      for (const names of namesIn(node.name, node.initializer === undefined ? [] : namesOf(node.initializer)))
        found.push(names.join('.'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext));
  return found;
}

/** A setting counts with the group that it is in; one without a group only where it is taken from the settings themselves. */
const isRead = (reads: readonly string[], key: string): boolean =>
  reads.some((read) => `.${read}`.endsWith(key.includes('.') ? `.${key}` : `.settings.${key}`));

const reads = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('config'))
  .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
  .filter((text) => keys.some((key) => text.includes(key.slice(key.lastIndexOf('.') + 1))))
  .flatMap(readsIn);

// @verifies AC-config-read
it('each setting is read by what it is about, or says that it is without effect', () => {
  const unread = settingKeys.filter(({ key }) => !isRead(reads, key));
  const idle = settingKeys.filter(({ doc }) => doc.startsWith('Without effect:'));
  expect(unread.map(({ key }) => key)).toEqual(idle.map(({ key }) => key));
  expect(isRead(reads, 'verify.invented')).toBe(false);
  expect(isRead(reads, 'invented')).toBe(false);
});
