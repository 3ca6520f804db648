/** Kinds of malformed files: name, content, place of the first failure, a word of its message. `schema`: the JSON Schema sees it too. */
export interface MalformedCase {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly at: readonly [line: number, column: number];
  readonly says: string;
  readonly kind?: 'unsafe-path';
  readonly schema?: boolean;
}

const HEAD = 'id: SPEC-a\ntitle: A\nlevel: module\nstatus: active\n';
const CRITERION = `${HEAD}criteria:\n  - id: AC-a-x\n    title: X\n`;
const LINK = `${CRITERION}    verified_by:\n      - test: test/a.test.ts > a\n`;
const kind = (name: string, text: string | Uint8Array, line: number, column: number, says: string, more: Partial<MalformedCase> = {}): MalformedCase => ({ name, text, at: [line, column], says, ...more });
const seen = { schema: true };

export const SPEC_CASES: readonly MalformedCase[] = [
  kind('an empty file', '', 1, 1, 'is empty'),
  kind('comments only', '# nothing\n', 1, 1, 'is empty'),
  kind('a list', '- id: SPEC-a\n', 1, 1, 'must be a mapping', seen),
  kind('a text', 'hello\n', 1, 1, 'must be a mapping', seen),
  kind('an unknown key', `${HEAD}ownr: me\n`, 5, 1, '"ownr" is unknown', seen),
  kind('an unknown key of a criterion', `${CRITERION}    risks: high\n`, 8, 5, '"risks" is unknown', seen),
  kind('an unknown key of a link', `${LINK}        time_out: 3s\n`, 10, 9, '"time_out" is unknown', seen),
  kind('no id', 'title: A\nlevel: module\nstatus: active\n', 1, 1, 'has no id', seen),
  kind('no title', 'id: SPEC-a\nlevel: module\nstatus: active\n', 1, 1, 'has no title', seen),
  kind('no level', 'id: SPEC-a\ntitle: A\nstatus: active\n', 1, 1, 'has no level', seen),
  kind('no status', 'id: SPEC-a\ntitle: A\nlevel: module\n', 1, 1, 'has no status', seen),
  kind('an empty title', 'id: SPEC-a\ntitle: ""\nlevel: module\nstatus: active\n', 2, 8, 'text is empty', seen),
  kind('a title without value', 'id: SPEC-a\ntitle:\nlevel: module\nstatus: active\n', 2, 7, 'no value', seen),
  kind('a number as title', 'id: SPEC-a\ntitle: 1.10\nlevel: module\nstatus: active\n', 2, 8, 'must be a text', seen),
  kind('a title that is too long', `id: SPEC-a\ntitle: ${'x'.repeat(501)}\nlevel: module\nstatus: active\n`, 2, 8, 'limit is 500', seen),
  kind('an unknown level', 'id: SPEC-a\ntitle: A\nlevel: modul\nstatus: active\n', 3, 8, 'product, system, module, component, foundation', seen),
  kind('an unknown status', 'id: SPEC-a\ntitle: A\nlevel: module\nstatus: done\n', 4, 9, 'draft, active, deprecated, retired', seen),
  kind('an unknown risk', `${CRITERION}    risk: huge\n`, 8, 11, 'low, medium, high, critical', seen),
  kind('an unknown review', `${CRITERION}    review: robot\n`, 8, 13, 'automated, manual, hybrid', seen),
  kind('an unknown concern', `${CRITERION}    concerns: [speed]\n`, 8, 16, 'correctness, security, performance', seen),
  kind('a concern that is no list', `${CRITERION}    concerns: security\n`, 8, 15, 'must be a list', seen),
  kind('an unknown runner', `${LINK}        runner: jest\n`, 10, 17, 'vitest, node-test, pytest, cargo, go, command', seen),
  kind('an unknown place', `${LINK}        in: podman\n`, 10, 13, 'host, docker', seen),
  kind('an id without prefix', HEAD.replace('SPEC-a', 'caching'), 1, 1, 'does not start with SPEC-'),
  kind('a criterion id without prefix', CRITERION.replace('AC-a-x', 'x'), 6, 5, 'does not start with AC-'),
  kind('an id with a parent segment', HEAD.replace('SPEC-a', 'SPEC-a/../b'), 1, 1, 'segment'),
  kind('an id with a control character', HEAD.replace('SPEC-a', '"SPEC-\\e[31m"'), 1, 1, 'cannot be printed'),
  kind('an id twice but for case', `${CRITERION}  - id: AC-A-X\n    title: Y\n`, 8, 5, 'is taken by'),
  kind('a key twice', `${HEAD}title: B\n`, 5, 1, 'stands twice'),
  kind('a gap beside verified_by', `${LINK}    gap: not yet\n`, 10, 5, 'both gap and verified_by', seen),
  kind('no test, run or manual', `${CRITERION}    verified_by:\n      - note: x\n`, 9, 9, 'needs one of test, run, manual', seen),
  kind('test and run', `${LINK}        run: ./x\n`, 10, 9, 'only one of test, run, manual', seen),
  kind('an absolute path', `${CRITERION}    verified_by:\n      - test: /etc/passwd\n`, 9, 15, 'absolute', { kind: 'unsafe-path' }),
  kind('a parent path', `${CRITERION}    verified_by:\n      - test: ../x.test.ts > a\n`, 9, 15, '".." segment', { kind: 'unsafe-path' }),
  kind('a parent path of inputs', `${LINK}        inputs: [src, a/../../b]\n`, 10, 23, '".." segment', { kind: 'unsafe-path' }),
  kind('a parent path of artifacts', `${LINK}        artifacts: [../out]\n`, 10, 21, '".." segment', { kind: 'unsafe-path' }),
  kind('a parent path of a report', `${LINK}        expect: { report: "junit:../r.xml" }\n`, 10, 27, '".." segment', { kind: 'unsafe-path' }),
  kind('a parent path of code', `${CRITERION}    implemented_by: ["../x.ts::f"]\n`, 8, 22, '".." segment', { kind: 'unsafe-path' }),
  kind('a time-out that is none', `${LINK}        timeout: soon\n`, 10, 18, 'not a duration'),
  kind('a negative exit code', `${LINK}        expect: { exit: -1 }\n`, 10, 25, '0 to 255', seen),
  kind('an unknown report', `${LINK}        expect: { report: xml }\n`, 10, 27, 'tap, none or junit:PATH', seen),
  kind('a requirement that nobody knows', `${LINK}        requires: [dokcer]\n`, 10, 20, 'docker, orchestrator', seen),
  kind('a bad variable name', `${LINK}        env: { "A B": x }\n`, 10, 16, 'variable name', seen),
  kind('an environment that is a number', `${LINK}        env: 5\n`, 10, 14, 'a list or a mapping', seen),
  kind('a flag that is a text', `${LINK}        ignored: "yes"\n`, 10, 18, 'true or false', seen),
  kind('criteria that are a mapping', `${HEAD}criteria:\n  AC-a: X\n`, 6, 3, 'must be a list', seen),
  kind('a bad indentation', `${HEAD}criteria:\n  - id: AC-a\n   title: X\n`, 7, 1, 'YAML'),
  kind('a tab as indentation', `${HEAD}criteria:\n\t- id: AC-a\n`, 6, 1, 'Tabs'),
  kind('an open quote', 'id: "SPEC-a\ntitle: A\n', 3, 1, 'quote'),
  kind('a colon in a plain text', 'id: SPEC-a\ntitle: a: b\n', 2, 8, 'Nested mappings'),
  kind('a reserved first character', 'id: SPEC-a\ntitle: `x` y\n', 2, 8, 'reserved'),
  kind('two documents', `${HEAD}---\n${HEAD}`, 5, 1, 'several YAML documents'),
  kind('a directive', `%YAML 1.1\n---\n${HEAD}`, 1, 1, 'directives'),
  kind('a custom tag', HEAD.replace('title: A', 'title: !js/function A'), 2, 21, 'tag'),
  kind('an alias of nothing', HEAD.replace('title: A', 'title: *nothing'), 2, 8, 'alias'),
  kind('aliases without end', `${HEAD}extra: &a { b: [${'*a, '.repeat(120)}*a] }\n`, 5, 11, 'deeper than'),
  kind('too many aliases', `${HEAD}extra: { a: &a [1], b: [${'*a, '.repeat(120)}*a] }\n`, 5, 425, 'More than 100 aliases'),
  kind('nesting without end', `${HEAD}extra: { a: ${'['.repeat(5000)}${']'.repeat(5000)} }\n`, 5, 76, 'deeper than'),
  kind('a control character', 'id: SPEC-a\ntitle: a\u0007b\n', 2, 9, 'U+0007'),
  kind('no UTF-8', new Uint8Array([0x69, 0x64, 0x3a, 0x20, 0x61, 0x0a, 0xff, 0x0a]), 2, 1, 'UTF-8'),
  kind('UTF-16', new Uint8Array([0xff, 0xfe, 0x69, 0x00]), 1, 1, 'UTF-16'),
  kind('a file that is too large', `${HEAD}# ${'x'.repeat(8 * 1024 * 1024)}\n`, 1, 1, '8388608'),
];

