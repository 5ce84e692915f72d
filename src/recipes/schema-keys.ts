import { z } from "zod";

/** The keys that a schema allows in the object at a path; empty where there is no object. */
export function keysAt(schema: z.ZodType, path: readonly (string | number)[]): string[] {
  let here = unwrapped(schema);
  for (const part of path) {
    here = here.flatMap((option) => {
      if (option instanceof z.ZodArray) return unwrapped(option.element as z.ZodType);
      if (option instanceof z.ZodRecord) return unwrapped(option.valueType as z.ZodType);
      return option instanceof z.ZodObject && part in option.shape
        ? unwrapped(option.shape[part] as z.ZodType)
        : [];
    });
  }
  const keys = here.flatMap((option) => {
    if (option instanceof z.ZodObject) return Object.keys(option.shape);
    const named = option instanceof z.ZodRecord && option.keyType;
    return named instanceof z.ZodEnum ? named.options.map(String) : [];
  });
  return [...new Set(keys)];
}

/** The alternatives behind defaults, nulls, unions and transforms. */
function unwrapped(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option) => unwrapped(option as z.ZodType));
  }
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  ) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in as z.ZodType);
  return [schema];
}
