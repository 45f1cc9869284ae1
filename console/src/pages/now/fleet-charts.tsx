/** The last five minutes of the fleet, one point for each five seconds. */
import { useMemo } from 'react';
import { Chart, type Points, type Series } from '../../charts/chart';
import { rounded } from '../../parts/format';
import { Panel } from '../../parts/page';
import type { Fleet } from '../now';

const LINES: readonly Series[] = [
  { label: 'Applied', colour: '--series-1', filled: true },
  { label: 'Sold out', colour: '--series-2' },
  { label: 'Refused otherwise', colour: '--series-3' },
];
const TIMES: readonly Series[] = [
  { label: 'Wait, p99', colour: '--series-4', filled: true },
  { label: 'Wait, median', colour: '--series-4', dashed: true },
  { label: 'Commit, p99', colour: '--series-5' },
];
const QUEUE: readonly Series[] = [{ label: 'Waiting', colour: '--series-3', filled: true }];

export function FleetCharts({ fleet }: { readonly fleet: Fleet }) {
  const drawn = useMemo(() => pointsOf(fleet), [fleet]);
  const now = fleet.moments.at(-1);
  return (
    <div className="columns columns-narrow">
      <Panel title="Lines a second">
        <Chart
          series={LINES}
          points={drawn.lines}
          summary={`Lines a second in the last minutes; now ${rounded(now?.appliedPerSecond ?? 0)} applied`}
        />
      </Panel>
      <Panel title="Milliseconds">
        <Chart
          series={TIMES}
          points={drawn.times}
          summary={`Waits in the last minutes; their p99 is now ${rounded(now?.waits.p99Ms ?? 0)} ms`}
        />
      </Panel>
      <Panel title="Lines that wait">
        <Chart
          series={QUEUE}
          points={drawn.queue}
          summary={`Lines that wait, in the last minutes; now ${rounded(now?.queuedLines ?? 0)}`}
        />
      </Panel>
    </div>
  );
}

function pointsOf({ moments }: Fleet): Readonly<Record<'lines' | 'times' | 'queue', Points>> {
  const seconds = moments.map(({ at }) => Date.parse(at) / 1_000);
  const of = <Value,>(read: (moment: Fleet['moments'][number]) => Value) => moments.map(read);
  return {
    lines: [
      seconds,
      of((moment) => moment.appliedPerSecond),
      of((moment) => moment.soldOutPerSecond),
      of((moment) => moment.refusedPerSecond),
    ],
    times: [
      seconds,
      of((moment) => moment.waits.p99Ms),
      of((moment) => moment.waits.p50Ms),
      of((moment) => moment.commits.p99Ms),
    ],
    queue: [seconds, of((moment) => moment.queuedLines)],
  };
}
