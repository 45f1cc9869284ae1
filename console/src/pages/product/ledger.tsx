/** The ledger of a product, newest line first, with filters. */
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { useRead } from '../../api/read';
import { locationOptions } from '../../forms/location-options';
import {
  ConsoleLedgerDocument,
  type ConsoleLedgerQuery,
  type ConsoleProductQuery,
} from '../../generated/operations';
import { count, signed, words } from '../../parts/format';
import { Moment } from '../../parts/moment';
import { Badge, Panel } from '../../parts/page';
import { GoesOn, Pager, usePages } from '../../parts/pager';
import { Empty, Failure, Skeleton } from '../../parts/states';
import { Table, type Column } from '../../parts/table';
import { Term } from '../../parts/term';
import {
  LedgerFilterBar,
  movementFilterOf,
  useLedgerFilters,
  type LedgerFilters,
} from './ledger-filters';

type Line = NonNullable<ConsoleLedgerQuery['product']>['movements']['nodes'][number];

const PAGE_SIZE = 25;

interface LedgerProps {
  readonly id: string;
  readonly version: number;
  readonly levels: NonNullable<ConsoleProductQuery['product']>['levels'];
}

export function Ledger({ id, version, levels }: LedgerProps) {
  const [filters, show] = useLedgerFilters();
  const locations = locationOptions(levels.map(({ location }) => location));
  return (
    <Panel
      flush
      title={<Term name="ledger">Ledger</Term>}
      aside={<LedgerFilterBar filters={filters} show={show} locations={locations} />}
    >
      <Lines key={JSON.stringify(filters)} id={id} version={version} filters={filters} />
    </Panel>
  );
}

interface LinesProps {
  readonly id: string;
  readonly version: number;
  readonly filters: LedgerFilters;
}

function Lines({ id, version, filters }: LinesProps) {
  const pages = usePages();
  // A time that counts from now stays the same while pages are turned.
  const [filter] = useState(() => movementFilterOf(filters, Date.now()));
  const { data, error, loading, again } = useRead(ConsoleLedgerDocument, {
    variables: { id, first: PAGE_SIZE, after: pages.after, filter },
  });
  const seen = useRef(version);
  useEffect(() => {
    if (seen.current !== version) again();
    seen.current = version;
  }, [version, again]);
  const lines = data?.product?.movements.nodes ?? [];
  const info = data?.product?.movements.pageInfo;
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <>
      {error ? <Failure error={error} again={again} /> : null}
      {loading && !error ? <Skeleton rows={8} /> : null}
      {lines.length > 0 ? (
        <Table columns={COLUMNS} rows={lines} keyOf={({ id: lineId }) => lineId} />
      ) : null}
      {data && lines.length === 0 && !info?.hasNextPage ? (
        <Empty title={isFiltered ? 'No line matches.' : 'The ledger has no line yet.'} />
      ) : null}
      <GoesOn shown={lines.length} pageSize={PAGE_SIZE} info={info} what="line" on="Older" />
      <Pager pages={pages} info={info} back="Newer" on="Older" />
    </>
  );
}

const COLUMNS: readonly Column<Line>[] = [
  {
    head: 'When',
    className: 'soft',
    cell: ({ createdAt }) => <Moment at={createdAt} />,
  },
  {
    head: 'Change',
    cell: ({ delta, kind, locationId }) => (
      <>
        <Badge tone={delta > 0 ? 'good' : 'plain'}>{words(kind)}</Badge>{' '}
        {locationId === 'default' ? null : <span className="mono faint">{locationId}</span>}
      </>
    ),
  },
  {
    head: 'Units',
    className: 'number',
    cell: ({ delta }) => <span className={delta > 0 ? 'good' : undefined}>{signed(delta)}</span>,
  },
  {
    head: <Term name="on hand">On hand</Term>,
    className: 'number',
    cell: ({ quantityBefore, quantityAfter }) => (
      <>
        <span className="faint phone-hidden">{count(quantityBefore)} → </span>
        {count(quantityAfter)}
      </>
    ),
  },
  {
    head: <Term name="reference">Reference</Term>,
    className: 'phone-hidden',
    cell: (line) => <Reference line={line} />,
  },
  {
    head: <Term name="principal">Principal</Term>,
    className: 'phone-hidden soft',
    cell: ({ principal }) => principal ?? '–',
  },
  {
    head: <Term name="sequence">No.</Term>,
    className: 'number phone-hidden',
    cell: ({ id, sequence }) => (
      <Link to={`/why?id=${encodeURIComponent(id)}`} title="Why this line is there">
        {count(sequence)}
      </Link>
    ),
  },
  {
    head: <Term name="token">Token</Term>,
    className: 'number phone-hidden faint',
    cell: ({ fencingToken }) => fencingToken ?? '–',
  },
];

function Reference({ line: { reference, reason, idempotencyKey } }: { readonly line: Line }) {
  return (
    <div className="clip" title={[reference, reason, idempotencyKey].filter(Boolean).join('\n')}>
      {reference ?? reason ?? <span className="faint mono">{idempotencyKey ?? '–'}</span>}
    </div>
  );
}
