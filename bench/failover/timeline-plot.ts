/** The first run of each incident as a picture: a dot for each deduction, at the time of its begin, by its duration. */
import { MARGIN, PLOT_STYLE, WIDTH, picture, plotText } from '../report/picture.js';
import { TAKEN } from './attempts.js';
import type { Incident } from './incidents.js';
import type { Timeline } from './timeline.js';

const TITLE = 'A deduction each 100 ms, before and after an incident';
const LEFT = 84;
const PANEL_HEIGHT = 120;
const PANEL_GAP = 46;
/** Shown around the incident, in milliseconds. */
const FROM_MS = -3_000;
const TO_MS = 20_000;
/** Durations are on a logarithmic scale between these. */
const LEAST_MS = 1;
const MOST_MS = 10_000;
const MARKS_MS = [1, 10, 100, 1_000, 10_000];

const STYLE = `${PLOT_STYLE}
  .taken { fill: #1a7f37; }
  .failed { fill: #cf222e; }
  .rule { stroke: #9aa4af; stroke-width: 1; }
  .grid { stroke: #9aa4af; stroke-width: 0.5; opacity: 0.4; }
  @media (prefers-color-scheme: dark) {
    .taken { fill: #3fb950; }
    .failed { fill: #f85149; }
  }
`;

export function plotTimelines(
  incidents: readonly Incident[],
  timelines: readonly Timeline[],
): string {
  const parts = [
    plotText('title', MARGIN, MARGIN + 22, TITLE),
    plotText(
      'note',
      MARGIN,
      MARGIN + 42,
      'Across: seconds since the incident. Upwards: how long the answer took. Red: an error. ' +
        'Run it: npm run bench -- --scenario failover',
    ),
  ];
  let top = MARGIN + 42;
  for (const { name, what } of incidents) {
    const timeline = timelines.find(({ incident }) => incident === name);
    if (!timeline) continue;
    top += PANEL_GAP;
    parts.push(...panel(what, timeline, top));
    top += PANEL_HEIGHT;
  }
  return picture(TITLE, STYLE, top + PANEL_GAP, parts);
}

function panel(what: string, { outageMs, attempts }: Timeline, top: number): readonly string[] {
  const bottom = top + PANEL_HEIGHT;
  const shown = attempts.filter(({ atMs }) => atMs >= FROM_MS && atMs <= TO_MS);
  const seconds = (outageMs / 1_000).toFixed(1);
  return [
    plotText('panel', MARGIN, top - 12, `${what}: none was taken for ${seconds} s`),
    ...MARKS_MS.flatMap((ms) => [
      line('grid', LEFT, yOf(ms, top), WIDTH - MARGIN, yOf(ms, top)),
      plotText(
        'note',
        LEFT - 8,
        yOf(ms, top) + 4,
        ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`,
        'end',
      ),
    ]),
    line('rule', xOf(0), top, xOf(0), bottom),
    ...[0, 5, 10, 15, 20].map((s) => plotText('note', xOf(s * 1_000), bottom + 16, `${s} s`)),
    ...shown.map(({ atMs, tookMs, outcome }) => {
      const kind = outcome === TAKEN ? 'taken' : 'failed';
      const [x, y] = [xOf(atMs).toFixed(1), yOf(tookMs, top).toFixed(1)];
      return `<circle class="${kind}" cx="${x}" cy="${y}" r="2"/>`;
    }),
  ];
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line class="${kind}" x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}"/>`;
}

function xOf(ms: number): number {
  return LEFT + ((ms - FROM_MS) / (TO_MS - FROM_MS)) * (WIDTH - MARGIN - LEFT);
}

function yOf(tookMs: number, top: number): number {
  const bounded = Math.min(MOST_MS, Math.max(LEAST_MS, tookMs));
  const share = Math.log(bounded / LEAST_MS) / Math.log(MOST_MS / LEAST_MS);
  return top + PANEL_HEIGHT * (1 - share);
}
