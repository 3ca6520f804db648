/** Module facts of TypeScript and JavaScript: imports, file access, and what makes a result depend on more than the tree. */
import type { ts } from 'ts-morph';
import type { ModuleFacts } from '../../model/index.js';
import { sha256 } from '../../util/hash.js';
import { compiler, parse } from './compiler.js';

const READS = new Set([
  'fs',
  'fs/promises',
  'graceful-fs',
  'fs-extra',
  'globby',
  'fast-glob',
  'glob',
  'tinyglobby',
  'memfs',
  'path-scurry',
]);
const OUTSIDE: Readonly<Record<string, string>> = {
  http: 'network',
  https: 'network',
  http2: 'network',
  net: 'network',
  tls: 'network',
  dgram: 'network',
  dns: 'network',
  'dns/promises': 'network',
  undici: 'network',
  axios: 'network',
  'node-fetch': 'network',
  got: 'network',
  ws: 'network',
  child_process: 'other programs',
  cluster: 'other programs',
  execa: 'other programs',
  tinyexec: 'other programs',
  zx: 'other programs',
  os: 'the machine',
  perf_hooks: 'the clock',
  vm: 'computed code',
  inspector: 'the machine',
  sqlite: 'files outside',
  nanoid: 'randomness',
  uuid: 'randomness',
};
const GLOBAL_CALLS: Readonly<Record<string, string>> = {
  fetch: 'network',
  eval: 'computed code',
  Function: 'computed code',
  WebSocket: 'network',
  EventSource: 'network',
  XMLHttpRequest: 'network',
};
const MEMBERS: Readonly<Record<string, string>> = {
  'Date.now': 'the clock',
  'performance.now': 'the clock',
  'process.hrtime': 'the clock',
  'process.uptime': 'the clock',
  'Math.random': 'randomness',
  'crypto.randomUUID': 'randomness',
  'crypto.randomBytes': 'randomness',
  'crypto.getRandomValues': 'randomness',
  'process.binding': 'the machine',
  'process.memoryUsage': 'the machine',
  'process.pid': 'the machine',
  'globalThis.fetch': 'network',
  'Temporal.Now': 'the clock',
};
const isShifting = (why: string): boolean => /^(?:network|the clock|randomness)/u.test(why);
const RANDOM_IMPORTS = new Set(['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'webcrypto']);
const MAX_PATHS = 500;

const withoutNode = (specifier: string): string => (specifier.startsWith('node:') ? specifier.slice(5) : specifier);
const looksLikePath = (text: string): boolean =>
  text.length > 0 && text.length < 300 && !/[\n*?<>|"]/u.test(text) && (/[./\\]/u.test(text) || /^[\w-]+$/u.test(text));

/** Directives in comments that change how a file runs: they are part of what it does. */
const pragmas = (text: string): string =>
  (text.match(/@(?:vitest|jest)-[\w-]+[^\n*]*|@jsx\w*[^\n*]*/gu) ?? []).join('\n');

/** Members of these globals that tell the same at every time. Whatever else is done with one may be the clock or chance. */
const STEADY_MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = {
  Date: new Set(['UTC', 'parse', 'prototype', 'name', 'length']),
  Math: new Set(Object.getOwnPropertyNames(Math).filter((name) => name !== 'random')),
};
const SHIFTING: Readonly<Record<string, string>> = {
  Date: 'the clock',
  Math: 'randomness',
  performance: 'the clock',
  Temporal: 'the clock',
  fetch: 'network',
  WebSocket: 'network',
  EventSource: 'network',
  XMLHttpRequest: 'network',
};
/** Objects whose members are the globals by another name. */
const GLOBAL_OBJECTS = new Set(['globalThis', 'global', 'self', 'window']);

class Collector {
  readonly imports = new Set<string>();
  readonly paths = new Set<string>();
  computed = false;
  reads = false;
  private reason: string | null = null;

  constructor(private readonly api: ReturnType<typeof compiler>) {}

  get outside(): string | null {
    return this.reason;
  }

  /** The first reason stays, unless a later one is about what no identity of files and tools can hold. */
  set outside(why: string | null) {
    if (why !== null && (this.reason === null || (!isShifting(this.reason) && isShifting(why)))) this.reason = why;
  }

  private specifier(node: ts.Expression | undefined): void {
    const { api } = this;
    if (node !== undefined && (api.isStringLiteral(node) || api.isNoSubstitutionTemplateLiteral(node)))
      this.take(node.text);
    else this.computed = true;
  }

  private take(text: string): void {
    const name = withoutNode(text);
    if (READS.has(name)) this.reads = true;
    const why = OUTSIDE[name];
    if (why !== undefined && (text.startsWith('node:') || name !== 'sqlite')) this.outside = `${why} (${text})`;
    if (name === 'worker_threads' || name === 'module') this.computed = true;
    this.imports.add(text);
  }

  visit(node: ts.Node, parent: ts.Node): void {
    const { api } = this;
    if (api.isImportDeclaration(node)) {
      this.specifier(node.moduleSpecifier);
      const named = node.importClause?.namedBindings;
      const from = api.isStringLiteral(node.moduleSpecifier) ? withoutNode(node.moduleSpecifier.text) : '';
      if (from === 'crypto' && named !== undefined) {
        if (api.isNamespaceImport(named)) this.outside = 'randomness (crypto)';
        else
          for (const item of named.elements)
            if (RANDOM_IMPORTS.has((item.propertyName ?? item.name).text)) this.outside = 'randomness (crypto)';
      }
      if (from === 'crypto' && node.importClause?.name !== undefined) this.outside = 'randomness (crypto)';
      return;
    }
    if (api.isExportDeclaration(node)) {
      if (node.moduleSpecifier !== undefined) this.specifier(node.moduleSpecifier);
      return;
    }
    if (api.isImportEqualsDeclaration(node) && api.isExternalModuleReference(node.moduleReference))
      this.specifier(node.moduleReference.expression);
    else if (api.isImportTypeNode(node)) return;
    else if (api.isCallExpression(node)) this.call(node);
    else if (api.isNewExpression(node)) this.construct(node);
    else if (api.isPropertyAccessExpression(node)) this.member(node);
    else if (api.isElementAccessExpression(node)) this.element(node);
    else if (api.isIdentifier(node)) this.global(node, parent);
    else if ((api.isStringLiteral(node) || api.isNoSubstitutionTemplateLiteral(node)) && looksLikePath(node.text))
      this.path(node.text);
    else if (api.isTemplateExpression(node))
      for (const part of [node.head.text, ...node.templateSpans.map((span) => span.literal.text)])
        if (part.includes('/') && looksLikePath(part)) this.path(part);
    api.forEachChild(node, (child) => this.visit(child, node));
  }

  private path(text: string): void {
    if (this.paths.size < MAX_PATHS) this.paths.add(text);
  }

  private call(node: ts.CallExpression): void {
    const { api } = this;
    const callee = node.expression;
    if (callee.kind === api.SyntaxKind.ImportKeyword) this.specifier(node.arguments[0]);
    else if (api.isIdentifier(callee)) {
      if (callee.text === 'require') this.specifier(node.arguments[0]);
      const why = GLOBAL_CALLS[callee.text];
      if (why !== undefined) this.outside = `${why} (${callee.text})`;
      if (callee.text === 'Date') this.outside = 'the clock (Date)';
    } else if (api.isPropertyAccessExpression(callee)) {
      const name = callee.name.text;
      if (api.isMetaProperty(callee.expression) && (name === 'glob' || name === 'globEager')) this.computed = true;
      if (api.isIdentifier(callee.expression) && callee.expression.text === 'require' && name === 'resolve')
        this.specifier(node.arguments[0]);
      // vi.mock('./x') and jest.mock name modules; importActual and doMock too.
      if (
        api.isIdentifier(callee.expression) &&
        (callee.expression.text === 'vi' || callee.expression.text === 'vitest' || callee.expression.text === 'jest') &&
        /^(?:mock|doMock|unmock|importActual|importMock|requireActual)$/u.test(name)
      ) {
        const first = node.arguments[0];
        if (
          first !== undefined &&
          !(api.isCallExpression(first) && first.expression.kind === api.SyntaxKind.ImportKeyword)
        )
          this.specifier(first);
      }
    }
  }

  private construct(node: ts.NewExpression): void {
    const { api } = this;
    if (!api.isIdentifier(node.expression)) return;
    const name = node.expression.text;
    if (name === 'Date' && (node.arguments === undefined || node.arguments.length === 0))
      this.outside = 'the clock (new Date())';
    if (name === 'Worker') this.computed = true;
    const why = GLOBAL_CALLS[name];
    if (why !== undefined) this.outside = `${why} (${name})`;
  }

  /** `globalThis['fetch']`, and what is read of a global by a computed name. */
  private element(node: ts.ElementAccessExpression): void {
    const { api } = this;
    const { expression, argumentExpression: key } = node;
    if (!api.isIdentifier(expression) || !GLOBAL_OBJECTS.has(expression.text)) return;
    const why = api.isStringLiteral(key) ? SHIFTING[key.text] : undefined;
    if (why !== undefined && api.isStringLiteral(key)) this.outside = `${why} (${expression.text}.${key.text})`;
  }

  /** A global that is passed on, taken apart or renamed: `new Clock(Date)`, `const { random } = Math`, `const f = fetch`. */
  private global(node: ts.Identifier, parent: ts.Node): void {
    const { api } = this;
    const why = Object.hasOwn(SHIFTING, node.text) ? SHIFTING[node.text] : undefined;
    if (why === undefined) return;
    if (api.isPropertyAccessExpression(parent)) {
      const isName = parent.name === node;
      const isOfGlobal = api.isIdentifier(parent.expression) && GLOBAL_OBJECTS.has(parent.expression.text);
      if (isName ? !isOfGlobal : STEADY_MEMBERS[node.text]?.has(parent.name.text) === true) return;
    } else if (api.isNewExpression(parent) && parent.expression === node) {
      if (node.text === 'Date' && (parent.arguments?.length ?? 0) > 0) return;
    } else if (api.isBinaryExpression(parent) && parent.operatorToken.kind === api.SyntaxKind.InstanceOfKeyword) return;
    else if (api.isTypeOfExpression(parent) || api.isTypeNode(parent) || isDeclaredName(api, node, parent)) return;
    this.outside = `${why} (${node.text})`;
  }

  private member(node: ts.PropertyAccessExpression): void {
    const { api } = this;
    if (!api.isIdentifier(node.expression)) return;
    const why = MEMBERS[`${node.expression.text}.${node.name.text}`];
    if (why !== undefined) this.outside = `${why} (${node.expression.text}.${node.name.text})`;
    if (node.expression.text === 'process' && (node.name.text === 'getBuiltinModule' || node.name.text === 'dlopen'))
      this.outside = 'computed code';
    if (node.expression.text === 'Bun' || node.expression.text === 'Deno') this.outside = 'the machine';
  }
}

/** A name that is declared or a key, and no use of the global of that name. */
function isDeclaredName(api: ReturnType<typeof compiler>, node: ts.Identifier, parent: ts.Node): boolean {
  if (api.isShorthandPropertyAssignment(parent)) return false;
  if (api.isImportSpecifier(parent) || api.isExportSpecifier(parent) || api.isQualifiedName(parent)) return true;
  return 'name' in parent && parent.name === node;
}

/** Facts of one file. Never throws for what the file holds; JSON and other data give their bytes' hash alone. */
export function typescriptFacts(file: string, bytes: Buffer): ModuleFacts {
  const text = bytes.toString('utf8');
  const api = compiler();
  const source = parse(file, text);
  const collector = new Collector(api);
  collector.visit(source, source);
  const printed = api.createPrinter({ removeComments: true, newLine: api.NewLineKind.LineFeed }).printFile(source);
  return {
    fingerprint: sha256(`${printed}\u0000${pragmas(text)}`),
    imports: [...collector.imports].sort(),
    computed: collector.computed,
    reads: collector.reads,
    paths: [...collector.paths].sort(),
    outside: collector.outside,
  };
}
