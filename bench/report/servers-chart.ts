/**
 * Deductions a second against the number of servers, for one product and for many, on one scale that begins at zero.
 * Rivals of which only one server was measured are dashed lines.
 */
import { serversPoint } from '../scenarios/http.js';
import { median, spreadOf, type Spread } from '../statistics.js';
import { PRODUCT, labelOf } from './labels.js';
import { MARGIN, WIDTH, plotText } from './picture.js';
import type { Row } from './row.js';

const PANELS = [
  { load: 'hot', title: 'One product' },
  { load: 'spread', title: '10,000 products' },
] as const;
const COUNTS = [1, 2, 3, 4];
/** The product's own server without a database says nothing about a rival. */
const NOT_SHOWN = ['http-ceiling'];

const HEIGHT = 200;
const HEAD = 44;
const FOOT = 42;
const SCALE_WIDTH = 44;
const LABELS_WIDTH = 150;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN) / PANELS.length;
const LABEL_HEIGHT = 13;
const TICKS_MAX = 5;

interface Curve {
  readonly contender: string;
  readonly points: readonly { readonly count: number; readonly spread: Spread }[];
}

interface Reference {
  readonly contender: string;
  readonly value: number;
}

interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly references: readonly Reference[];
}

interface Label {
  readonly y: number;
  readonly text: string;
  readonly isOurs: boolean;
}

/** @returns nothing where no servers ran. */
export function serversChart(
  rows: readonly Row[],
  top: number,
): { readonly parts: readonly string[]; readonly height: number } {
  const panels = PANELS.map(({ load, title }): Panel => {
    const curves = curvesOf(rows, load);
    const shown = [...NOT_SHOWN, ...curves.map(({ contender }) => contender)];
    return { title, curves, references: curves.length > 0 ? referencesOf(rows, load, shown) : [] };
  });
  const values = panels.flatMap(({ curves, references }) => [
    ...curves.flatMap(({ points }) => points.map(({ spread }) => spread.max)),
    ...references.map(({ value }) => value),
  ]);
  if (values.length === 0) return { parts: [], height: 0 };
  const step = stepFor(Math.max(...values));
  const most = Math.ceil(Math.max(...values) / step) * step;
  const title =
    'Over HTTP and GraphQL, 200 callers, against the number of servers, which get the requests in turn';
  return {
    parts: [
      plotText('panel', MARGIN, top + 14, title),
      ...panels.flatMap((panel, i) =>
        panel.curves.length === 0
          ? []
          : panelParts(panel, { left: MARGIN + i * PANEL_WIDTH, top: top + HEAD, most, step }),
      ),
      plotText('note', MARGIN, top + HEAD + HEIGHT + FOOT - 6, CAPTION),
    ],
    height: HEAD + HEIGHT + FOOT + 8,
  };
}

const CAPTION =
  'All servers share the same cores, so more of them add no CPU. Dashed: one server. “Memory” keeps nothing.';

function curvesOf(rows: readonly Row[], load: string): readonly Curve[] {
  const own = rows.filter(({ scenario }) => scenario === `servers-${load}`);
  return [...new Set(own.map(({ contender }) => contender))].map((contender) => ({
    contender,
    points: COUNTS.flatMap((count) => {
      const at = own.filter(
        (row) => row.contender === contender && row.point === serversPoint(count),
      );
      const spread = spreadOf(at.map(({ opsPerSecond }) => opsPerSecond));
      return spread ? [{ count, spread }] : [];
    }),
  }));
}

/** One server of each contender that is no curve. */
function referencesOf(
  rows: readonly Row[],
  load: string,
  shown: readonly string[],
): readonly Reference[] {
  const own = rows.filter(
    ({ scenario, contender }) => scenario === `http-${load}` && !shown.includes(contender),
  );
  return [...new Set(own.map(({ contender }) => contender))].map((contender) => {
    const values = own.filter((row) => row.contender === contender).map((row) => row.opsPerSecond);
    return { contender, value: median(values) };
  });
}

/** A round step that gives a handful of ticks. */
function stepFor(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / TICKS_MAX));
  const factor = [1, 2, 5].find((each) => most / (each * power) <= TICKS_MAX) ?? 10;
  return factor * power;
}

interface Frame {
  readonly left: number;
  readonly top: number;
  /** The value at the upper edge. */
  readonly most: number;
  readonly step: number;
}

function panelParts(panel: Panel, frame: Frame): readonly string[] {
  const from = frame.left + SCALE_WIDTH;
  const to = frame.left + PANEL_WIDTH - LABELS_WIDTH;
  const x = (count: number) => from + 14 + ((count - 1) / (COUNTS.length - 1)) * (to - from - 28);
  const y = (value: number) => frame.top + HEIGHT * (1 - value / frame.most);
  const parts = [plotText('label', from, frame.top - 10, panel.title)];
  for (let value = 0; value <= frame.most; value += frame.step) {
    parts.push(line('tick', { x1: from, y1: y(value), x2: to, y2: y(value) }));
    parts.push(plotText('scale', from - 6, y(value) + 4, value.toLocaleString('en'), 'end'));
  }
  for (const count of COUNTS) {
    parts.push(plotText('scale', x(count) - 3, frame.top + HEIGHT + 15, String(count)));
  }
  const labels: Label[] = [];
  for (const { contender, value } of panel.references) {
    parts.push(line('reference', { x1: from, y1: y(value), x2: to, y2: y(value) }));
    labels.push(labelAt(contender, value, y(value)));
  }
  // The product last, so that it lies above the others.
  const curves = [...panel.curves].sort((a, b) => rank(a) - rank(b));
  for (const { contender, points } of curves) {
    const kind = contender === PRODUCT ? ' ours' : '';
    const path = points.map(
      ({ count, spread }) => `${x(count).toFixed(1)},${y(spread.median).toFixed(1)}`,
    );
    parts.push(`<polyline class="curve${kind}" points="${path.join(' ')}"/>`);
    for (const { count, spread } of points) {
      const ends = { x1: x(count), y1: y(spread.min), x2: x(count), y2: y(spread.max) };
      parts.push(line(`curve${kind}`, ends));
      const at = `cx="${x(count).toFixed(1)}" cy="${y(spread.median).toFixed(1)}"`;
      parts.push(`<circle class="dot${kind}" ${at} r="4"/>`);
    }
    const last = points.at(-1)?.spread.median;
    if (last !== undefined) labels.push(labelAt(contender, last, y(last)));
  }
  return [...parts, ...apart(labels).map((label) => labelText(label, to + 8))];
}

function rank({ contender }: Curve): number {
  return Number(contender === PRODUCT);
}

function labelAt(contender: string, value: number, y: number): Label {
  const text = `${labelOf(contender)} ${Math.round(value).toLocaleString('en')}`;
  return { y, text, isOurs: contender === PRODUCT };
}

/** Moved so that no label covers another one, from the lowest upwards. */
function apart(labels: readonly Label[]): readonly Label[] {
  let free = Infinity;
  return [...labels]
    .sort((a, b) => b.y - a.y)
    .map((label) => {
      const y = Math.min(label.y, free);
      free = y - LABEL_HEIGHT;
      return { ...label, y };
    });
}

function labelText({ y, text, isOurs }: Label, x: number): string {
  return plotText(`label${isOurs ? ' ours' : ''}`, x, y + 4, text);
}

function line(
  kind: string,
  ends: { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number },
): string {
  const at = Object.entries(ends).map(([name, value]) => `${name}="${value.toFixed(1)}"`);
  return `<line class="${kind}" ${at.join(' ')}/>`;
}
