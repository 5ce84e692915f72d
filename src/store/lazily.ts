/**
 * An object whose members are read when they are first asked for, and once: of a round's rows a
 * stage uses a few, and the attempts of a large round take long to read.
 */
export function lazily<T extends object>(readers: { readonly [Key in keyof T]: () => T[Key] }): T {
  const object = {};
  for (const [key, read] of Object.entries(readers) as [string, () => unknown][]) {
    Object.defineProperty(object, key, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = read();
        Object.defineProperty(object, key, { enumerable: true, value });
        return value;
      },
    });
  }
  return object as T;
}
