import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

// Keeps one of two workers, and all that it starts, to its half of the cores: engine and trainer count
// those, and threads that wait for each other would otherwise wait for the other worker's. Without
// `taskset` the tests are slower and the same.
if (process.platform === "linux") {
  const [, allowed = ""] =
    /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const cores = allowed.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const half = Math.floor(cores.length / 2);
  const from = ((Number(process.env.VITEST_POOL_ID) - 1) % 2) * half;
  const own = cores.slice(from, from + half).join(",");
  // One that was kept to its half already, by the file before, has no half to give.
  if (half > 0) spawnSync("taskset", ["-a", "-c", "-p", own, `${process.pid}`]);
}
