/** Products: found by the words of their names or by an id, with levels that change while they are looked at. */
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
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
import { Badge, Page, Panel } from '../parts/page';
import { SearchBox } from '../parts/search-box';
import { Segments } from '../parts/segments';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Term } from '../parts/term';

type Row = ConsoleProductsQuery['products']['nodes'][number];

const PAGE_SIZE = 50;
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
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const kind = KINDS.find(({ value }) => value === params.get('show'))?.value ?? 'sale';
  const [creating, setCreating] = useState<'product' | 'location' | null>(null);
  const navigate = useNavigate();
  const { may } = useViewer();
  const show = (changes: Readonly<Record<string, string>>) => {
    const all = Object.entries({ search, show: kind, ...changes });
    setParams(Object.fromEntries(all.filter(([, value]) => value !== '' && value !== 'sale')), {
      replace: true,
    });
  };
  return (
    <Page
      title="Products"
      actions={
        may('manage') ? (
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
          </>
        ) : null
      }
    >
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
            show({ show: value });
          }}
        />
      </div>
      <ProductTable key={`${search} ${kind}`} search={search} kind={kind} />
      {creating === 'product' ? (
        <CreateProduct
          onClose={(id) => {
            setCreating(null);
            if (id !== null) void navigate(`/products/${encodeURIComponent(id)}`);
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
    </Page>
  );
}

function ProductTable({ search, kind }: { readonly search: string; readonly kind: Kind }) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const after = cursors.at(-1) ?? null;
  const filter = filterOf(search, kind) ?? {};
  const { data, error, loading, again } = useRead(ConsoleProductsDocument, {
    variables: { first: PAGE_SIZE, after, filter },
  });
  // Words of names do not find an id, so what looks like one is looked up as well.
  const byId = useRead(ConsoleProductsDocument, {
    variables: { first: 1, filter: { ids: [search], archived: kind === 'archived' } },
    pause: !ID_FORM.test(search) || cursors.length > 1,
  });
  const live = useLiveLevels(null, again);
  const named = data?.products.nodes ?? [];
  const found = byId.data?.products.nodes.filter(({ id }) => id === search) ?? [];
  const rows = [...found, ...named.filter(({ id }) => id !== search)];
  const next = data?.products.pageInfo;
  return (
    <Panel flush>
      {error ? <Failure error={error} again={again} /> : null}
      {loading && !error ? <Skeleton rows={12} /> : null}
      {data && rows.length === 0 && !byId.loading ? (
        <NothingFound search={search} kind={kind} />
      ) : null}
      {rows.length > 0 ? (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Product</th>
                <th scope="col" className="number">
                  <Term name="available">Available</Term>
                </th>
                <th scope="col" className="number phone-hidden">
                  <Term name="held">Held</Term>
                </th>
                <th scope="col" className="number phone-hidden">
                  <Term name="on hand">On hand</Term>
                </th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <ProductRow key={row.id} row={row} live={live.get(row.id)} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
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
            Previous
          </button>
          <span className="faint">Page {cursors.length}</span>
          <button
            className="button button-small"
            type="button"
            disabled={!next?.hasNextPage}
            onClick={() => {
              setCursors([...cursors, next?.endCursor ?? null]);
            }}
          >
            Next
          </button>
        </div>
      ) : null}
    </Panel>
  );
}

function ProductRow({ row, live }: { readonly row: Row; readonly live: LiveProduct | undefined }) {
  const available = live?.available ?? row.available;
  const { onHand, reserved } = totalsOf(row, live);
  const { lowStockThreshold: threshold } = row;
  const isLow = live?.lowStock ?? (threshold !== null && available <= threshold);
  return (
    <tr>
      <td>
        <div className="name-cell">
          <Link to={`/products/${encodeURIComponent(row.id)}`}>{row.name}</Link>
          <span className="mono">{row.id}</span>
        </div>
      </td>
      <td className="number">
        <strong key={live?.changes ?? 0} className={live ? 'changed' : undefined}>
          {count(available)}
        </strong>
      </td>
      <td className="number phone-hidden soft">{count(reserved)}</td>
      <td className="number phone-hidden soft">{count(onHand)}</td>
      <td>
        <StateOf archived={row.archivedAt !== null} available={available} isLow={isLow} />
      </td>
    </tr>
  );
}

/** The levels of one location are exact; those of several arrive one by one. */
function totalsOf(
  row: Row,
  live: LiveProduct | undefined,
): { readonly onHand: number; readonly reserved: number } {
  const [level, ...others] = live ? [...live.levels.values()] : [];
  if (!live || !level || others.length > 0) {
    const reserved = row.reserved;
    return { onHand: live ? live.available + reserved : row.onHand, reserved };
  }
  const isOnly = level.available === live.available;
  return isOnly
    ? { onHand: level.onHand, reserved: level.reserved }
    : { onHand: live.available + row.reserved, reserved: row.reserved };
}

function StateOf(state: {
  readonly archived: boolean;
  readonly available: number;
  readonly isLow: boolean;
}) {
  if (state.archived) return <Badge>archived</Badge>;
  if (state.available === 0) return <Badge tone="bad">sold out</Badge>;
  if (state.isLow) return <Badge tone="warn">low</Badge>;
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
