/**
 * Every error that a user or a client program can receive, in one table (docs/errors.md lists exactly these).
 *
 * kind `terminal`: the same request will fail again. `retryable`: it may succeed later. `indoubt`: it may have taken
 * effect. `bug`: a fault in Gatehouse. `status` is the HTTP status of the problem document.
 */
export type ErrorKind = 'terminal' | 'retryable' | 'indoubt' | 'bug';

interface ErrorEntry {
  kind: ErrorKind;
  status: number;
  title: string;
}

const entry = (kind: ErrorKind, status: number, title: string): ErrorEntry => ({
  kind,
  status,
  title,
});

export const errorTable = {
  // Requests
  GH_REQUEST_NOT_JSON: entry('terminal', 400, 'The body is not JSON'),
  GH_REQUEST_INVALID: entry('terminal', 400, 'The request does not fit its schema'),
  GH_REQUEST_EMPTY: entry('terminal', 400, 'The message is empty'),
  GH_REQUEST_TOO_LONG: entry('terminal', 400, 'The message is too long'),
  GH_REQUEST_TOO_LARGE: entry('terminal', 413, 'The body is too large'),
  GH_REQUEST_TOO_MANY: entry('retryable', 429, 'Too many requests at once'),
  GH_REQUEST_UNAUTHORIZED: entry('terminal', 401, 'A valid API key is needed'),
  GH_REQUEST_FORBIDDEN: entry('terminal', 403, 'This key may not do that'),
  GH_REQUEST_NOT_FOUND: entry('terminal', 404, 'There is nothing at this address'),
  GH_PICTURE_REFUSED: entry('terminal', 400, 'The picture cannot be taken'),
  // Sessions
  GH_SESSION_CODE: entry('terminal', 401, 'The code is not valid'),
  GH_SESSION_ORIGIN: entry('terminal', 403, 'The request does not come from the page itself'),
  GH_SESSION_NOT_FOUND: entry('terminal', 404, 'There is no such session'),
  GH_SESSION_NO_KEYS: entry('terminal', 409, 'Nobody can be signed in: there are no keys'),
  // Jobs
  GH_JOB_NOT_FOUND: entry('terminal', 404, 'There is no such job'),
  GH_JOB_CONFLICT: entry('terminal', 409, 'The job is not in a state that allows this'),
  GH_JOB_QUEUE_FULL: entry('retryable', 429, 'Too many jobs are waiting'),
  GH_JOB_TIMEOUT: entry('retryable', 504, 'A step of the job took longer than its limit'),
  GH_JOB_FAILED: entry('retryable', 500, 'The job could not be answered'),
  GH_JOB_BUG: entry('bug', 500, 'The job failed because of a fault in Gatehouse'),
  GH_JOB_VERSION: entry('terminal', 500, 'The job was stored by a version that cannot be resumed'),
  // Schedules
  GH_SCHEDULE_NOT_FOUND: entry('terminal', 404, 'There is no such schedule'),
  GH_SCHEDULE_CONFLICT: entry('terminal', 409, 'The schedule is not in a state that allows this'),
  GH_SCHEDULE_INVALID: entry('terminal', 400, 'The schedule has no valid time'),
  GH_SCHEDULE_LIMIT: entry('terminal', 429, 'The person has too many schedules'),
  // Storage
  GH_STORE_UNAVAILABLE: entry('retryable', 503, 'The message could not be stored'),
  GH_STORE_CONFLICT: entry(
    'retryable',
    503,
    'The data changed again with each attempt to change it',
  ),
  GH_STORE_LOCKED: entry('terminal', 503, 'Another process owns the database'),
  GH_STORE_READ_ONLY: entry('terminal', 503, 'The database cannot be written'),
  GH_STORE_OPEN: entry('terminal', 503, 'The database cannot be opened'),
  GH_STORE_NEWER: entry('terminal', 503, 'The database was made by a newer version'),
  GH_STORE_OLDER: entry('terminal', 503, 'The database was made by an older version'),
  GH_STORE_CORRUPT: entry('terminal', 503, 'The database is damaged'),
  GH_STORE_UNREACHABLE: entry('retryable', 503, 'The database server cannot be reached'),
  GH_STORE_LOGIN: entry('terminal', 503, 'The database server refused the login'),
  GH_STORE_UNKNOWN: entry('indoubt', 503, 'It is not known whether the message was stored'),
  GH_STORE_FENCED: entry('retryable', 503, 'Another process has taken over this work'),
  GH_STORE_REJECTED: entry('terminal', 500, 'The database does not take these data'),
  GH_STORE_TARGET: entry('terminal', 500, 'The copy of the database cannot be written'),
  GH_STORE_COPY: entry('terminal', 500, 'The copy of the database is not complete'),
  // Search
  GH_SEARCH_EXTENSION: entry('terminal', 503, 'The extension for vectors cannot be used'),
  // Backends
  GH_BACKEND_UNAVAILABLE: entry('retryable', 503, 'The model server gave no answer'),
  GH_BACKEND_UNKNOWN: entry('terminal', 400, 'There is no backend of this name'),
  GH_BACKEND_NO_VISION: entry('terminal', 400, 'No model here takes this picture'),
  GH_BACKEND_BUSY: entry('retryable', 429, 'Too many requests wait for this model server'),
  GH_BACKEND_INPUT: entry('terminal', 400, 'The model server cannot work with this request'),
  GH_BACKEND_REFUSED: entry('terminal', 502, 'The model server refused the request'),
  GH_BACKEND_UNREADABLE: entry('retryable', 502, 'The answer of the model could not be read'),
  // Tools
  GH_TOOL_UNKNOWN: entry('terminal', 400, 'There is no such tool or operation'),
  GH_TOOL_FAILED: entry('retryable', 502, 'The tool failed'),
  GH_TOOL_INPUT: entry('terminal', 400, 'The tool cannot work with these values'),
  GH_TOOL_TIMEOUT: entry('retryable', 504, 'The tool gave no answer within its limit'),
  GH_TOOL_UNREACHABLE: entry('retryable', 502, 'The server behind the tool cannot be reached'),
  GH_TOOL_LOGIN: entry('terminal', 502, 'The server behind the tool refused the login'),
  GH_TOOL_REFUSED: entry('terminal', 502, 'The server behind the tool refused the request'),
  GH_TOOL_UNREADABLE: entry(
    'retryable',
    502,
    'The answer of the server behind the tool cannot be read',
  ),
  GH_TOOL_UNCERTAIN: entry('indoubt', 504, 'It is not known whether the entry was written'),
  GH_TOOL_NOT_CONFIGURED: entry('terminal', 501, 'This tool is not configured'),
  GH_TOOL_NOT_FOUND: entry('terminal', 404, 'The tool knows no such folder or calendar'),
  GH_TOOL_ONE_DRAFT: entry('terminal', 409, 'Only one draft can wait at a time'),
  GH_TOOL_NOT_LOCAL: entry('terminal', 409, 'The calendar is kept by another server'),
  // MCP servers
  GH_MCP_QUARANTINED: entry('terminal', 409, 'The definition of the tool has changed'),
  GH_MCP_PINS: entry('terminal', 500, 'The accepted definitions cannot be read or written'),
  GH_MCP_LOGINS: entry('terminal', 500, 'The logins at MCP servers cannot be read or written'),
  GH_MCP_UNKNOWN: entry('terminal', 404, 'There is no MCP server of this id'),
  // NATS
  GH_BUS_UNREACHABLE: entry('retryable', 503, 'The NATS server cannot be reached'),
  GH_BUS_REFUSED: entry('terminal', 503, 'The NATS server refused the credentials'),
  GH_BUS_NO_SERVER: entry('terminal', 503, 'There is no nats-server to start'),
  GH_BUS_NO_JETSTREAM: entry('terminal', 503, 'The NATS server has no JetStream'),
  GH_BUS_STREAM: entry('terminal', 503, 'A stream has other settings than Gatehouse needs'),
  GH_BUS_TOO_LARGE: entry('terminal', 413, 'The answer is larger than the NATS server carries'),
  // Several workers
  GH_CLUSTER_WORKER: entry('terminal', 503, 'Another worker has this name'),
  GH_CLUSTER_SETTINGS: entry('terminal', 503, 'This worker has other settings than the cluster'),
  // Gate proxy
  GH_GATE_UNFENCED: entry('terminal', 403, 'The request has no permit of a gate'),
  GH_GATE_STALE: entry('retryable', 409, 'The permit of the request is not valid any more'),
  GH_GATE_FULL: entry('retryable', 503, 'The model server runs as many requests as it can'),
  GH_GATE_UPSTREAM: entry('retryable', 502, 'The model server cannot be reached'),
  // Chat bridge
  GH_BRIDGE_NOT_CONFIGURED: entry('terminal', 500, 'The bridge has no chat to serve'),
  GH_BRIDGE_NO_USERS: entry('terminal', 500, 'Nobody is allowed to talk to the bot'),
  GH_BRIDGE_TOKEN: entry('terminal', 401, 'The token is not the one of a bot'),
  GH_BRIDGE_USER: entry('terminal', 403, 'This person may not talk to the assistant'),
  GH_BRIDGE_SLOW: entry('retryable', 408, 'The body did not come in time'),
  GH_BRIDGE_UNCERTAIN: entry('indoubt', 502, 'It is not known whether the reply is in the chat'),
  GH_BRIDGE_DEAD: entry('terminal', 502, 'The chat did not take the reply'),
  // Documents
  GH_DOCUMENT_NOT_FOUND: entry('terminal', 404, 'There is no such document'),
  GH_MEMO_NOT_FOUND: entry('terminal', 404, 'There is no such memo'),
  GH_DRAFT_NOT_FOUND: entry('terminal', 404, 'This document waits for no draft'),
  GH_DRAFT_NONE: entry('terminal', 409, 'The document has no draft to decide on'),
  GH_DRAFT_CHANGED: entry('terminal', 409, 'The draft or its memo has changed meanwhile'),
  GH_DRAFT_EMPTY: entry('retryable', 502, 'The model gave no text for the draft'),
  GH_DRAFT_TRUNCATED: entry('retryable', 502, 'The draft was cut at the limit of the answer'),
  GH_DRAFT_TOO_LONG: entry('terminal', 413, 'The memo is too long to be drafted'),
  GH_DRAFT_INTERRUPTED: entry('retryable', 500, 'The process ended while it drafted'),
  // Memory
  GH_MEMORY_NOT_FOUND: entry('terminal', 404, 'There is no such fact'),
  GH_MEMORY_INVALID: entry('terminal', 400, 'This is no fact to remember'),
  GH_MEMORY_LIMIT: entry('terminal', 429, 'The person has too many facts'),
  // Persons
  GH_PERSON_UNKNOWN: entry('terminal', 404, 'There is no such person, or no id of theirs there'),
  GH_PERSON_BUSY: entry('terminal', 409, 'The person has open jobs'),
  GH_PERSON_SHARED: entry('terminal', 409, 'The data is not of one person alone'),
  // Configuration and start
  GH_CONFIG_INVALID: entry('terminal', 500, 'The configuration is not valid'),
  GH_SERVER_PORT: entry('terminal', 500, 'The address cannot be listened on'),
  GH_SERVER_STOPPING: entry('retryable', 503, 'The server is stopping'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

export class GatehouseError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly status: number;
  /** Delay before a retry, where it is known. */
  readonly retryAfterMs: number | null;
  /** Set when a backend caused the error. */
  readonly errorReason: string | null;
  /** The request field at fault, where it is a single field. */
  readonly param: string | null;

  constructor(
    code: ErrorCode,
    message: string = errorTable[code].title,
    more: {
      cause?: unknown;
      retryAfterMs?: number | null;
      errorReason?: string;
      param?: string;
    } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = 'GatehouseError';
    this.code = code;
    this.kind = errorTable[code].kind;
    this.status = errorTable[code].status;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.errorReason = more.errorReason ?? null;
    this.param = more.param ?? null;
  }
}

/** The message of any thrown value, for logs and for stored failures. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
