/**
 * Positions the boxes and arrows of a chart with ELK's layered layout. It runs here and never in the browser (1.6 MB of
 * program, 100 MB of memory while it works). The only file that imports elkjs.
 */
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { ChartModel, ChartNode, EdgeKind } from './chart-model.ts';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

/** All coordinates in pixels from the top left corner of the chart. */
export interface ChartLayout {
  id: string;
  width: number;
  height: number;
  nodes: (Box & Omit<ChartNode, 'children' | 'initial'> & { depth: number; isCompound: boolean })[];
  /** Start points of arrows that leave from any state, and the dots before initial states. */
  marks: (Box & { kind: 'any' | 'initial' })[];
  edges: { key: string; kind: EdgeKind; points: Point[]; labels: (Box & { text: string })[] }[];
}

/** Fits the font of chart.css; Hangul and other wide characters take nearly twice the width. */
const titleCharWidth = 8;
const lineCharWidth = 6.2;
export const lineHeight = 14;
const titleHeight = 22;
const boxPadding = 12;
/** A larger minimum would let the box of a state with a long label push its neighbours off the page. */
const boxWidthMin = 96;

const options: Record<string, string> = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  // Absolute coordinates: without these two an edge is placed relative to the box that contains it.
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.edgeLabels.inline': 'true',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.layered.spacing.nodeNodeBetweenLayers': '28',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
};

const anyId = (model: ChartModel): string => model.id;
const initialId = (id: string): string => `${id}/initial`;

export async function layoutChart(model: ChartModel): Promise<ChartLayout> {
  // Loaded on demand: a core whose charts are all cached never loads it.
  const { default: elkModule } = await import('elkjs/lib/main.js');
  const elk = new elkModule.default();
  const placed = await elk.layout(graphOf(model));
  return readLayout(model, placed);
}

const textWidth = (text: string, charWidth: number): number =>
  Array.from(text).reduce((sum, char) => sum + (char > '\u1100' ? 1.75 : 1) * charWidth, 0);

const headHeight = (node: ChartNode): number => titleHeight + lineHeight * node.lines.length;

function elkNode(node: ChartNode): ElkNode {
  const width = Math.max(
    boxWidthMin,
    textWidth(node.title, titleCharWidth) + 2 * boxPadding,
    ...node.lines.map((line) => textWidth(line, lineCharWidth) + 2 * boxPadding),
  );
  const height = headHeight(node) + boxPadding;
  if (node.children.length === 0) return { id: node.id, width, height };
  return {
    id: node.id,
    children: [dot(node.id), ...node.children.map(elkNode)],
    layoutOptions: {
      'elk.padding': `[top=${height + 8},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
  };
}

const dot = (id: string): ElkNode => ({ id: initialId(id), width: 12, height: 12 });

function graphOf(model: ChartModel): ElkNode {
  const edges: ElkExtendedEdge[] = [];
  const addInitial = (id: string, first: string): void =>
    void edges.push({ id: `${id}/start`, sources: [initialId(id)], targets: [first] });
  const visit = (node: ChartNode): void => {
    if (node.initial !== null) addInitial(node.id, `${node.id}.${node.initial}`);
    node.children.forEach(visit);
  };
  addInitial(model.id, model.nodes[0]!.id);
  model.nodes.forEach(visit);
  for (const { key, source, target, labels } of model.edges) {
    edges.push({
      id: key,
      sources: [source],
      targets: [target],
      labels: labels.map((text, index) => ({
        id: `${key}/${index}`,
        text,
        width: textWidth(text, lineCharWidth) + 6,
        height: lineHeight,
      })),
    });
  }
  const isLeftFromAnywhere = model.edges.some(({ source }) => source === anyId(model));
  const any: ElkNode[] = isLeftFromAnywhere ? [{ id: anyId(model), width: 84, height: 24 }] : [];
  return {
    id: 'chart',
    layoutOptions: options,
    children: [dot(model.id), ...model.nodes.map(elkNode), ...any],
    edges,
  };
}

const boxOf = ({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box => ({
  x: Math.round(x),
  y: Math.round(y),
  width: Math.round(width),
  height: Math.round(height),
});

function readLayout(model: ChartModel, placed: ElkNode): ChartLayout {
  const { width, height } = boxOf(placed);
  const layout: ChartLayout = { id: model.id, width, height, nodes: [], marks: [], edges: [] };
  const byId = new Map<string, ElkNode>();
  const index = (node: ElkNode): void => {
    byId.set(node.id, node);
    node.children?.forEach(index);
  };
  index(placed);
  const mark = (id: string, kind: 'any' | 'initial'): void => {
    const found = byId.get(id);
    if (found !== undefined) layout.marks.push({ ...boxOf(found), kind });
  };
  const visit = (node: ChartNode, depth: number): void => {
    const { id, title, lines, isFinal } = node;
    const isCompound = node.children.length > 0;
    const box = boxOf(byId.get(id) ?? {});
    layout.nodes.push({ ...box, id, title, lines, isFinal, depth, isCompound });
    if (isCompound) mark(initialId(id), 'initial');
    for (const child of node.children) visit(child, depth + 1);
  };
  mark(initialId(model.id), 'initial');
  mark(anyId(model), 'any');
  for (const node of model.nodes) visit(node, 0);
  const kinds = new Map(model.edges.map(({ key, kind }) => [key, kind]));
  for (const edge of placed.edges ?? []) {
    const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
      startPoint,
      ...bendPoints,
      endPoint,
    ]);
    layout.edges.push({
      key: edge.id,
      kind: kinds.get(edge.id) ?? 'initial',
      points: points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })),
      labels: (edge.labels ?? []).map((label) => ({ ...boxOf(label), text: label.text ?? '' })),
    });
  }
  return layout;
}
