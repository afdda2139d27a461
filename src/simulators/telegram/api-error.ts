/** A refusal of the API: `{ok: false, error_code, description, parameters?}` with the code as HTTP status. */
export interface ErrorParameters {
  /** Seconds. */
  retry_after?: number;
  migrate_to_chat_id?: number;
}

export class ApiError extends Error {
  readonly code: number;
  readonly parameters: ErrorParameters | null;

  /** @param description as sent, with its prefix: `Bad Request: chat not found` */
  constructor(code: number, description: string, parameters: ErrorParameters | null = null) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

/** The server's own texts begin in lower case after the prefix; codes of the core server stay as they are. */
export const badRequest = (description: string): ApiError =>
  new ApiError(
    400,
    `Bad Request: ${/^.[A-Z_]/.test(description) ? description : lowerFirst(description)}`,
  );

export const forbidden = (description: string): ApiError =>
  new ApiError(403, `Forbidden: ${description}`);

export const tooManyRequests = (seconds: number): ApiError =>
  new ApiError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
