/** The section `mcp` of the configuration. */
import { z } from 'zod';
import {
  count,
  folderPath,
  nonEmptyString,
  optionalSection,
  timerMs,
  urlWithoutCredentials,
} from '#shared/config-fields';
import { oauthSchema } from './oauth/oauth-settings.ts';

const server = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must match [a-z0-9][a-z0-9_-]{0,31}')
      .describe('Id of the server, in commands, drafts and logs.'),
    command: z
      .array(nonEmptyString)
      .min(1)
      .optional()
      .describe('Program and arguments of a server on standard input and output.'),
    env: z
      .record(nonEmptyString, z.string().meta({ writeOnly: true }))
      .default({})
      .describe('With command: its whole environment, besides PATH.'),
    cwd: folderPath.nullable().default(null).describe('With command: its working folder.'),
    url: urlWithoutCredentials(z.url({ protocol: /^https?$/ }))
      .optional()
      .describe('Address of a server on Streamable HTTP, instead of command.'),
    headers: z
      .record(nonEmptyString, z.string().meta({ writeOnly: true }))
      .default({})
      .describe('With url: sent with each request.'),
    oauth: oauthSchema.optional().describe('With url: the server wants a login (OAuth).'),
    trusted: z
      .boolean()
      .default(false)
      .describe(
        'true: a write that the server calls idempotent is tried a second time if its answer was lost.',
      ),
    reads: z.array(nonEmptyString).default([]).describe('Tools that run without a question.'),
    writes: z
      .array(nonEmptyString)
      .default([])
      .describe('Tools that run after the confirmation of a person.'),
    words: z
      .record(nonEmptyString, z.array(nonEmptyString))
      .default({})
      .describe('More words by which messages find a tool, by the name of the tool.'),
    users: z
      .array(nonEmptyString)
      .optional()
      .describe('Users that may use it; default: all users.'),
  })
  .superRefine(({ command, url, headers, oauth, reads, writes }, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if ((command === undefined) === (url === undefined)) refuse('command', 'needs command or url');
    if (oauth !== undefined && url === undefined) refuse('oauth', 'needs url');
    const hasKey = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
    if (oauth !== undefined && hasKey) refuse('oauth', 'excludes the header authorization');
    if (reads.some((name) => writes.includes(name))) {
      refuse('reads', 'a tool is in reads and writes');
    }
  });

export const mcpSchema = optionalSection({
  servers: z
    .array(server)
    .superRefine((servers, context) => {
      const ids = servers.map(({ id }) => id);
      const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index);
      if (twice < 0) return;
      context.addIssue({
        code: 'custom',
        path: [twice, 'id'],
        message: 'must be an id of its own',
      });
    })
    .default([])
    .describe('MCP servers. Only the listed tools exist.'),
  limits: optionalSection({
    callTimeoutMs: timerMs(30_000, 100).describe('Timeout of a call.'),
    resultChars: count(8_000).describe('Maximum characters of a result.'),
    toolsOffered: count(8, 0).describe('Tools that a model is offered for one message.'),
    promptChars: count(4_000, 0).describe('Characters that they add to its prompt.'),
  }),
});

export type McpSettings = z.infer<typeof mcpSchema>;
export type McpServerSettings = McpSettings['servers'][number];

/** npx loads a package at its first start. */
export const startTimeoutMs = 20_000;

/** Longest time of a call, with the start of its server; 0 without servers. */
export const mcpLimitMs = ({ servers, limits }: McpSettings): number =>
  servers.length === 0 ? 0 : startTimeoutMs + limits.callTimeoutMs;
