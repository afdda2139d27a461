/**
 * Behaviour of this NAS where versions differ or sources are missing. Defaults: what most sources report. Limits are as
 * reported; nothing here was measured on a real NAS.
 */
export interface DsmRules {
  /** 410 above it. Sources report 2,000 and 4,000; released bridges split at 2,000. */
  textLengthMax: number;
  /** Unit of the limit: no source gives it. */
  textLengthUnit: 'codePoints' | 'bytes';
  /** 411 for a post that comes sooner after the last post to the whole NAS. */
  postIntervalMsMin: number;
  /** Accepts `token=abc` as well as `token=%22abc%22`; newer versions respond with 115. */
  acceptsBareToken: boolean;
  /** 409 above it: the NAS's own limit for `file_url`. */
  fileBytesMax: number;
  /** Adds `file_name` to the webhook of a post with a file; no source documents such a field. */
  sendsFileName: boolean;
  /**
   * The webhook of a post with only a file has the file's name as text, else an empty text; no source documents which.
   */
  sendsNameAsText: boolean;
  /** Sends a HEAD before each POST to a bridge. */
  sendsHead: boolean;
  /** Accepts 204 like 200. The reported behaviour is that it does not. */
  acceptsNoContent: boolean;
  /**
   * When it stops sending to a URL until the URL is saved again: after any failure, only after a response other than
   * 200, or never.
   */
  sulksAfter: 'failure' | 'answer' | 'nothing';
  /** Timeout of a whole HEAD or POST to a bridge; undocumented. */
  outgoingTimeoutMs: number;
  /** Retries if a bridge did not respond with 200; undocumented, so none by default. */
  retries: number;
  retryDelayMs: number;
  /** Fraction of the webhooks, 0 to 1, that are sent again after they were answered. */
  duplicateRate: number;
  /** Fraction of the webhooks, 0 to 1, that a later one of the same conversation overtakes. */
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
