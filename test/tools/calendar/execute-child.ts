/**
 * A process that confirms a draft and is killed at a fault point of it.
 * Arguments: the fault point, the effect key, and JSON with the CalDAV setting or the path of a database.
 */
import type { FaultInjector } from '#shared/fault-points';
import { caldavRegistry, type CaldavSetting } from './caldav-setting.ts';
import { localCalendar } from './local-calendar-setting.ts';
import { contextOf } from '../tool-context.ts';

const [point, key = '', json = '{}'] = process.argv.slice(2);
const setting = JSON.parse(json) as CaldavSetting | { path: string };
const faults: FaultInjector = {
  reach: (at) => {
    if (at === point) process.kill(process.pid, 'SIGKILL');
  },
};
const registry =
  'path' in setting
    ? (await localCalendar({ path: setting.path, faults })).registry
    : caldavRegistry({ ...setting, faults });
const draft = {
  tool: 'calendar',
  operation: 'create_confirmed',
  params: { title: '치과', date: '2026-11-25', time: '14:00' },
  summary: '',
};
const result = await registry.execute(draft, contextOf({ key }));
process.stdout.write(JSON.stringify(result));
