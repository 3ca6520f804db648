import type { ts } from 'ts-morph';
import { hash } from 'node:crypto';
import type { FoundTest, Framework } from '../../model/index.js';
import { placeIn, sourceText } from './compiler.js';
import { callPlace, titleOf } from './declared.js';
import type { Evaluator } from './evaluate.js';
import type { Module } from './scope.js';

/** The possible tests of one file: calls that tags stand above, each once. */
export class PossibleTests {
  readonly tests: FoundTest[] = [];
  readonly #known = new Map<ts.CallExpression, FoundTest>();
  readonly #module: Module;
  readonly #framework: Framework;
  readonly #evaluator: Evaluator;

  constructor(module: Module, framework: Framework, evaluator: Evaluator) {
    this.#module = module;
    this.#framework = framework;
    this.#evaluator = evaluator;
  }

  /** @param around the suite that the call stands in */
  of(call: ts.CallExpression, around: FoundTest | null): FoundTest {
    const known = this.#known.get(call);
    if (known !== undefined) return known;
    const { source, path: file, scope } = this.#module;
    const [title] = call.arguments;
    const { text, constant } =
      title === undefined ? { text: '', constant: false } : titleOf(title, scope, this.#evaluator);
    const path = [...(around?.path ?? []), text];
    const test: FoundTest = {
      file,
      ...callPlace(call, source, file),
      language: 'typescript',
      framework: this.#framework,
      kind: 'case',
      path,
      selector: [file, ...path].join(' > '),
      endLine: placeIn(source, call.end).line,
      dynamic: !constant || around?.dynamic === true,
      parametrised: around?.parametrised === true,
      possible: true,
      fingerprint: hash('sha256', sourceText(call, source)),
    };
    this.#known.set(call, test);
    this.tests.push(test);
    return test;
  }
}
