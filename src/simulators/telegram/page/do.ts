/** Sends an action of the user to the simulated Telegram. */
import { act as send } from '../../page/act.ts';
import type { PageAction } from '../page-actions.ts';

/** Resolves to whether it was done. */
export const act = (action: PageAction): Promise<boolean> => send(action);
