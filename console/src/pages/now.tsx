/** Now: what all servers are doing, read once a second, with the last minutes as charts. */
import { useMemo, useState } from 'react';
import { useRead } from '../api/read';
import { ConsoleFleetDocument, type ConsoleFleetQuery } from '../generated/operations';
import { count, duration, plural, rounded } from '../parts/format';
import { Icon } from '../parts/icon';
import { Figures, Page, Panel } from '../parts/page';
import { Failure, Skeleton } from '../parts/states';
import { Term } from '../parts/term';
import { FleetCharts } from './now/fleet-charts';
import { HotProducts } from './now/hot-products';
import { Servers } from './now/servers';

export type Fleet = ConsoleFleetQuery['fleet'];

const READ_INTERVAL_MS = 1_000;

export function NowPage() {
  const { data, error, loading, again } = useRead(ConsoleFleetDocument, {
    variables: {},
    everyMs: READ_INTERVAL_MS,
  });
  const fleet = data?.fleet;
  return (
    <Page title="Now" lead={fleet ? <LockMode fleet={fleet} /> : 'What all servers are doing.'}>
      {error ? <Failure error={error} again={again} /> : null}
      {fleet ? (
        <>
          <Warnings fleet={fleet} />
          <Rates fleet={fleet} />
          <FleetCharts fleet={fleet} />
          <HotProducts fleet={fleet} />
          <Servers fleet={fleet} />
        </>
      ) : null}
      {loading && !error ? (
        <Panel flush>
          <Skeleton rows={14} />
        </Panel>
      ) : null}
    </Page>
  );
}

function LockMode({ fleet }: { readonly fleet: Fleet }) {
  const live = fleet.servers.filter(({ state }) => state !== 'GONE');
  const modes = [...new Set(live.map(({ lock }) => lock.now))];
  return (
    <>
      {plural(live.length, 'server')}. <Term name="lock mode">Lock</Term>:{' '}
      <strong>{modes.join(', ') || 'unknown'}</strong>.
    </>
  );
}

function Warnings({ fleet: { at, warnings } }: { readonly fleet: Fleet }) {
  const shape = warnings.map(({ code, serverId }) => `${code} ${serverId ?? ''}`).join('\n');
  return (
    <>
      <div role="status" className="visually-hidden">
        <Told key={shape} text={warnings.map(({ message }) => message).join(' ')} />
      </div>
      {warnings.length > 0 ? <WarningList at={at} warnings={warnings} /> : null}
    </>
  );
}

/** Keeps its first text: the numbers in a warning change each second, and a screen reader would read each of them. */
function Told({ text }: { readonly text: string }) {
  const [first] = useState(text);
  return <p>{first}</p>;
}

function WarningList({ at, warnings }: Pick<Fleet, 'at' | 'warnings'>) {
  return (
    <div className="stack">
      {warnings.map(({ code, message, since }, position) => (
        <div className="notice notice-warn" key={position}>
          <Icon name="warning" />
          <p>
            {message}
            {since === null ? null : (
              <span className="notice-code">
                for {duration(Math.max(0, Date.parse(at) - Date.parse(since)))}
              </span>
            )}
          </p>
          <code>{code}</code>
        </div>
      ))}
    </div>
  );
}

const GOOD = new Set(['APPLIED', 'REPLAYED']);

function Rates({ fleet }: { readonly fleet: Fleet }) {
  const { applied, soldOut, refused } = useMemo(() => ratesOf(fleet), [fleet]);
  const { waits, commits } = fleet;
  return (
    <Figures
      figures={[
        { label: 'Deductions', value: rounded(applied), note: 'a second' },
        { label: 'Sold out', value: rounded(soldOut), note: 'a second' },
        {
          label: <Term name="refused">Refused otherwise</Term>,
          value: rounded(refused),
          note: 'a second',
          tone: refused > 0 ? 'warn' : undefined,
        },
        {
          label: <Term name="wait">Wait</Term>,
          value: milliseconds(waits.p50Ms),
          note: (
            <>
              <Term name="p99">p99</Term> {milliseconds(waits.p99Ms)}
            </>
          ),
        },
        {
          label: <Term name="commit">Commit</Term>,
          value: milliseconds(commits.p50Ms),
          note: `p99 ${milliseconds(commits.p99Ms)}`,
        },
        {
          label: (
            <>
              In <Term name="lane">lanes</Term>
            </>
          ),
          value: count(fleet.queuedLines),
          note: 'waiting',
        },
      ]}
    />
  );
}

function ratesOf({ rates }: Fleet) {
  const totals = { applied: 0, soldOut: 0, refused: 0 };
  for (const { operation, outcome, linesPerSecond } of rates) {
    if (operation !== 'deductStock') continue;
    if (GOOD.has(outcome)) totals.applied += linesPerSecond;
    else if (outcome === 'INSUFFICIENT_STOCK') totals.soldOut += linesPerSecond;
    else totals.refused += linesPerSecond;
  }
  return totals;
}

export function milliseconds(value: number | null): string {
  return value === null ? '–' : `${rounded(value)} ms`;
}
