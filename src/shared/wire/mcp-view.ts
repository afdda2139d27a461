/** The state of an MCP server, for operators. */
import { z } from 'zod';

export const mcpServerSchema = z.strictObject({
  id: z.string(),
  transport: z.enum(['stdio', 'http']),
  state: z
    .enum(['idle', 'starting', 'ready', 'failing', 'open'])
    .describe(
      'idle: stopped until it is needed; failing: waits for its next start; open: left alone for minutes after several failures.',
    ),
  problem: z.string().nullable().describe('Why its last start failed.'),
  protocol_version: z.string().nullable(),
  starts: z.int().describe('Starts since the core has started.'),
  failures: z.int().describe('Failures in a row.'),
  login: z
    .enum(['logged_in', 'needed'])
    .nullable()
    .describe('needed: a person has to log in, or to log in again; null: no login by OAuth.'),
  users: z.array(z.string()).nullable().describe('null: all users.'),
  tools: z
    .array(
      z.strictObject({
        name: z.string(),
        effect: z.enum(['reads', 'writes']).describe('writes: asks a person before each call.'),
        is_tightened: z
          .boolean()
          .describe('Listed as a read, but asks because of the hints of the server.'),
        state: z
          .enum(['unknown', 'ready', 'quarantined', 'missing'])
          .describe('unknown: the server has not given its list of tools yet.'),
        changed: z
          .array(z.string())
          .describe('Of a quarantined tool: parts that differ from the accepted definition.'),
        accepted_at: z.iso.datetime().nullable(),
        hash: z.string().nullable().describe('SHA-256 of the accepted definition.'),
      }),
    )
    .describe('The tools that the configuration lists.'),
});

export type McpServerView = z.infer<typeof mcpServerSchema>;
