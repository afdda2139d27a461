/**
 * The remedy for each error: one sentence for the user or the client program. docs/errors.md shows it beside the code.
 */
import type { ErrorCode } from './errors.ts';

export const remedies: Readonly<Record<ErrorCode, string>> = {
  GH_REQUEST_NOT_JSON: 'Send UTF-8 JSON; check quotes and the trailing comma with a JSON linter.',
  GH_REQUEST_INVALID:
    'The message names the field; docs/openapi.json has the schema of each route.',
  GH_REQUEST_EMPTY: 'Send a message with at least one visible character.',
  GH_REQUEST_TOO_LONG:
    'Shorten the message, import the text as a document, or raise `jobs.messageMaxChars`.',
  GH_REQUEST_TOO_LARGE: 'Send less at once; files belong into `gatehouse import`.',
  GH_REQUEST_TOO_MANY: 'Wait as long as `Retry-After` says; the operator sets `server.limits`.',
  GH_REQUEST_UNAUTHORIZED:
    'Send `Authorization: Bearer KEY` with a key of `server.apiKeys`; without keys use a loopback address.',
  GH_REQUEST_FORBIDDEN: 'Use the key of the person concerned, or the operator’s key.',
  GH_REQUEST_NOT_FOUND: 'Check the path and the method against docs/openapi.json.',
  GH_SESSION_CODE:
    'Ask for a new code: each works once and for some minutes, and wrong tries withdraw it. `gatehouse invite PERSON` makes one.',
  GH_SESSION_ORIGIN:
    'Open the page at its own address; behind a proxy set `server.publicUrl`. Programs send a key.',
  GH_SESSION_NOT_FOUND: 'Check the id with `gatehouse sessions`; it may have ended already.',
  GH_SESSION_NO_KEYS:
    'Set `server.apiKeys` or a key of a person; without keys everybody on this machine is the operator.',
  GH_PICTURE_REFUSED:
    'Send PNG, JPEG, WebP or GIF as a data URL, within `pictures.maxCount` and `pictures.maxBytes` (docs/attachments.md).',
  GH_JOB_NOT_FOUND: 'Check the id; ended jobs are removed after `conversation.retentionDays`.',
  GH_JOB_CONFLICT: 'Read the job again: it has ended, or its draft was already decided or changed.',
  GH_JOB_QUEUE_FULL: 'Wait as long as `Retry-After` says, or raise `jobs.maxQueued`.',
  GH_JOB_TIMEOUT:
    'Ask again; if it stays, see the load of the model server, or raise the limit under `jobs`.',
  GH_JOB_FAILED: 'Ask again; `gatehouse jobs show ID` names the cause.',
  GH_JOB_BUG: 'Report it with the log line; the message can be sent again.',
  GH_JOB_VERSION: 'Ask again; before an upgrade let open jobs end.',
  GH_SCHEDULE_NOT_FOUND:
    'Check the id with `gatehouse schedules`; ended schedules are removed after `conversation.retentionDays`.',
  GH_SCHEDULE_CONFLICT: 'Read the schedule again: it has ended or was cancelled.',
  GH_SCHEDULE_INVALID: 'The message says what is wrong; docs/schedules.md describes the rules.',
  GH_SCHEDULE_LIMIT: 'Cancel a schedule, or raise `schedules.perUserMax`.',
  GH_STORE_UNAVAILABLE:
    'Check the free space and the log: a full disk, or a database file that was moved or deleted.',
  GH_STORE_CONFLICT: 'Send the request again.',
  GH_STORE_LOCKED: 'Stop the other process, or give this one a database of its own.',
  GH_STORE_READ_ONLY:
    'Give the user of the process the right to write the file and its folder; on a server, name its primary and grant the right to create tables.',
  GH_STORE_OPEN:
    'Check the path or address in `database`; what belongs to another program is left as it is.',
  GH_STORE_NEWER: 'Run the newer version, or restore a backup made before the upgrade.',
  GH_STORE_OLDER: 'Start this version once with the database: the start upgrades it.',
  GH_STORE_CORRUPT: 'Stop Gatehouse and restore the last backup: `gatehouse restore FILE`.',
  GH_STORE_UNREACHABLE:
    'Start the database server, and check the hosts of its address, the network and `max_connections`.',
  GH_STORE_LOGIN: 'Check user and password of the database, and `pg_hba.conf` of its server.',
  GH_STORE_UNKNOWN: 'Send the message again with the same idempotency key: it is answered once.',
  GH_STORE_FENCED: 'Send the request again: the process that has taken over answers it.',
  GH_STORE_REJECTED: 'Report it with the log line; only this message is concerned.',
  GH_STORE_TARGET:
    'Name a file that does not exist yet, in a folder with room and the right to write, or an empty database on a server.',
  GH_STORE_COPY:
    'Run `gatehouse migrate` again: it goes on where it stopped. If the two databases differ, empty the target first.',
  GH_SEARCH_EXTENSION:
    'Install sqlite-vec or pgvector as the message says, or set `search.embeddings` to null. Until then documents are found by their words.',
  GH_BACKEND_UNAVAILABLE:
    'Start the model server, check `backends[].baseUrl`, then `gatehouse doctor`.',
  GH_BACKEND_UNKNOWN: 'Use a name of `GET /backends`.',
  GH_BACKEND_NO_VISION:
    'Name a model that takes pictures, or set `vision: true` on a backend whose model does (docs/attachments.md).',
  GH_BACKEND_BUSY: 'Wait, or raise `gates.maxQueue` or the `concurrency` of the backend.',
  GH_BACKEND_INPUT: 'Change the request: the model cannot read this kind of input.',
  GH_BACKEND_REFUSED:
    'Check `backends[].model` and `apiKey`; `error_detail` has what the server said.',
  GH_BACKEND_UNREADABLE:
    'Ask again; if it stays, check `backends[].kind` and the version of the server.',
  GH_TOOL_UNKNOWN: 'Name a tool and an operation of docs/tools.md.',
  GH_TOOL_FAILED: 'Ask again; the log names the cause.',
  GH_TOOL_INPUT: 'Say the date, the time or the title again, more plainly.',
  GH_TOOL_TIMEOUT:
    'Ask again; if it stays, check the server behind the tool or raise `jobs.toolTimeoutMs`.',
  GH_TOOL_UNREACHABLE:
    'Check address, port and network of the server; `gatehouse doctor` tries it.',
  GH_TOOL_LOGIN: 'Check user name and password; many providers want an app password.',
  GH_TOOL_REFUSED:
    'Check the rights of the account; `gatehouse doctor` says what the server answered.',
  GH_TOOL_UNREADABLE:
    'Check that the address is the one of the service itself and not of its web page.',
  GH_TOOL_UNCERTAIN: 'Look into the calendar before the entry is asked for again.',
  GH_TOOL_NOT_CONFIGURED: 'Add the section under `tools` to the configuration.',
  GH_TOOL_NOT_FOUND: 'Use one of the names in the answer, or configure the name under `tools`.',
  GH_TOOL_ONE_DRAFT: 'Answer the waiting draft with yes or no first.',
  GH_TOOL_NOT_LOCAL: 'Import into the calendar server itself.',
  GH_MCP_QUARANTINED:
    'Look at the change with `gatehouse mcp`, then accept it with `gatehouse mcp accept ID`.',
  GH_MCP_PINS:
    'Check the rights of the file `mcp-tools.json` in the data folder; delete it to accept all definitions anew.',
  GH_MCP_LOGINS:
    'Check the rights of the file `mcp-logins.json` in the data folder; delete it to log in anew with `gatehouse mcp login ID`.',
  GH_MCP_UNKNOWN: 'Check the id against `mcp.servers` of the configuration.',
  GH_BUS_UNREACHABLE:
    'Start nats-server, check `nats.url` and the certificate; jobs go on meanwhile.',
  GH_BUS_REFUSED:
    'Check `nats.user`, `password`, `token` or `credsFile`, and the permissions in deploy/nats.',
  GH_BUS_NO_SERVER: 'Install nats-server or set `nats.url`; `nats.mode: off` runs without.',
  GH_BUS_NO_JETSTREAM: 'Start nats-server with `-js` and give the account JetStream.',
  GH_BUS_STREAM: 'Compare the stream with docs/events.md, or delete it: it is made anew.',
  GH_BUS_TOO_LARGE: 'Ask for fewer entries, or raise `max_payload` of nats-server.',
  GH_CLUSTER_WORKER:
    'Give each worker its own `cluster.workerId`, or none; a process that has just ended is forgotten after `cluster.goneAfterMs`.',
  GH_CLUSTER_SETTINGS:
    'Give all workers the settings that the message names; to change them, stop all workers first.',
  GH_GATE_UNFENCED:
    'Send requests through Gatehouse, or start `gatehouse gate-proxy` with `--allow-unfenced`.',
  GH_GATE_STALE: 'Nothing: the worker that has the slot now goes on.',
  GH_GATE_FULL: 'Try again in a moment, or raise `--concurrency` of the gate proxy.',
  GH_GATE_UPSTREAM: 'Start the model server, or correct `--target` of the gate proxy.',
  GH_BRIDGE_NOT_CONFIGURED:
    'Set `synology.incomingUrl` and `synology.token` (docs/synology.md), or `telegram.token` (docs/telegram.md).',
  GH_BRIDGE_NO_USERS: 'Add the chat’s user numbers to `allowedUserIds` of its section.',
  GH_BRIDGE_TOKEN: 'Copy the token of the bot again from Synology Chat.',
  GH_BRIDGE_USER: 'Add the number of the person to `allowedUserIds` of the chat’s section.',
  GH_BRIDGE_SLOW: 'Check the network between the NAS and the bridge; the NAS sends again.',
  GH_BRIDGE_UNCERTAIN: 'Look into the chat before the question is asked again.',
  GH_BRIDGE_DEAD: '`gatehouse doctor` tries the chat; then ask again.',
  GH_DOCUMENT_NOT_FOUND:
    'Check the id; a deleted document is gone after `conversation.retentionDays`.',
  GH_MEMO_NOT_FOUND: 'Check the id with `gatehouse memos`.',
  GH_DRAFT_NOT_FOUND: 'Promote the memo first: `gatehouse memos promote ID`.',
  GH_DRAFT_NONE: 'Wait until the draft is made, or ask for it again.',
  GH_DRAFT_CHANGED: 'Read the draft again and decide on its present version.',
  GH_DRAFT_EMPTY: 'It is tried again by itself; else check the model of `roles.drafter`.',
  GH_DRAFT_TRUNCATED: 'It is tried again by itself; else use a model with a larger context.',
  GH_DRAFT_TOO_LONG: 'Split the memo.',
  GH_DRAFT_INTERRUPTED: 'Nothing: it is drafted again.',
  GH_MEMORY_NOT_FOUND: 'Take an id of `gatehouse memory list`.',
  GH_MEMORY_INVALID: 'Write one or two sentences, of 500 characters at most.',
  GH_MEMORY_LIMIT: 'Forget some with `gatehouse memory forget`, or raise `memory.perUserMax`.',
  GH_PERSON_UNKNOWN: 'Name a person and a channel of `persons`; `gatehouse persons` lists them.',
  GH_PERSON_BUSY:
    'Start the core, let the jobs end, or answer or cancel them, stop it, and run the command again.',
  GH_PERSON_SHARED:
    'Leave the data under its id: an id that two people have in two chats cannot be divided. Export what one of them needs before the change.',
  GH_CONFIG_INVALID: 'The message names key and line; gatehouse.example.yaml shows every key.',
  GH_SERVER_PORT: 'Choose another `server.port`, or stop the process that uses it.',
  GH_SERVER_STOPPING: 'Send it again in a moment.',
};
