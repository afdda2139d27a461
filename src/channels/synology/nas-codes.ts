/**
 * Error codes of the NAS's web API, and how the bridge handles each.
 *
 * Sources: the common codes 100 to 160 of Synology's "DSM Login Web API Guide" (page 8), and Chat's own codes as found
 * by other bridges. Where both define a number, Chat's meaning is used: 404, 407, 409, 410 and 411 are codes of the
 * login API in the guide, and a bot never logs in.
 *
 * A code that is not in the table may concern the NAS or the post: it is `doubted`.
 */

/**
 * - `tooFast`, `tooLong`: concerns this post; sent again after a pause, or in halves
 * - `busy`: sent again after a pause, a few times
 * - `stopped`: the NAS accepts no posts at all; waited out
 * - `doubted`: waited out like `stopped`; final if the chat accepts another text meanwhile (reply-sender.ts)
 * - `refused`: final
 */
export type NasMeaning = 'tooFast' | 'tooLong' | 'busy' | 'stopped' | 'doubted' | 'refused';

interface NasCode {
  meaning: NasMeaning;
  title: string;
}

/** No API of this name: the Chat package has stopped, or has not started yet. */
export const chatStopped = 102;
/** Not specific; may come from a gateway in front of the NAS. */
export const unknownError = 100;

const busy: NasCode = { meaning: 'busy', title: 'the network is unstable or the system is busy' };

export const nasCodes: Readonly<Record<number, NasCode>> = {
  [unknownError]: { meaning: 'doubted', title: 'unknown error' },
  101: { meaning: 'refused', title: 'the payload is empty, or a parameter is missing' },
  [chatStopped]: { meaning: 'stopped', title: 'the Chat package does not run' },
  103: { meaning: 'doubted', title: 'no such method' },
  104: { meaning: 'doubted', title: 'this version does not support the method' },
  105: { meaning: 'refused', title: 'no permission' },
  106: { meaning: 'doubted', title: 'the session has timed out' },
  107: { meaning: 'doubted', title: 'the session was ended by another login' },
  108: { meaning: 'refused', title: 'the file could not be uploaded' },
  109: busy,
  110: busy,
  111: busy,
  114: { meaning: 'refused', title: 'parameters are missing' },
  115: { meaning: 'refused', title: 'the token is not in the form that Chat wants (%22…%22)' },
  116: { meaning: 'refused', title: 'not allowed on a demo site' },
  117: busy,
  118: busy,
  119: { meaning: 'doubted', title: 'no such session' },
  120: { meaning: 'refused', title: 'wrong format' },
  150: { meaning: 'refused', title: 'the request came from another address than the login' },
  160: { meaning: 'refused', title: 'no permission for the application' },
  404: { meaning: 'refused', title: 'Chat does not know this token: was the bot removed?' },
  407: { meaning: 'refused', title: 'the payload could not be read' },
  409: { meaning: 'refused', title: 'the file is too large' },
  410: { meaning: 'tooLong', title: 'the message is too long' },
  411: { meaning: 'tooFast', title: 'too fast' },
  800: { meaning: 'refused', title: 'no such person in the chat' },
};

/** Null: the NAS gave no code, or not an integer. */
export const meaningOf = (code: number | null): NasMeaning =>
  (code === null ? undefined : nasCodes[code]?.meaning) ?? 'doubted';

/** One line for the log and for the job's page. */
export function refusalText(code: number | null): string {
  if (code === null) return 'the NAS refused without a code';
  const title = nasCodes[code]?.title ?? 'a code that is not known';
  return `the NAS refused with code ${code}: ${title}`;
}
