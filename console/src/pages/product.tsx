/** One product: its levels, its quantity over time, its ledger, who holds it, and what can be done with it. */
import { useEffect, useRef, useState } from 'react';
import { Link, useParams } from 'react-router';
import { useClient } from 'urql';
import { useLiveLevels, type LiveProduct } from '../api/levels';
import { useRead } from '../api/read';
import { useViewer } from '../api/viewer';
import { FormDialog } from '../forms/form-dialog';
import { locationOptions } from '../forms/location-options';
import { productForm, type ProductAction } from '../forms/product-forms';
import {
  ConsoleLocationsDocument,
  ConsoleProductDocument,
  type ConsoleProductQuery,
} from '../generated/operations';
import { count, moment } from '../parts/format';
import { Badge, Figures, Page, Panel } from '../parts/page';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Term } from '../parts/term';
import { Holders } from './product/holders';
import { Ledger } from './product/ledger';
import { QuantityChart } from './product/quantity-chart';

type Product = NonNullable<ConsoleProductQuery['product']>;

/** A sale changes a product many times in a second; what is read anew is read this often at most. */
const READ_INTERVAL_MS = 1_000;

export function ProductPage() {
  const { id = '' } = useParams();
  return <OneProduct key={id} id={id} />;
}

function OneProduct({ id }: { readonly id: string }) {
  const { data, error, loading, again } = useRead(ConsoleProductDocument, { variables: { id } });
  const live = useLiveLevels([id], again).get(id);
  const version = useThrottled(live?.changes ?? 0, again);
  const product = data?.product;
  const above = <Link to="/products">Products</Link>;
  if (!product) {
    return (
      <Page title={id} above={above}>
        {error ? <Failure error={error} again={again} /> : null}
        <Panel flush>
          {loading ? <Skeleton rows={8} /> : null}
          {data ? <Empty title={`No product has the id “${id}”.`} /> : null}
        </Panel>
      </Page>
    );
  }
  return (
    <Page
      title={product.name}
      above={
        <>
          {above} <span className="faint">/</span> <span className="mono soft">{id}</span>
        </>
      }
      actions={<Actions product={product} again={again} />}
    >
      {error ? <Failure error={error} again={again} /> : null}
      <Totals product={product} live={live} />
      <div className="columns">
        <QuantityChart id={id} version={version} />
        <Levels product={product} live={live} />
      </div>
      <Holders productId={id} version={version} />
      <Ledger id={id} version={version} />
    </Page>
  );
}

/** Follows a number, at most once in an interval, and calls back with each step. */
function useThrottled(value: number, onStep: () => void): number {
  const [shown, setShown] = useState(value);
  const step = useRef(onStep);
  step.current = onStep;
  const last = useRef(0);
  useEffect(() => {
    if (value === shown) return;
    const rest = Math.max(0, last.current + READ_INTERVAL_MS - performance.now());
    const timer = setTimeout(() => {
      last.current = performance.now();
      setShown(value);
      step.current();
    }, rest);
    return () => {
      clearTimeout(timer);
    };
  }, [value, shown]);
  return shown;
}

function Totals({
  product,
  live,
}: {
  readonly product: Product;
  readonly live: LiveProduct | undefined;
}) {
  const { lowStockThreshold: threshold } = product;
  const available = live?.available ?? product.available;
  const isLow = live?.lowStock ?? (threshold !== null && available <= threshold);
  const tone = available === 0 ? 'bad' : isLow ? 'warn' : undefined;
  return (
    <Figures
      figures={[
        {
          label: <Term name="available">Available</Term>,
          value: <span data-figure="available">{count(available)}</span>,
          tone,
          note: available === 0 ? 'sold out' : isLow ? 'low' : null,
        },
        { label: <Term name="held">Held</Term>, value: count(product.reserved) },
        { label: <Term name="on hand">On hand</Term>, value: count(product.onHand) },
        {
          label: <Term name="low stock">Low stock at</Term>,
          value: threshold === null ? '–' : count(threshold),
        },
        {
          label: 'State',
          value: product.archivedAt === null ? 'On sale' : 'Archived',
          note: product.archivedAt === null ? null : `since ${moment(product.archivedAt)}`,
        },
      ]}
    />
  );
}

function Levels({
  product,
  live,
}: {
  readonly product: Product;
  readonly live: LiveProduct | undefined;
}) {
  return (
    <Panel
      flush
      title={
        <>
          <Term name="level">Levels</Term> by location
        </>
      }
    >
      {product.levels.length === 0 ? (
        <Empty title="This product never had stock.">Add stock to give it its first level.</Empty>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Location</th>
                <th scope="col" className="number">
                  Available
                </th>
                <th scope="col" className="number">
                  Held
                </th>
                <th scope="col" className="number">
                  On hand
                </th>
              </tr>
            </thead>
            <tbody>
              {product.levels.map((level) => {
                const { available, reserved, onHand } = live?.levels.get(level.locationId) ?? level;
                return (
                  <tr key={level.id}>
                    <td>
                      {level.location.name}{' '}
                      {level.location.name === level.locationId ? null : (
                        <span className="mono faint">{level.locationId}</span>
                      )}
                    </td>
                    <td className="number">
                      {available === 0 ? (
                        <Badge tone="bad">0</Badge>
                      ) : (
                        <strong>{count(available)}</strong>
                      )}
                    </td>
                    <td className="number soft">{count(reserved)}</td>
                    <td className="number soft">{count(onHand)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

const NAMES: Readonly<Record<ProductAction, string>> = {
  deduct: 'Deduct',
  increase: 'Add stock',
  count: 'Count',
  transfer: 'Transfer',
  reserve: 'Hold',
  rename: 'Rename',
  archive: 'Archive',
  restore: 'Restore',
};

/** What the scope `deduct` allows; all else needs `manage`. */
const SALES: ReadonlySet<ProductAction> = new Set(['deduct', 'reserve']);

function Actions({ product, again }: { readonly product: Product; readonly again: () => void }) {
  const client = useClient();
  const [open, setOpen] = useState<ProductAction | null>(null);
  const read = useRead(ConsoleLocationsDocument, { variables: {} });
  const locations = locationOptions(read.data?.locations);
  const onSale: readonly ProductAction[] = product.archivedAt === null ? ['deduct', 'reserve'] : [];
  const last: ProductAction = product.archivedAt === null ? 'archive' : 'restore';
  const { may } = useViewer();
  const all: readonly ProductAction[] = [
    ...onSale,
    'increase',
    'count',
    ...(locations.length > 1 ? (['transfer'] as const) : []),
    'rename',
    last,
  ];
  const actions = all.filter((action) => may(SALES.has(action) ? 'deduct' : 'manage'));
  return (
    <>
      {actions.map((action) => (
        <button
          key={action}
          className="button"
          type="button"
          onClick={() => {
            setOpen(action);
          }}
        >
          {NAMES[action]}
        </button>
      ))}
      {open ? (
        <FormDialog
          form={productForm(open, { client, product, locations })}
          onClose={(done) => {
            setOpen(null);
            if (done) again();
          }}
        />
      ) : null}
    </>
  );
}
