/** A chart over time, drawn by uPlot on a canvas of a fixed height, in the colours of the page. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useStore } from '../api/store';
import { colours } from '../parts/theme';

export interface Series {
  readonly label: string;
  /** The name of a colour of the page, as in `--accent`. */
  readonly colour: string;
  readonly filled?: boolean;
  /** Keeps its value until the next point. */
  readonly stepped?: boolean;
  readonly dashed?: boolean;
}

/** Seconds since 1970, and the values of each series at these moments. */
export type Points = readonly [
  seconds: readonly number[],
  ...values: (readonly (number | null)[])[],
];

interface ChartProps {
  readonly series: readonly Series[];
  readonly points: Points;
  readonly height?: number;
  /** What the chart shows, for readers that do not see it. */
  readonly summary: string;
  readonly format?: (value: number) => string;
  /** The least that the axis of values goes up to. */
  readonly atLeast?: number;
  /** Milliseconds on the axis of time, as for a sale of a second. */
  readonly fromZero?: boolean;
}

export function Chart(props: ChartProps) {
  const { series, points, height = 180, summary } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const theme = useStore(colours);
  const shape = series.map(({ label }) => label).join('|');

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const options = optionsOf(latest.current, element.clientWidth || 300);
    const drawn = new uPlot(options, dataOf(latest.current.points), element);
    plot.current = drawn;
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0) drawn.setSize({ width, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [theme, shape, height]);

  useEffect(() => {
    plot.current?.setData(dataOf(points));
  }, [points]);

  return (
    <figure className="chart">
      <div ref={host} className="chart-canvas" style={{ height }} role="img" aria-label={summary} />
      {series.length > 1 ? (
        <figcaption className="chart-keys">
          {series.map(({ label, colour }) => (
            <span key={label} className="chart-key" style={{ color: `var(${colour})` }}>
              <i aria-hidden="true" />
              <span>{label}</span>
            </span>
          ))}
        </figcaption>
      ) : null}
    </figure>
  );
}

function dataOf(points: Points): uPlot.AlignedData {
  return points.map((values) => [...values]) as unknown as uPlot.AlignedData;
}

function optionsOf(props: ChartProps, width: number): uPlot.Options {
  const { series, height = 180, format = compact, atLeast = 1, fromZero = false } = props;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--text-faint'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line-faint'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [10, 30, 0, 0],
    scales: {
      x: { time: !fromZero },
      y: { range: (_plot, _least, most) => [0, Math.max(atLeast, (most || 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 70,
        grid: { show: false },
        values: fromZero ? SECONDS : TIMES,
      },
      { ...axis, size: 48, space: 34, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name, filled = false, stepped = false, dashed = false }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
        ...(filled ? { fill: `${toHex(colour(name))}22` } : {}),
        ...(dashed ? { dash: [4, 4] } : {}),
        ...(stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      })),
    ],
  };
}

/** Hours of 24, in uPlot's own table of steps: seconds, the form, and what it shows where a day or an hour begins. */
const TIMES: uPlot.Axis.Values = [
  [86_400 * 28, '{MMM} {YYYY}', null, null, null, null, null, null, 1],
  [86_400, '{D} {MMM}', null, null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
  [0.001, '{mm}:{ss}.{fff}', null, null, null, null, null, null, 1],
];

const SECONDS: uPlot.Axis.Values = (_plot, splits) =>
  splits.map((seconds) => `${compact(seconds)} s`);

/** The page's colours are given as `#rrggbb`. */
function toHex(colour: string): string {
  return /^#[\da-f]{6}$/i.test(colour) ? colour : '#808080';
}

const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

function compact(value: number): string {
  return COMPACT.format(value);
}
