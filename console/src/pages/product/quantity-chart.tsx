/** The quantity on hand over time, from the ledger: the present one, less each change on the way back. */
import { useEffect, useMemo, useState } from 'react';
import { useClient } from 'urql';
import { Chart, type Points } from '../../charts/chart';
import { ConsoleQuantitiesDocument, type ConsoleQuantitiesQuery } from '../../generated/operations';
import { count, plural } from '../../parts/format';
import { Panel } from '../../parts/page';
import { Empty } from '../../parts/states';

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

export function QuantityChart({ id, version }: { readonly id: string; readonly version: number }) {
  const client = useClient();
  const [history, setHistory] = useState<History | null>(null);
  const [depth, setDepth] = useState(1);
  useEffect(() => {
    let wanted = true;
    const read = async () => {
      let found: History | null = null;
      for (let page = 0; page < depth && (page === 0 || found?.before); page += 1) {
        const variables = { id, first: PAGE_SIZE, after: found?.before ?? null };
        const options = { requestPolicy: 'network-only' as const };
        const { data } = await client.query(ConsoleQuantitiesDocument, variables, options);
        if (!wanted || !data?.product) return;
        found = joined(found, data.product);
      }
      setHistory(found);
    };
    void read();
    return () => {
      wanted = false;
    };
  }, [client, id, version, depth]);
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
  const seconds = [Date.now() / 1_000];
  const quantities = [quantity];
  for (const { createdAt, delta } of history.entries) {
    seconds.push(Date.parse(createdAt) / 1_000);
    quantities.push(quantity);
    quantity -= delta;
  }
  return [seconds.reverse(), quantities.reverse()];
}
