/** Something wrong, and what to do about it; both are sentences for people. */
export interface Problem {
  /** The run that it concerns; null where it concerns the whole workspace. */
  readonly run: string | null;
  readonly what: string;
  readonly todo: string;
}

export const restoreIt =
  "Restore a backup (`redistill restore <folder>`); until then do not trust what this run says.";
