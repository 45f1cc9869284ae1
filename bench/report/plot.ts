/**
 * The results as one picture: for each key scenario a bar per contender, on one linear scale, with the product's speed
 * divided by the contender's. Plain SVG, readable on a light and on a dark background, without scripts or fonts.
 */
import { SCENARIOS } from '../scenarios/roster.js';
import { bestForm } from '../selection.js';
import { median, pairedRatio, type RepeatedValue, type Spread } from '../statistics.js';
import type { Machine } from './machine.js';
import type { Row } from './row.js';

const PRODUCT = 'lanes';

/** The panels; for scenarios with several loads, the one that is shown. */
const PANELS: readonly { readonly scenario: string; readonly title: string; point?: string }[] = [
  { scenario: 'hot', title: 'One product: 200 callers' },
  {
    scenario: 'zipf',
    title: "10,000 products, a few of them most popular (Zipf's law): 200 callers",
  },
  { scenario: 'spread', title: '10,000 products, uniformly distributed: 200 callers' },
  { scenario: 'burst', title: '1,000 buyers at once for 100 units' },
  {
    scenario: 'processes-hot',
    title: 'One product, 200 callers spread over 4 processes',
    point: '4 processes',
  },
  { scenario: 'solo', title: 'One caller alone: batching must not cost' },
  {
    scenario: 'http-hot',
    title: 'One product over HTTP and GraphQL, beside servers that answer from memory',
  },
];

export const WIDTH = 880;
export const MARGIN = 24;
const NAME_WIDTH = 150;
const VALUE_WIDTH = 190;
const BAR_HEIGHT = 16;
const LINE_HEIGHT = 24;
const PANEL_GAP = 18;
const BAR_WIDTH_MIN = 1;

interface Bar {
  readonly contender: string;
  readonly opsPerSecond: number;
  /** The product's speed divided by this one's; null for the product itself. */
  readonly ratio: Spread | null;
}

export function plot(machine: Machine, rows: readonly Row[]): string {
  const parts: string[] = [];
  let y = MARGIN + 22;
  parts.push(plotText('title', MARGIN, y, 'Durable deductions a second'));
  y += 20;
  parts.push(
    plotText(
      'note',
      MARGIN,
      y,
      'Medians of interleaved runs. On the right: how many times as many Stockade serves (least–most of the runs).',
    ),
  );
  for (const { scenario, title, point = '' } of PANELS) {
    const bars = barsOf(rows, scenario, point);
    if (bars.length === 0) continue;
    y += PANEL_GAP + 14;
    parts.push(plotText('panel', MARGIN, y, title));
    y += 8;
    const most = Math.max(...bars.map(({ opsPerSecond }) => opsPerSecond));
    for (const bar of bars) {
      parts.push(...barParts(bar, y, bar.opsPerSecond / most));
      y += LINE_HEIGHT;
    }
  }
  y += PANEL_GAP + 6;
  for (const line of footer(machine)) {
    parts.push(plotText('note', MARGIN, y, line));
    y += 16;
  }
  return picture('Durable deductions a second, by contender and scenario', PLOT_STYLE, y, parts);
}

/** A whole SVG of the usual width. */
export function picture(
  title: string,
  style: string,
  height: number,
  parts: readonly string[],
): string {
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<title>${title}</title>
<style>${style}</style>
<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

export const PLOT_STYLE = `
  text {
    font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
    fill: #1f2328;
  }
  .title { font-size: 20px; font-weight: 600; }
  .panel { font-size: 14px; font-weight: 600; }
  .name, .value { font-size: 13px; }
  .note { font-size: 12px; fill: #59636e; }
  .ratio { font-size: 13px; fill: #59636e; }
  .ours { font-weight: 600; }
  .ground { fill: #ffffff; }
  .bar { fill: #9aa4af; }
  .bar.ours { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note, .ratio { fill: #9198a1; }
    .ground { fill: #0d1117; }
    .bar { fill: #656c76; }
    .bar.ours { fill: #3fb950; }
  }
`;

function barsOf(rows: readonly Row[], scenario: string, point: string): readonly Bar[] {
  const { merit = 'opsPerSecond' } = SCENARIOS.find(({ name }) => name === scenario) ?? {};
  const own = rows.filter((row) => row.scenario === scenario && row.point === point);
  const speeds = (contender: string): readonly RepeatedValue[] => {
    const ofContender = own.filter((row) => row.contender === contender);
    const best = bestForm(ofContender, merit);
    return ofContender
      .filter(({ form }) => form === best)
      .map(({ repeat, opsPerSecond }) => ({ repeat, value: opsPerSecond }));
  };
  return [...new Set(own.map(({ contender }) => contender))]
    .map((contender): Bar => ({
      contender,
      opsPerSecond: median(speeds(contender).map(({ value }) => value)),
      ratio: contender === PRODUCT ? null : pairedRatio(speeds(PRODUCT), speeds(contender)),
    }))
    .sort(
      (a, b) =>
        Number(b.contender === PRODUCT) - Number(a.contender === PRODUCT) ||
        b.opsPerSecond - a.opsPerSecond,
    );
}

function barParts(bar: Bar, y: number, share: number): readonly string[] {
  const ours = bar.contender === PRODUCT ? ' ours' : '';
  const room = WIDTH - 2 * MARGIN - NAME_WIDTH - VALUE_WIDTH;
  const width = Math.max(BAR_WIDTH_MIN, share * room);
  const left = MARGIN + NAME_WIDTH;
  const baseline = y + 13;
  const value = Math.round(bar.opsPerSecond).toLocaleString('en');
  const ratio = bar.ratio ? ratioText(bar.ratio) : '';
  return [
    plotText(
      `name${ours}`,
      left - 10,
      baseline,
      ours ? `Stockade, ${PRODUCT}` : bar.contender,
      'end',
    ),
    `<rect class="bar${ours}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
    plotText(`value${ours}`, left + width + 8, baseline, value),
    plotText('ratio', WIDTH - MARGIN, baseline, ratio, 'end'),
  ];
}

/** As in `× 44 (41–48)`; a single run has no spread. */
function ratioText({ median: middle, min, max }: Spread): string {
  const short = (value: number) =>
    value >= 10 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
  return min === max ? `× ${short(middle)}` : `× ${short(middle)} (${short(min)}–${short(max)})`;
}

function footer(machine: Machine): readonly string[] {
  const fsync = machine.fsyncMedianMs === null ? '' : `, fsync ${machine.fsyncMedianMs} ms`;
  return [
    `${machine.cores} × ${machine.cpu} for everything together; MySQL ${machine.mysql} with a flush of log and ` +
      `binary log at each commit${fsync};`,
    `Node ${machine.node}, Redis ${machine.redis}; ${machine.date.slice(0, 10)}. The same tables, ledger lines and ` +
      'settings for all. Run it: npm run bench',
  ];
}

export function plotText(
  kind: string,
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'end' = 'start',
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const side = anchor === 'end' ? ' text-anchor="end"' : '';
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}"${side}>${escaped}</text>`;
}
