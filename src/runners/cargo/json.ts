/** Reading cargo's JSON without trusting its shape: what has another type than expected counts as absent. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const asObject = (value: unknown): JsonObject | null =>
  // The three tests leave exactly the plain objects of JSON.
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
export const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const texts = (value: unknown): readonly string[] =>
  asList(value).filter((item): item is string => typeof item === 'string');

/** The object that a line holds, or null when the line is no JSON object. */
export function parseObject(line: string): JsonObject | null {
  if (!line.startsWith('{')) return null;
  try {
    return asObject(JSON.parse(line));
  } catch {
    return null;
  }
}
