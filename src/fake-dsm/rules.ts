/**
 * How this NAS behaves where versions differ or nobody knows. Defaults: what most sources report.
 * Limits are those of the field; nothing here was measured on a real NAS.
 */
export interface DsmRules {
  /** 410 beyond it. Sources report 2,000 and 4,000; 2,000 is what shipped bridges cut at. */
  textLengthMax: number;
  /** In which unit: no source says. */
  textLengthUnit: 'codePoints' | 'bytes';
  /** 411 for a post that comes sooner after the last one of the whole NAS. */
  postIntervalMsMin: number;
  /** Takes `token=abc` as well as `token=%22abc%22`; newer versions answer 115. */
  acceptsBareToken: boolean;
  /** 409 beyond it: the NAS's own limit for `file_url`. */
  fileBytesMax: number;
  /** Adds `file_name` to the webhook of a post with a file; no source tells of such a field. */
  sendsFileName: boolean;
  /** A post with a file alone has the file's name as its text in the webhook, else an empty one; no source says which. */
  sendsNameAsText: boolean;
  /** A HEAD goes before each POST to a bridge. */
  sendsHead: boolean;
  /** Takes 204 for 200. The reported behaviour is that it does not. */
  acceptsNoContent: boolean;
  /**
   * When it stops sending to a URL until that is saved again: after any failure, only after an answer other
   * than 200, or never.
   */
  sulksAfter: 'failure' | 'answer' | 'nothing';
  /** The whole HEAD or POST to a bridge; undocumented. */
  outgoingTimeoutMs: number;
  /** Tries after the first where a bridge gave no answer 200 at all; undocumented, so none by default. */
  retries: number;
  retryDelayMs: number;
  /** Parts of the webhooks, 0 to 1, that are sent once more after they were answered. */
  duplicateRate: number;
  /** Parts of the webhooks, 0 to 1, that a later one of the same conversation overtakes. */
  reorderRate: number;
}

export const defaultRules: DsmRules = {
  textLengthMax: 2_000,
  textLengthUnit: 'codePoints',
  postIntervalMsMin: 500,
  acceptsBareToken: false,
  fileBytesMax: 32 * 1024 * 1024,
  sendsFileName: false,
  sendsNameAsText: true,
  sendsHead: true,
  acceptsNoContent: false,
  sulksAfter: 'failure',
  outgoingTimeoutMs: 15_000,
  retries: 0,
  retryDelayMs: 1_000,
  duplicateRate: 0,
  reorderRate: 0,
};
