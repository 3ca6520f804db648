import { describe, expect, it } from 'vitest';
import { batchEnv, inheritedEnv, looksSecret, maskedEnv, maskText, secretValues } from '../../src/run/environment.js';
import { makeCommand } from './rig.js';

describe('environment of children', () => {
  // @verifies AC-run-secrets-stay-out
  it('knows a secret by its name', () => {
    const secret = [
      'GITHUB_TOKEN',
      'npm_config__authToken',
      'AWS_SECRET_ACCESS_KEY',
      'PGPASSWORD',
      'MYSQL_PWD',
      'STRIPE_KEY',
      'apiKey',
      'SSH_PRIVATE_KEY',
      'DB_PASS',
      'SESSION_COOKIE',
      'GOOGLE_APPLICATION_CREDENTIALS',
      'SENTRY_DSN',
      'OPENAI_API_KEY2',
      'token',
    ];
    const plain = [
      'PATH',
      'HOME',
      'PWD',
      'OLDPWD',
      'LANG',
      'MONKEY',
      'TOKENIZERS_PARALLELISM',
      'COMPASS',
      'KEYBOARD',
      'SSH_AUTH_SOCK',
      'AUTHOR',
      'XDG_SESSION_ID',
      'PASSED',
      'CARGO_HOME',
      'PYTHONPATH',
      'NODE_OPTIONS',
      'CI',
    ];
    expect(secret.filter((name) => !looksSecret(name))).toEqual([]);
    expect(plain.filter((name) => looksSecret(name))).toEqual([]);
    expect(looksSecret('DATABASE_URL', 'postgres://me:hunter2@db/x')).toBe(true);
    expect(looksSecret('DATABASE_URL', 'postgres://db/x')).toBe(false);
  });

  it('lets everything else through, but for what belongs to the run that we may be part of', () => {
    expect(
      inheritedEnv({
        PATH: '/bin',
        A_TOKEN: 'x',
        NODE_TEST_CONTEXT: 'child-v8',
        GIT_DIR: '/x',
        GONE: undefined,
        CI: '1',
      }),
    ).toEqual({
      PATH: '/bin',
      CI: '1',
    });
  });

  it('masks values of declared secrets in evidence, longest first', () => {
    const env = { A_TOKEN: 'hunter2', B_TOKEN: 'hunter2hunter2', PLAIN: 'hunter', C_KEY: 'x' };
    expect(maskedEnv(env)).toEqual({ A_TOKEN: '***', B_TOKEN: '***', PLAIN: 'hunter', C_KEY: '***' });
    expect(secretValues(env)).toEqual(['hunter2', 'hunter2hunter2']);
    expect(maskText('hunter2hunter2 hunter2', secretValues(env))).toBe('*** ***');
  });

  // @verifies AC-run-checks-see-their-run
  it('tells a check its run, its criteria and its attempt', () => {
    const cases = [makeCommand('a', { criteria: ['AC-b'] }), makeCommand('b', { criteria: ['AC-a', 'AC-b'] })];
    const batch = {
      id: 'b',
      runner: 'command' as const,
      place: 'host' as const,
      environment: null,
      directory: '',
      cases,
      configuration: {},
    };
    expect(batchEnv(batch, { env: { COHERENCE_RUN_ID: 'r' }, attempt: 2 })).toEqual({
      COHERENCE_RUN_ID: 'r',
      COHERENCE_AC_ID: 'AC-a,AC-b',
      COHERENCE_ATTEMPT: '2',
    });
    const many = Array.from({ length: 1800 }, (_item, i) => `AC-${String(i).padStart(74, '0')}`);
    const value = batchEnv({ ...batch, cases: [makeCommand('a', { criteria: many })] }, { env: {}, attempt: 1 })[
      'COHERENCE_AC_ID'
    ];
    expect(value?.length).toBeLessThanOrEqual(32 * 1024);
    expect(value?.split(',').every((id) => many.includes(id))).toBe(true);
    expect(batchEnv(batch, { env: { COHERENCE_RUN_ATTEMPT: '3' }, attempt: 1 })['COHERENCE_ATTEMPT']).toBe('3');
  });
});
