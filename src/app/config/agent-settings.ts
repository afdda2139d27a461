/** The key `nats.agent`: Gatehouse as an agent of the public agent protocol on NATS (docs/agents.md). */
import { z } from 'zod';

const token = z.string().regex(/^[a-z0-9_-]{1,63}$/, 'must match [a-z0-9_-]{1,63}');

export const agentSchema = z
  .strictObject({
    name: token
      .default('gatehouse')
      .describe('Kind of the agent, the third token of its subjects.'),
    owner: token.describe('Who runs the agent, the fourth token.'),
    session: token.default('main').describe('Session that the agent serves, the fifth token.'),
    user: z.string().min(1).max(256).describe('User or person whose messages the prompts are.'),
  })
  .nullable()
  .default(null)
  .describe('Answers the agent protocol on NATS (docs/agents.md); null: off.');
