/** For the `default` of a switch over a closed union: a forgotten member fails to compile, and a foreign value fails loudly. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
