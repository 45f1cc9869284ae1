/** The products that most callers ask for, with their queues, their owners, and when they will be sold out. */
import { Link } from 'react-router';
import { count, duration, rounded } from '../../parts/format';
import { Badge, Panel } from '../../parts/page';
import { Empty } from '../../parts/states';
import { Term } from '../../parts/term';
import type { Fleet } from '../now';

export function HotProducts({ fleet }: { readonly fleet: Fleet }) {
  const servers = new Map(fleet.servers.map((server) => [server.id, server]));
  return (
    <Panel flush title="Hottest products">
      {fleet.hotProducts.length === 0 ? (
        <Empty title="Nothing is sold at the moment.">
          Products stand here while callers ask for them.
        </Empty>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Product</th>
                <th scope="col" className="number">
                  Lines/s
                </th>
                <th scope="col" className="number phone-hidden">
                  Units/s
                </th>
                <th scope="col" className="number">
                  <Term name="lane">Queue</Term>
                </th>
                <th scope="col" className="number">
                  <Term name="available">Available</Term>
                </th>
                <th scope="col" className="number">
                  <Term name="time to sold out">Sold out in</Term>
                </th>
                <th scope="col" className="phone-hidden">
                  <Term name="owner">Owner</Term>
                </th>
              </tr>
            </thead>
            <tbody>
              {fleet.hotProducts.map((hot) => (
                <tr key={hot.productId}>
                  <td>
                    <div className="name-cell">
                      <Link to={`/products/${encodeURIComponent(hot.productId)}`}>
                        {hot.product?.name ?? hot.productId}
                      </Link>
                      <span className="mono">{hot.productId}</span>
                    </div>
                  </td>
                  <td className="number">{rounded(hot.linesPerSecond)}</td>
                  <td className="number phone-hidden soft">{rounded(hot.unitsPerSecond)}</td>
                  <td className="number">{count(hot.queuedLines)}</td>
                  <td className="number">{hot.product ? count(hot.product.available) : '–'}</td>
                  <td className="number">
                    <SoldOut hot={hot} />
                  </td>
                  <td className="phone-hidden soft">
                    {nameOf(servers.get(hot.ownerId ?? '')) ?? '–'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function SoldOut({ hot }: { readonly hot: Fleet['hotProducts'][number] }) {
  if (hot.product?.available === 0) return <Badge tone="bad">sold out</Badge>;
  if (hot.soldOutInSeconds === null) return <span className="faint">–</span>;
  return <Badge tone="warn">{duration(hot.soldOutInSeconds * 1_000)}</Badge>;
}

export function nameOf(
  server: { readonly host: string; readonly pid: number } | undefined,
): string | null {
  return server ? `${server.host}:${server.pid}` : null;
}