export const CONFIG_CASES: readonly MalformedCase[] = [
  kind('an unknown key', 'max_worker: 3\n', 1, 1, '"max_worker" is unknown', seen),
  kind('an unknown key of a group', 'cargo:\n  speculativ: true\n', 2, 3, '"speculativ" is unknown', seen),
  kind('a key of a group at the top', 'speculative: true\n', 1, 1, 'is unknown', seen),
  kind('a key written flat', 'cargo.speculative: true\n', 1, 1, 'is unknown', seen),
  kind('a number as text', 'max_workers: "5"\n', 1, 14, 'whole number', seen),
  kind('a number out of range', 'max_workers: 300\n', 1, 14, '0 to 256', seen),
  kind('a broken number', 'retry_count: 1.5\n', 1, 14, 'whole number', seen),
  kind('an unknown word', 'log_level: loud\n', 1, 12, 'error, warn, info, debug', seen),
  kind('a minimum above its maximum', 'spawn_jitter_min_ms: 900\n', 1, 22, 'larger than spawn_jitter_max_ms'),
  kind('a group that is a text', 'cargo: fast\n', 1, 8, 'must be a mapping', seen),
  kind('a time that is none', 'gate: { budget: soon }\n', 1, 17, 'not a duration'),
  kind('a capacity of nothing', 'docker: { layer_capacity: 0 }\n', 1, 27, '1 to', seen),
  kind('an environment without image', 'docker:\n  environments:\n    base: { pull: never }\n', 3, 11, 'has no image', seen),
  kind('an environment with an unknown key', 'docker:\n  environments:\n    base: { image: a, imgae: b }\n', 3, 23, '"imgae" is unknown', seen),
  kind('an environment with a bad pull', 'docker:\n  environments:\n    base: { image: a, pull: maybe }\n', 3, 29, 'never, missing, always', seen),
  kind('set-up ids that stand twice', 'docker:\n  environments:\n    base:\n      image: a\n      setup:\n        - { id: x, run: a }\n        - { id: x, run: b }\n', 7, 17, 'twice'),
  kind('an input that leaves the project', 'docker: { environments: { base: { image: a, setup: [{ id: x, run: a, inputs: [../x] }] } } }\n', 1, 79, '".." segment', { kind: 'unsafe-path' }),
  kind('a secret that is no name', 'docker: { environments: { base: { image: a, secrets: ["A B"] } } }\n', 1, 55, 'variable name', seen),
  kind('an image that is an option', 'docker: { environments: { base: { image: "--privileged" } } }\n', 1, 42, 'image reference', seen),
  kind('a key twice', 'max_workers: 1\nmax_workers: 2\n', 2, 1, 'stands twice'),
  kind('a list', '- max_workers: 1\n', 1, 1, 'must be a mapping', seen),
  kind('broken YAML', 'cargo: [1\n', 2, 1, 'YAML'),
];

