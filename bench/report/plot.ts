/**
 * The results as one picture: deductions against the number of servers, then for each key scenario a bar per contender,
 * with the product's speed divided by the contender's. All scales are linear and begin at zero. Plain SVG, without
 * scripts or fonts.
 */
import { SCENARIOS } from '../scenarios/roster.js';
import { bestForm } from '../selection.js';
import { median, pairedRatio, type RepeatedValue, type Spread } from '../statistics.js';
import type { Machine } from './machine.js';
import { PRODUCT, labelOf } from './labels.js';
import { MARGIN, PLOT_STYLE, WIDTH, picture, plotText } from './picture.js';
import type { Row } from './row.js';
import { serversChart } from './servers-chart.js';

/** The panels; for scenarios with several loads, the one that is shown. */
const PANELS: readonly { readonly scenario: string; readonly title: string; point?: string }[] = [
  { scenario: 'hot', title: 'One product, 200 callers, without HTTP: the ways to deduct it' },
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
    title: 'One product over HTTP, beside servers that keep nothing, and beside an actor',
  },
];

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
      'Medians of interleaved runs, with the least and the most. Right: how many times as many Stockade serves.',
    ),
  );
  const chart = serversChart(rows, y + PANEL_GAP);
  parts.push(...chart.parts);
  y += chart.height;
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
    plotText(`name${ours}`, left - 10, baseline, labelOf(bar.contender), 'end'),
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
    `${machine.cores} × ${machine.cpu} for everything together, the load generator too; Node ${machine.node};`,
    `MySQL ${machine.mysql} with a flush of log and binary log at each commit${fsync}; Redis ${machine.redis}; ` +
      `${machine.date.slice(0, 10)}.`,
    'The same tables, ledger lines and settings for all, “memory” and the actor excepted. Run it: npm run bench',
  ];
}
