import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** What the place of the cache depends on; the defaults are this process's. */
export interface CacheSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * Where weights and the trainer's Python environment live, outside any repository and shared by
 * all of them. REDISTILL_CACHE overrides the platform's usual place.
 *
 * @example
 * cacheDirectory(); // "/home/ada/.cache/redistill"
 */
export function cacheDirectory(surroundings: Partial<CacheSurroundings> = {}): string {
  const { env = process.env, platform = process.platform, home = homedir() } = surroundings;
  const path = platform === "win32" ? win32 : posix;
  if (env.REDISTILL_CACHE) return path.resolve(env.REDISTILL_CACHE);
  // The XDG specification says that a relative path is to be ignored.
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) {
    return path.join(env.XDG_CACHE_HOME, "redistill");
  }
  if (platform === "darwin") return path.join(home, "Library", "Caches", "redistill");
  if (platform === "win32") {
    return path.join(env.LOCALAPPDATA ?? path.join(home, "AppData", "Local"), "redistill", "cache");
  }
  return path.join(home, ".cache", "redistill");
}
