/** The states of the job machine. The server replaces this module by one with the values (`assets.ts`). */
import type { JobStateRow } from '#machines/job-states';

export declare const jobStates: readonly JobStateRow[];
