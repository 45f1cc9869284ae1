/** One product: its levels, its quantity over time, its ledger, who holds it, and what can be done with it. */
import { useState } from 'react';
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
import { LiveNotice } from '../parts/live-notice';
import { Badge, Figures, Page, Panel } from '../parts/page';
import { productIdOf } from '../parts/product-link';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Table, type Column } from '../parts/table';
import { Term } from '../parts/term';
import { useThrottled } from '../parts/throttled';
import { Holders } from './product/holders';
import { Ledger } from './product/ledger';
import { QuantityChart } from './product/quantity-chart';

type Product = NonNullable<ConsoleProductQuery['product']>;

export function ProductPage() {
  const id = productIdOf(useParams().id ?? '');
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
      <LiveNotice />
      <Totals product={product} live={live} />
      <div className="columns">
        <QuantityChart id={id} version={version} />
        <Levels product={product} live={live} />
      </div>
      <Holders productId={id} version={version} />
      <Ledger id={id} version={version} levels={product.levels} />
    </Page>
  );
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
  // The change that came last knows the threshold of its time; the one that was read may be newer.
  const isLow = threshold !== null && available <= threshold;
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

const LEVEL_COLUMNS: readonly Column<Product['levels'][number]>[] = [
  {
    head: 'Location',
    cell: ({ location, locationId }) => (
      <>
        {location.name}{' '}
        {location.name === locationId ? null : <span className="mono faint">{locationId}</span>}
      </>
    ),
  },
  {
    head: 'Available',
    className: 'number',
    cell: ({ available }) =>
      available === 0 ? <Badge tone="bad">0</Badge> : <strong>{count(available)}</strong>,
  },
  { head: 'Held', className: 'number soft', cell: ({ reserved }) => count(reserved) },
  { head: 'On hand', className: 'number soft', cell: ({ onHand }) => count(onHand) },
];

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
        <Table
          columns={LEVEL_COLUMNS}
          rows={product.levels.map((level) => ({
            ...level,
            ...live?.levels.get(level.locationId),
          }))}
          keyOf={({ locationId }) => locationId}
        />
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
