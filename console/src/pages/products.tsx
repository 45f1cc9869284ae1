/** Products: found by the words of their names or by an id, with levels that change while they are looked at. */
import { useCallback, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useAddress } from '../api/address';
import { useLiveLevels, type LiveProduct } from '../api/levels';
import { useRead } from '../api/read';
import { useViewer } from '../api/viewer';
import { CreateProduct } from '../forms/create-product';
import { CreateLocation } from '../forms/create-location';
import {
  ConsoleProductsDocument,
  type ConsoleProductsQuery,
  type ConsoleProductsQueryVariables,
} from '../generated/operations';
import { count } from '../parts/format';
import { Icon } from '../parts/icon';
import { LiveNotice } from '../parts/live-notice';
import { Badge, Page, Panel } from '../parts/page';
import { GoesOn, Pager, usePages } from '../parts/pager';
import { ProductLink, productPath } from '../parts/product-link';
import { SearchBox } from '../parts/search-box';
import { Segments } from '../parts/segments';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Table, type Column } from '../parts/table';
import { Term } from '../parts/term';
import { READ_INTERVAL_MS, useThrottled } from '../parts/throttled';

type Row = ConsoleProductsQuery['products']['nodes'][number];

const PAGE_SIZE = 50;
/** The most that one subscription takes. */
const LIVE_MAX = 100;
const ID_FORM = /^[\w.:-]{1,64}$/;

const KINDS = [
  { value: 'sale', label: 'On sale' },
  { value: 'low', label: 'Low stock' },
  { value: 'archived', label: 'Archived' },
] as const;
type Kind = (typeof KINDS)[number]['value'];

function filterOf(search: string, kind: Kind): ConsoleProductsQueryVariables['filter'] {
  return {
    ...(search === '' ? {} : { search }),
    ...(kind === 'low' ? { lowStock: true } : {}),
    ...(kind === 'archived' ? { archived: true } : {}),
  };
}

export function ProductsPage() {
  const [params, show] = useAddress();
  const search = params.get('search') ?? '';
  const kind = KINDS.find(({ value }) => value === params.get('show'))?.value ?? 'sale';
  const { may } = useViewer();
  return (
    <Page title="Products" actions={may('manage') ? <Creating /> : null}>
      <div className="bar">
        <SearchBox
          label="Search products"
          placeholder="Words of the name, or an id"
          value={search}
          onSearch={(text) => {
            show({ search: text });
          }}
        />
        <Segments
          label="Which products"
          options={KINDS}
          value={kind}
          onChoose={(value) => {
            show({ show: value === 'sale' ? '' : value });
          }}
        />
      </div>
      <ProductTable key={`${search} ${kind}`} search={search} kind={kind} />
    </Page>
  );
}

/** The buttons for a new product and a new location, with their dialogs. */
function Creating() {
  const [creating, setCreating] = useState<'product' | 'location' | null>(null);
  const navigate = useNavigate();
  return (
    <>
      <button
        className="button"
        type="button"
        onClick={() => {
          setCreating('location');
        }}
      >
        New location
      </button>
      <button
        className="button button-primary"
        type="button"
        onClick={() => {
          setCreating('product');
        }}
      >
        <Icon name="plus" />
        New product
      </button>
      {creating === 'product' ? (
        <CreateProduct
          onClose={(id) => {
            setCreating(null);
            if (id !== null) void navigate(productPath(id));
          }}
        />
      ) : null}
      {creating === 'location' ? (
        <CreateLocation
          onClose={() => {
            setCreating(null);
          }}
        />
      ) : null}
    </>
  );
}

