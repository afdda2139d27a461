/**
 * The subjects of the agent protocol. They are outside of the prefix of Gatehouse: every program that knows the protocol
 * finds them.
 *
 * S1 (src/shared/wire/subjects.ts) holds here too: the configuration allows only `[a-z0-9_-]{1,63}` in the tokens.
 */

/** `nats.agent` of the configuration. */
export interface AgentConfig {
  /** First token: the kind of the agent. */
  name: string;
  owner: string;
  session: string;
  /** Whose messages the prompts are. */
  user: string;
}

export interface AgentSubjects {
  readonly prompt: string;
  readonly status: string;
  readonly heartbeat: string;
  /** Where the answer to one question is expected. */
  answer(questionId: string): string;
}

const root = 'agents';

export function createAgentSubjects({ name, owner, session }: AgentConfig): AgentSubjects {
  const subject = (verb: string): string => [root, verb, name, owner, session].join('.');
  return {
    prompt: subject('prompt'),
    status: subject('status'),
    heartbeat: subject('hb'),
    answer: (questionId) => `${subject('answer')}.${questionId}`,
  };
}

/** A prompt whose answer went to such a subject would be a prompt, an answer or a heartbeat itself. */
export const isAgentSubject = (subject: string): boolean => subject.startsWith(`${root}.`);