export const MANIFEST_CASES: readonly MalformedCase[] = [
  kind('an empty manifest', '', 1, 1, 'no project_slug'),
  kind('no project_hash', 'project_slug = "a"\ndolt_db_name = "a"\n', 1, 1, 'no project_hash'),
  kind('no dolt_db_name', 'project_slug = "a"\nproject_hash = "a"\n', 1, 1, 'no dolt_db_name'),
  kind('capitals', 'project_slug = "Shop"\nproject_hash = "a"\ndolt_db_name = "a"\n', 1, 16, 'a-z'),
  kind('a path as slug', 'project_hash = "a"\nproject_slug = "../evil"\ndolt_db_name = "a"\n', 2, 16, 'a-z'),
  kind('an empty slug', 'project_slug = ""\nproject_hash = "a"\ndolt_db_name = "a"\n', 1, 16, '1 to 48'),
  kind('a slug that is too long', `project_slug = "${'x'.repeat(49)}"\nproject_hash = "a"\ndolt_db_name = "a"\n`, 1, 16, '1 to 48'),
  kind('a number', 'project_slug = "a"\nproject_hash = 5\ndolt_db_name = "a"\n', 2, 16, 'number'),
  kind('a list', 'project_slug = "a"\nproject_hash = "a"\ndolt_db_name = ["a"]\n', 3, 16, 'list'),
  kind('an injection', 'project_slug = "a"\nproject_hash = "a"\ndolt_db_name = "a`; drop"\n', 3, 16, 'a-z'),
  kind('no TOML', 'project_slug: a\n', 1, 13, 'TOML'),
  kind('an open quote', 'project_slug = "a\n', 1, 18, 'TOML'),
  kind('a key twice', 'project_slug = "a"\nproject_slug = "b"\n', 2, 1, 'TOML'),
  kind('no UTF-8', new Uint8Array([0x61, 0xff]), 1, 1, 'UTF-8'),
  kind('a manifest that is too large', `# ${'x'.repeat(70_000)}\n`, 1, 1, '65536'),
];
