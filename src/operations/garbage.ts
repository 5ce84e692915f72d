/** Something that may go, and how. */
export interface Garbage {
  readonly kind:
    | "job"
    | "rejected"
    | "checkpoint"
    | "temporary"
    | "half-made"
    | "calls"
    | "environment"
    | "stamps";
  /** What it is and where, for people. */
  readonly what: string;
  readonly why: string;
  readonly bytes: number;
  /** Looks once more whether it may go, and takes it away; false when it is needed or held now. */
  take(): Promise<boolean>;
}
