import { describe, expect, it } from 'vitest';
import { mapSeveral } from '../../src/util/several.js';

/** Work that ends when the test says so. */
function handWork() {
  const begun: number[] = [];
  const end = new Map<number, { readonly resolve: (value: string) => void; readonly reject: (error: Error) => void }>();
  const work = async (item: number): Promise<string> => {
    begun.push(item);
    return new Promise((resolve, reject) => end.set(item, { resolve, reject }));
  };
  return {
    begun,
    work,
    resolve: (item: number) => end.get(item)?.resolve(`done ${item}`),
    reject: (item: number, text: string) => end.get(item)?.reject(new Error(text)),
  };
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('mapSeveral', () => {
  it('works on no more than so many at a time and gives results in the order of the items', async () => {
    const { begun, work, resolve } = handWork();
    const all = mapSeveral([1, 2, 3], work, 2);
    expect(begun).toEqual([1, 2]);
    resolve(2);
    await turn();
    expect(begun).toEqual([1, 2, 3]);
    resolve(3);
    resolve(1);
    expect(await all).toEqual(['done 1', 'done 2', 'done 3']);
    expect(await mapSeveral([], work)).toEqual([]);
  });

  it('begins no more after a rejection, waits for what has begun, and rejects with the first error', async () => {
    const { begun, work, resolve, reject } = handWork();
    let settled = false;
    const all = mapSeveral([1, 2, 3, 4, 5], work, 3).finally(() => (settled = true));
    const error = all.catch((reason: unknown) => reason);
    reject(2, 'first');
    await turn();
    reject(1, 'second');
    await turn();
    expect(settled).toBe(false);
    resolve(3);
    expect(await error).toEqual(new Error('first'));
    expect(begun).toEqual([1, 2, 3]);
  });
});
