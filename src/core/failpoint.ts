/**
 * Kills this process, as a power cut would, when REDISTILL_FAILPOINT is `name@n` and this is the
 * n-th time that the point of that name is passed. `name@n/SIGSTOP` makes it stand still instead,
 * as a suspended machine would. For tests of recovery; costs nothing otherwise.
 */
export function failpoint(name: string): void {
  const wanted = process.env.REDISTILL_FAILPOINT;
  if (wanted === undefined) return;
  const [point = "", signal = "SIGKILL"] = wanted.split("/");
  const [target, count] = point.split("@");
  if (target !== name) return;
  passed++;
  if (passed === Number(count ?? 1)) process.kill(process.pid, signal);
}

let passed = 0;
