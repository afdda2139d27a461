/** Accepts tools one after another, beside other processes that do the same. */
import { openToolPins } from '#mcp/tool-pins';

const [path = '', server = '', count = ''] = process.argv.slice(2);
const pins = openToolPins(path, () => Date.now());
for (let index = 0; index < Number(count); index += 1) {
  pins.accept(server, [{ name: `tool-${index}`, inputSchema: { type: 'object' } }]);
}
