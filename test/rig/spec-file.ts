/** A spec file with one criterion per entry: id → lines of YAML below it. */
export function specFile(
  id: string,
  criteria: Readonly<Record<string, string>>,
  head = 'level: module\nstatus: active',
): string {
  const body = Object.entries(criteria)
    .map(
      ([criterion, rest]) =>
        `  - id: ${criterion}\n    title: ${criterion}\n${
          rest === ''
            ? ''
            : `${rest
                .split('\n')
                .map((line) => `    ${line}`)
                .join('\n')}\n`
        }`,
    )
    .join('');
  return `id: ${id}\ntitle: ${id}\n${head}\n${body === '' ? '' : `criteria:\n${body}`}`;
}
