/** Whether a text can be a run's id: it becomes the name of folders and part of commands. */
export function isRunId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,59}$/.test(text);
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
