/** Parses the Prometheus text format, and metric names in expressions. */

export interface Family {
  name: string;
  type: string;
  help: string;
  /** The label names of its samples, without `le`. */
  labels: Set<string>;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** The metric families of a text, by name. */
export function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind !== undefined) {
      const family = families.get(name) ?? {
        name,
        type: '',
        help: '',
        labels: new Set(),
        samples: [],
      };
      families.set(name, family);
      if (kind === 'HELP') family.help = rest;
      else family.type = rest;
      continue;
    }
    const [, sample = '', inner = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (value === undefined) continue;
    const labels = Object.fromEntries(
      [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, held]) => [key!, held!]),
    );
    const family =
      families.get(sample) ?? families.get(sample.replace(/_(?:bucket|sum|count)$/, ''))!;
    family.samples.push({ name: sample, labels, value: Number(value) });
    for (const label of Object.keys(labels)) if (label !== 'le') family.labels.add(label);
  }
  return families;
}

/** The value of one sample; 0 if there is none. */
export function valueOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  const found = family?.samples.find(
    (one) =>
      one.name === name && Object.entries(labels).every(([key, held]) => one.labels[key] === held),
  );
  return found?.value ?? 0;
}

/** All metric names of Gatehouse, Node.js and the process in an expression. */
export const namesIn = (expression: string): string[] => [
  ...new Set(expression.match(/\b(?:gatehouse|nodejs|process)_[a-z0-9_]+/g)),
];

/** The family of a metric name in an expression; for a histogram this is the name of a part. */
export const familyName = (families: Map<string, Family>, name: string): string | null => {
  if (families.has(name)) return name;
  const bare = name.replace(/_(?:bucket|sum|count)$/, '');
  return families.get(bare)?.type === 'histogram' ? bare : null;
};
