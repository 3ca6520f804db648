/**
 * Works on all items, at most `atOnce` of them at a time; results in order. After a rejection it begins no more, waits for what
 * has begun, and rejects with the first error: nothing goes on behind the caller's back.
 */
export async function mapSeveral<T, R>(items: readonly T[], work: (item: T) => Promise<R>, atOnce = 16): Promise<R[]> {
  const results: R[] = [];
  const errors: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      const at = next;
      next += 1;
      try {
        results[at] = await work(items[at] as T); // in range: `at` was below the length
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