function ProductTable({ search, kind }: { readonly search: string; readonly kind: Kind }) {
  const pages = usePages();
  const filter = filterOf(search, kind) ?? {};
  const { data, error, loading, again } = useRead(ConsoleProductsDocument, {
    variables: { first: PAGE_SIZE, after: pages.after, filter },
  });
  // Words of names do not find an id, so what looks like one is looked up as well.
  const pause = !ID_FORM.test(search) || pages.number > 1;
  const byId = useRead(ConsoleProductsDocument, {
    variables: { first: 1, filter: { ids: [search], archived: kind === 'archived' } },
    pause,
  });
  const againById = byId.again;
  const bothAgain = useCallback(() => {
    again();
    if (!pause) againById();
  }, [again, againById, pause]);
  const named = data?.products.nodes ?? [];
  const found = byId.data?.products.nodes.filter(({ id }) => id === search) ?? [];
  const rows = [...found, ...named.filter(({ id }) => id !== search)];
  const info = data?.products.pageInfo;
  return (
    <Panel flush>
      <LiveNotice />
      {error ? <Failure error={error} again={again} /> : null}
      {loading && !error ? <Skeleton rows={12} /> : null}
      {data && rows.length === 0 && !info?.hasNextPage && !byId.loading ? (
        <NothingFound search={search} kind={kind} />
      ) : null}
      {rows.length > 0 ? <LiveRows rows={rows} again={bothAgain} /> : null}
      <GoesOn shown={rows.length} pageSize={PAGE_SIZE} info={info} what="product" on="Next" />
      <Pager pages={pages} info={info} back="Previous" on="Next">
        <span className="faint">Page {pages.number}</span>
      </Pager>
    </Panel>
  );
}

/** Available units change with each event; what an event does not tell is read again after it. */
function LiveRows({ rows, again }: { readonly rows: readonly Row[]; readonly again: () => void }) {
  const ids = rows.slice(0, LIVE_MAX).map(({ id }) => id);
  // Another order of the same products needs no other subscription.
  ids.sort();
  const live = useLiveLevels(ids, again);
  const changes = [...live.values()].reduce((sum, product) => sum + product.changes, 0);
  useThrottled(changes, again);
  const asked = ids.join('\n');
  useEffect(() => {
    // A change between the read and the begin of the subscription is in neither.
    const timer = setTimeout(again, READ_INTERVAL_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [asked, again]);
  return (
    <Table
      columns={COLUMNS}
      rows={rows.map((row) => asItIsNow(row, live.get(row.id)))}
      keyOf={({ row }) => row.id}
    />
  );
}

/** A product as it is now. */
interface ProductNow {
  readonly row: Row;
  readonly available: number;
  readonly isLow: boolean;
  /** How often it has changed while it was looked at. */
  readonly changes: number;
}

const COLUMNS: readonly Column<ProductNow>[] = [
  {
    head: 'Product',
    cell: ({ row }) => (
      <div className="name-cell">
        <ProductLink id={row.id}>{row.name}</ProductLink>
        <span className="mono">{row.id}</span>
      </div>
    ),
  },
  {
    head: <Term name="available">Available</Term>,
    className: 'number',
    cell: ({ available, changes }) => (
      <strong key={changes} className={changes > 0 ? 'changed' : undefined}>
        {count(available)}
      </strong>
    ),
  },
  {
    head: <Term name="held">Held</Term>,
    className: 'number phone-hidden soft',
    cell: ({ row }) => count(row.reserved),
  },
  {
    head: <Term name="on hand">On hand</Term>,
    className: 'number phone-hidden soft',
    cell: ({ row }) => count(row.onHand),
  },
  { head: 'State', cell: (now) => <StateOf now={now} /> },
];

function asItIsNow(row: Row, live: LiveProduct | undefined): ProductNow {
  const available = live?.available ?? row.available;
  const { lowStockThreshold: threshold } = row;
  const isLow = threshold !== null && available <= threshold;
  return { row, available, isLow, changes: live?.changes ?? 0 };
}

function StateOf({ now: { row, available, isLow } }: { readonly now: ProductNow }) {
  if (row.archivedAt !== null) return <Badge>archived</Badge>;
  if (available === 0) return <Badge tone="bad">sold out</Badge>;
  if (isLow) return <Badge tone="warn">low</Badge>;
  return <Badge tone="good">on sale</Badge>;
}

function NothingFound({ search, kind }: { readonly search: string; readonly kind: Kind }) {
  if (search !== '') {
    return (
      <Empty title={`No product matches “${search}”.`}>
        The search compares whole words of the name, in any order, and ids as a whole.
      </Empty>
    );
  }
  if (kind === 'low') {
    return (
      <Empty title="No product is low.">
        A product is listed here while its available units are at or below its threshold.
      </Empty>
    );
  }
  if (kind === 'archived') return <Empty title="No product is archived." />;
  return (
    <Empty title="There are no products yet.">
      Create one here, or import a catalogue: <code>stockade import products.csv</code>
    </Empty>
  );
}
