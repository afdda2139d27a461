/** The page's files, and the headers that go with them. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { jobStateRows } from '#machines/job-states';
import { readPage, type PageAsset } from '#shared/page-assets';

/** `hasKeys`: the page asks for a key before it loads anything else. */
export function readAssets(hasKeys: boolean): ReadonlyMap<string, PageAsset> {
  const assets = readPage(join(import.meta.dirname, '..', 'page'));
  const replace = (name: string, text: string): void => {
    assets.set(name, { ...assets.get(name)!, body: Buffer.from(text) });
  };
  // The states of the job machine, in place of their declaration.
  replace('job-states.js', `export const jobStates = ${JSON.stringify(jobStateRows)};\n`);
  // Without preload links the browser would find the modules one import after another.
  const links = [...assets.keys()]
    .filter((name) => name.endsWith('.js'))
    .map((name) => `<link rel="modulepreload" href="/inspect/assets/${name}" />`);
  const page = assets.get('index.html')!.body.toString('utf8');
  const body = hasKeys ? '<body data-needs-key>' : '<body>';
  replace(
    'index.html',
    page.replace('</head>', `${links.join('')}</head>`).replace('<body>', body),
  );
  return assets;
}

export const etagOf = ({ body }: PageAsset): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
