/** Whether a text can be a run's id: it becomes the name of folders and part of commands. */
export function isRunId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,59}$/.test(text);
}

/** Words for tasks of a run: a suite of that name could be told from none of them. */
const otherTasks = ["train", "replay", "gate", "sealed", "retention"];

/** Whether a text can be a retention suite's name: it stands in reports, reasons and terminals. */
export function isSuiteName(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text) && !otherTasks.includes(text);
}

/** Whether a relative path stays in the folder that it starts from, on every system. */
export function staysInside(path: string): boolean {
  const parts = path.split(/[\\/]/);
  return (
    path !== "" &&
    !path.includes("\0") &&
    !/^[\\/]|^[a-z]:/i.test(path) &&
    parts.every((part) => part !== ".." && part.length <= 255)
  );
}
