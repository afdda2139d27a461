/** A core that kills itself at a fault point. Arguments: the configuration as JSON, and the point or `none`. */
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import { silentLog } from '#shared/log';

const [config = '{}', point = 'none'] = process.argv.slice(2);
const core = await startCore({
  config: configSchema.parse(JSON.parse(config)),
  log: silentLog(),
  faults: {
    reach: (reached) => {
      if (reached === point) process.kill(process.pid, 'SIGKILL');
    },
  },
});
console.log(core.url);
