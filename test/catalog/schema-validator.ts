/** As much of JSON Schema 2020-12 as our schemas use; an unknown keyword is an error, so that nothing is passed over. */
type Schema = { readonly [key: string]: unknown };

const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'integer'
          : 'number'
        : typeof value;
const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object';
const schemaOf = (value: unknown): Schema => {
  if (!isObject(value)) throw new Error('not a schema');
  return value;
};

export function validates(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, rule]) => {
    switch (keyword) {
      case '$schema':
      case 'title':
      case 'description':
      case 'default':
        return true;
      case 'type':
        return [rule]
          .flat()
          .some((type) => type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer'));
      case 'enum':
        return Array.isArray(rule) && rule.includes(value);
      case 'minLength':
        return typeof value !== 'string' || [...value].length >= Number(rule);
      case 'maxLength':
        return typeof value !== 'string' || [...value].length <= Number(rule);
      case 'pattern':
        return typeof value !== 'string' || new RegExp(String(rule), 'u').test(value);
      case 'minimum':
        return typeof value !== 'number' || value >= Number(rule);
      case 'maximum':
        return typeof value !== 'number' || value <= Number(rule);
      case 'items':
        return !Array.isArray(value) || value.every((item) => validates(schemaOf(rule), item));
      case 'maxItems':
        return !Array.isArray(value) || value.length <= Number(rule);
      case 'properties':
        return (
          !isObject(value) ||
          Object.entries(schemaOf(rule)).every(
            ([key, inner]) => !Object.hasOwn(value, key) || validates(schemaOf(inner), value[key]),
          )
        );
      case 'additionalProperties':
        return (
          !isObject(value) ||
          Object.keys(value).every(
            (key) =>
              Object.hasOwn(schemaOf(schema['properties'] ?? {}), key) ||
              (rule !== false && validates(schemaOf(rule), value[key])),
          )
        );
      case 'propertyNames':
        return !isObject(value) || Object.keys(value).every((key) => validates(schemaOf(rule), key));
      case 'maxProperties':
        return !isObject(value) || Object.keys(value).length <= Number(rule);
      case 'required':
        return !isObject(value) || (Array.isArray(rule) && rule.every((key) => Object.hasOwn(value, String(key))));
      case 'oneOf':
        return Array.isArray(rule) && rule.filter((inner) => validates(schemaOf(inner), value)).length === 1;
      case 'anyOf':
        return Array.isArray(rule) && rule.some((inner) => validates(schemaOf(inner), value));
      case 'allOf':
        return Array.isArray(rule) && rule.every((inner) => validates(schemaOf(inner), value));
      case 'not':
        return !validates(schemaOf(rule), value);
      default:
        throw new Error(`the schema has the keyword ${keyword}`);
    }
  });
}
