/**
 * Kills this process, as a power cut would, when REDISTILL_FAILPOINT is `name@n` and this is the
 * n-th time that the point of that name is passed. For tests of recovery; costs nothing otherwise.
 */
export function failpoint(name: string): void {
  const wanted = process.env.REDISTILL_FAILPOINT;
  if (wanted === undefined) return;
  const [target, count] = wanted.split("@");
  if (target !== name) return;
  passed++;
  if (passed === Number(count ?? 1)) process.kill(process.pid, "SIGKILL");
}

let passed = 0;
