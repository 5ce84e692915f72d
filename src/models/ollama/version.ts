/** The first version that refuses LoRA adapters in /api/create. */
const withoutAdapters = [0, 34, 1];

/**
 * Whether /api/create takes `adapters`, as far as the version tells: one that was built without a
 * version (0.0.0) is tried.
 */
export function takesAdapters(version: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (parts === undefined) return true;
  for (const [place, limit] of withoutAdapters.entries()) {
    if (parts[place] !== limit) return (parts[place] ?? 0) < limit;
  }
  return false;
}
