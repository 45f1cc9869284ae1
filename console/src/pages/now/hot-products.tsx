/** The products that most callers ask for, with their queues, their owners, and when they will be sold out. */
import { count, duration, rounded } from '../../parts/format';
import { Badge, Panel } from '../../parts/page';
import { ProductLink } from '../../parts/product-link';
import { Empty } from '../../parts/states';
import { Table, type Column } from '../../parts/table';
import { Term } from '../../parts/term';
import type { Fleet } from '../now';

type HotProduct = Fleet['hotProducts'][number];

export function HotProducts({ fleet }: { readonly fleet: Fleet }) {
  return (
    <Panel flush title="Hottest products">
      {fleet.hotProducts.length === 0 ? (
        <Empty title="Nothing is sold at the moment.">
          Products stand here while callers ask for them.
        </Empty>
      ) : (
        <Table
          columns={columnsOf(fleet)}
          rows={fleet.hotProducts}
          keyOf={({ productId }) => productId}
        />
      )}
    </Panel>
  );
}

function columnsOf(fleet: Fleet): readonly Column<HotProduct>[] {
  const servers = new Map(fleet.servers.map((server) => [server.id, server]));
  return [
    {
      head: 'Product',
      cell: ({ productId, product }) => (
        <div className="name-cell">
          <ProductLink id={productId}>{product?.name ?? productId}</ProductLink>
          <span className="mono">{productId}</span>
        </div>
      ),
    },
    { head: 'Lines/s', className: 'number', cell: (hot) => rounded(hot.linesPerSecond) },
    {
      head: 'Units/s',
      className: 'number phone-hidden soft',
      cell: (hot) => rounded(hot.unitsPerSecond),
    },
    {
      head: <Term name="lane">Queue</Term>,
      className: 'number',
      cell: (hot) => count(hot.queuedLines),
    },
    {
      head: <Term name="available">Available</Term>,
      className: 'number',
      cell: ({ product }) => (product ? count(product.available) : '–'),
    },
    {
      head: <Term name="time to sold out">Sold out in</Term>,
      className: 'number',
      cell: (hot) => <SoldOut hot={hot} />,
    },
    {
      head: <Term name="owner">Owner</Term>,
      className: 'phone-hidden soft',
      cell: ({ ownerId }) => nameOf(servers.get(ownerId ?? '')) ?? '–',
    },
  ];
}

function SoldOut({ hot }: { readonly hot: HotProduct }) {
  if (hot.product?.available === 0) return <Badge tone="bad">sold out</Badge>;
  if (hot.soldOutInSeconds === null) return <span className="faint">–</span>;
  return <Badge tone="warn">{duration(hot.soldOutInSeconds * 1_000)}</Badge>;
}

export function nameOf(
  server: { readonly host: string; readonly pid: number } | undefined,
): string | null {
  return server ? `${server.host}:${server.pid}` : null;
}
