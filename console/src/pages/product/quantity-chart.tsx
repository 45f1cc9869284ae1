/** The quantity on hand over time, from the ledger: the present one, less each change on the way back. */
import { useEffect, useMemo, useRef, useState } from 'react';
import { useClient, type Client, type CombinedError } from 'urql';
import { connection } from '../../api/connection';
import { useStore } from '../../api/store';
import { Chart, type Points } from '../../charts/chart';
import { ConsoleQuantitiesDocument, type ConsoleQuantitiesQuery } from '../../generated/operations';
import { count, plural } from '../../parts/format';
import { Panel } from '../../parts/page';
import { Empty, Failure } from '../../parts/states';

const PAGE_SIZE = 100;
const HEIGHT = 216;

type Entries = NonNullable<ConsoleQuantitiesQuery['product']>['movements']['nodes'];

interface History {
  readonly onHand: number;
  /** The newest first. */
  readonly entries: Entries;
  /** Null: the first entry of the ledger is among them. */
  readonly before: string | null;
}

interface HistoryRead {
  /** Of what: another one is read next. */
  readonly of: string | null;
  readonly history: History | null;
  readonly error: CombinedError | undefined;
}

const NOT_READ: HistoryRead = { of: null, history: null, error: undefined };

/**
 * Reads the history again with each version, and when the server is back. One read after another: in a sale the version
 * changes each second, and a read that each change began anew would never end.
 */
function useHistory(id: string, version: number, depth: number) {
  const client = useClient();
  const { epoch } = useStore(connection);
  const [tries, setTries] = useState(0);
  const [last, setLast] = useState(NOT_READ);
  const isReading = useRef(false);
  const wanted = [id, version, depth, epoch, tries].join(' ');
  useEffect(() => {
    if (isReading.current || last.of === wanted) return;
    isReading.current = true;
    void historyOf(client, id, depth).then(({ history, error }) => {
      isReading.current = false;
      setLast({ of: wanted, history: error ? last.history : history, error });
    });
  }, [client, id, depth, wanted, last]);
  const again = () => {
    setTries(tries + 1);
  };
  return { ...last, again };
}

async function historyOf(
  client: Client,
  id: string,
  depth: number,
): Promise<Pick<HistoryRead, 'history' | 'error'>> {
  let history: History | null = null;
  for (let page = 0; page < depth && (page === 0 || history?.before); page += 1) {
    const variables = { id, first: PAGE_SIZE, after: history?.before ?? null };
    const options = { requestPolicy: 'network-only' as const };
    const { data, error } = await client.query(ConsoleQuantitiesDocument, variables, options);
    if (!data?.product) return { history, error };
    history = joined(history, data.product);
  }
  return { history, error: undefined };
}

export function QuantityChart({ id, version }: { readonly id: string; readonly version: number }) {
  const [depth, setDepth] = useState(1);
  const { history, error, again } = useHistory(id, version, depth);
  const points = useMemo(() => pointsOf(history), [history]);
  const shown = history?.entries.length ?? 0;
  return (
    <Panel
      title="On hand over time"
      aside={
        <>
          <span>{history ? plural(shown, 'change') : ''}</span>
          {history?.before ? (
            <button
              className="button button-small"
              type="button"
              onClick={() => {
                setDepth(depth + 4);
              }}
            >
              Earlier
            </button>
          ) : null}
        </>
      }
    >
      {error ? <Failure error={error} again={again} /> : null}
      {history && shown === 0 ? (
        <Empty title="Nothing has changed yet." />
      ) : (
        <Chart
          height={HEIGHT}
          points={points}
          series={[{ label: 'On hand', colour: '--series-1', filled: true, stepped: true }]}
          summary={
            history
              ? `On hand: ${count(history.onHand)} now, after ${plural(shown, 'change')}`
              : 'On hand over time'
          }
        />
      )}
    </Panel>
  );
}

function joined(
  found: History | null,
  product: NonNullable<ConsoleQuantitiesQuery['product']>,
): History {
  const { nodes, pageInfo } = product.movements;
  return {
    onHand: found?.onHand ?? product.onHand,
    entries: [...(found?.entries ?? []), ...nodes],
    before: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

function pointsOf(history: History | null): Points {
  if (!history) return [[], []];
  let quantity = history.onHand;
  const [newest] = history.entries;
  // The clock of this browser may be behind the database's, and the chart needs ascending moments.
  let at = Math.max(Date.now(), newest ? Date.parse(newest.createdAt) : 0);
  const seconds = [at / 1_000];
  const quantities = [quantity];
  for (const { createdAt, delta } of history.entries) {
    at = Math.min(at, Date.parse(createdAt));
    seconds.push(at / 1_000);
    quantities.push(quantity);
    quantity -= delta;
  }
  return [seconds.reverse(), quantities.reverse()];
}
