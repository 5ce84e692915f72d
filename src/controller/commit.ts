import { failpoint } from "../core/failpoint.js";
import type { Store } from "../store/store.js";

/**
 * One transaction of a controller, with the failpoints `<point>:before` and `<point>:after` around
 * it. All that a controller writes goes through here, so that tests can kill it at each boundary.
 */
export function commitAt<T>(store: Store, point: string, work: () => T): T {
  failpoint(`${point}:before`);
  const result = store.transaction(work);
  failpoint(`${point}:after`);
  return result;
}
