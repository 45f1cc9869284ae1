/** How a tried sale goes on: its figures, its chart, and what the ledger says at the end. */
import { useMemo } from 'react';
import { Chart, type Points, type Series } from '../../charts/chart';
import { count, duration, plural, rounded, words } from '../../parts/format';
import { Icon } from '../../parts/icon';
import { Badge, Figures, Panel } from '../../parts/page';
import { Term } from '../../parts/term';
import type { Trial } from '../sale';

const STATES: Readonly<Record<Trial['state'], string>> = {
  STARTING: 'Servers and buyers start …',
  SELLING: 'Buyers ask …',
  CHECKING: 'The ledger is verified …',
  DONE: 'Done',
  STOPPED: 'Stopped',
  FAILED: 'Failed',
};

const SERIES: readonly Series[] = [
  { label: 'Sold', colour: '--series-1', filled: true },
  { label: 'Refused', colour: '--series-2' },
  { label: 'Waiting', colour: '--series-3' },
];

export function SaleResult({ trial }: { readonly trial: Trial }) {
  const points = useMemo(() => pointsOf(trial), [trial]);
  const refused = totalOf(trial.refused);
  const failed = totalOf(trial.failed);
  return (
    <>
      <Figures
        figures={[
          {
            label: 'Sold',
            value: count(trial.sold),
            note: `of ${plural(trial.units, 'unit')}`,
            tone: trial.sold > 0 ? 'good' : undefined,
          },
          {
            label: <Term name="refused">Refused</Term>,
            value: count(refused),
            note: codesOf(trial.refused),
          },
          {
            label: 'Failed',
            value: count(failed),
            note: codesOf(trial.failed),
            tone: failed > 0 ? 'bad' : undefined,
          },
          { label: 'Waiting', value: count(trial.waiting) },
          {
            label: 'Last answer after',
            value: trial.lastAnswerMs === null ? '–' : duration(trial.lastAnswerMs),
          },
          {
            label: (
              <>
                Answer, median and <Term name="p99" />
              </>
            ),
            value: trial.p50Ms === null ? '–' : `${rounded(trial.p50Ms)} ms`,
            note: trial.p99Ms === null ? null : `p99 ${rounded(trial.p99Ms)} ms`,
          },
        ]}
      />
      <Panel
        title={titleOf(trial)}
        aside={
          <>
            {plural(trial.servers, 'server')}
            <Badge
              tone={trial.state === 'DONE' ? 'good' : trial.state === 'FAILED' ? 'bad' : 'accent'}
            >
              {STATES[trial.state]}
            </Badge>
          </>
        }
      >
        <Chart
          height={240}
          fromZero
          series={SERIES}
          points={points}
          summary={`${count(trial.sold)} sold, ${count(refused)} refused, ${count(trial.waiting)} waiting`}
        />
      </Panel>
      <Verdict trial={trial} />
    </>
  );
}

function titleOf({ buyers, units, lock }: Trial): string {
  const way = `STOCK_LOCK=${lock.toLowerCase()}`;
  return `${plural(buyers, 'buyer')}, ${plural(units, 'unit')}, ${way}`;
}

function Verdict({ trial: { ledger, problem } }: { readonly trial: Trial }) {
  if (problem !== null) {
    return (
      <div className="notice notice-bad" role="alert">
        <Icon name="warning" />
        <p>{problem}</p>
      </div>
    );
  }
  if (!ledger) return null;
  const isRight = ledger.ok && ledger.oversold === 0 && ledger.unexplained === 0;
  return (
    <div className={isRight ? 'notice notice-good' : 'notice notice-bad'} role="status">
      <Icon name={isRight ? 'check' : 'warning'} />
      <p>
        <strong>
          {count(ledger.oversold)} oversold, {count(ledger.unexplained)} unexplained.
        </strong>{' '}
        {plural(ledger.soldUnits, 'unit')} left by the <Term name="ledger" />. verify-ledger:{' '}
        {ledger.verdict}
      </p>
    </div>
  );
}

type Counts = Trial['refused'];

function totalOf(counts: Counts): number {
  return counts.reduce((sum, one) => sum + one.count, 0);
}

function codesOf(counts: Counts): string | null {
  return counts.length === 0 ? null : counts.map(({ code }) => words(code)).join(', ');
}

function pointsOf({ history }: Trial): Points {
  return [
    [0, ...history.map(({ atMs }) => atMs / 1_000)],
    [0, ...history.map(({ sold }) => sold)],
    [0, ...history.map(({ refused }) => refused)],
    [0, ...history.map(({ waiting }) => waiting)],
  ];
}
