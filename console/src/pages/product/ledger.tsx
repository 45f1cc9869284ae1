/** The ledger of a product, newest line first, with filters. */
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { useRead } from '../../api/read';
import {
  ConsoleLedgerDocument,
  type ConsoleLedgerQuery,
  type StockMovementKind,
} from '../../generated/operations';
import { count, exactMoment, moment, signed, words } from '../../parts/format';
import { Badge, Panel } from '../../parts/page';
import { SearchBox } from '../../parts/search-box';
import { Empty, Failure, Skeleton } from '../../parts/states';
import { Term } from '../../parts/term';

type Line = NonNullable<ConsoleLedgerQuery['product']>['movements']['nodes'][number];

const PAGE_SIZE = 25;

const KINDS: readonly StockMovementKind[] = [
  'INITIAL',
  'INCREASE',
  'DEDUCTION',
  'RESERVATION_COMMIT',
  'CORRECTION',
  'TRANSFER_OUT',
  'TRANSFER_IN',
];

export function Ledger({ id, version }: { readonly id: string; readonly version: number }) {
  const [kind, setKind] = useState<StockMovementKind | ''>('');
  const [reference, setReference] = useState('');
  return (
    <Panel
      flush
      title={
        <>
          <Term name="ledger">Ledger</Term>
        </>
      }
      aside={
        <>
          <SearchBox label="Reference" value={reference} onSearch={setReference} />
          <select
            className="select"
            aria-label="Kind of change"
            value={kind}
            onChange={(event) => {
              setKind(event.target.value as StockMovementKind | '');
            }}
          >
            <option value="">All kinds</option>
            {KINDS.map((name) => (
              <option key={name} value={name}>
                {words(name)}
              </option>
            ))}
          </select>
        </>
      }
    >
      <Lines
        key={`${kind} ${reference}`}
        id={id}
        version={version}
        kind={kind}
        reference={reference}
      />
    </Panel>
  );
}

interface LinesProps {
  readonly id: string;
  readonly version: number;
  readonly kind: StockMovementKind | '';
  readonly reference: string;
}

function Lines({ id, version, kind, reference }: LinesProps) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const filter = {
    ...(kind === '' ? {} : { kinds: [kind] }),
    ...(reference === '' ? {} : { reference }),
  };
  const { data, error, loading, again } = useRead(ConsoleLedgerDocument, {
    variables: { id, first: PAGE_SIZE, after: cursors.at(-1) ?? null, filter },
  });
  const seen = useRef(version);
  useEffect(() => {
    if (seen.current !== version) again();
    seen.current = version;
  }, [version, again]);
  const lines = data?.product?.movements.nodes ?? [];
  const next = data?.product?.movements.pageInfo;
  if (error) return <Failure error={error} again={again} />;
  if (loading) return <Skeleton rows={8} />;
  if (lines.length === 0 && !next?.hasNextPage) {
    return <Empty title={kind || reference ? 'No line matches.' : 'The ledger has no line yet.'} />;
  }
  return (
    <>
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Change</th>
              <th scope="col" className="number">
                Units
              </th>
              <th scope="col" className="number">
                <Term name="on hand">On hand</Term>
              </th>
              <th scope="col" className="phone-hidden">
                <Term name="reference">Reference</Term>
              </th>
              <th scope="col" className="phone-hidden">
                <Term name="principal">Principal</Term>
              </th>
              <th scope="col" className="number phone-hidden">
                <Term name="sequence">No.</Term>
              </th>
              <th scope="col" className="number phone-hidden">
                <Term name="token">Token</Term>
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <LedgerLine key={line.id} line={line} />
            ))}
          </tbody>
        </table>
      </div>
      {next?.hasNextPage || cursors.length > 1 ? (
        <div className="more">
          <button
            className="button button-small"
            type="button"
            disabled={cursors.length === 1}
            onClick={() => {
              setCursors(cursors.slice(0, -1));
            }}
          >
            Newer
          </button>
          <button
            className="button button-small"
            type="button"
            disabled={!next?.hasNextPage}
            onClick={() => {
              setCursors([...cursors, next?.endCursor ?? null]);
            }}
          >
            Older
          </button>
        </div>
      ) : null}
    </>
  );
}

function LedgerLine({ line }: { readonly line: Line }) {
  const { delta, reference, reason, idempotencyKey } = line;
  return (
    <tr>
      <td className="soft">
        <time dateTime={line.createdAt} title={exactMoment(line.createdAt)}>
          {moment(line.createdAt)}
        </time>
      </td>
      <td>
        <Badge tone={delta > 0 ? 'good' : 'plain'}>{words(line.kind)}</Badge>{' '}
        {line.locationId === 'default' ? null : (
          <span className="mono faint">{line.locationId}</span>
        )}
      </td>
      <td className={delta > 0 ? 'number good' : 'number'}>{signed(delta)}</td>
      <td className="number">
        <span className="faint phone-hidden">{count(line.quantityBefore)} → </span>
        {count(line.quantityAfter)}
      </td>
      <td className="phone-hidden">
        <div
          className="clip"
          title={[reference, reason, idempotencyKey].filter(Boolean).join('\n')}
        >
          {reference ?? reason ?? <span className="faint mono">{idempotencyKey ?? '–'}</span>}
        </div>
      </td>
      <td className="phone-hidden soft">{line.principal ?? '–'}</td>
      <td className="number phone-hidden">
        <Link to={`/why?id=${encodeURIComponent(line.id)}`} title="Why this line is there">
          {count(line.sequence)}
        </Link>
      </td>
      <td className="number phone-hidden faint">{line.fencingToken ?? '–'}</td>
    </tr>
  );
}
