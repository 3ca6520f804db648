/** Milliseconds of the system's monotonic clock. The same for all processes of one boot; says nothing across boots. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** Resolves after `milliseconds`, or at once when the signal is or gets aborted. Never rejects. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true || milliseconds <= 0) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
