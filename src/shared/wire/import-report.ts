/** Progress and result of an import of files, as the HTTP API sends them. */
export type FileOutcome = 'added' | 'updated' | 'unchanged' | 'skipped';

export interface ImportProgress {
  /** Files processed so far, including this one. */
  done: number;
  total: number;
  path: string;
  outcome: FileOutcome;
}

export interface ImportReport {
  added: number;
  updated: number;
  unchanged: number;
  skipped: { path: string; reason: string }[];
}
