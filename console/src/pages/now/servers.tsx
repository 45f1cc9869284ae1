/** The server processes: their state, and which MySQL and Redis they use. */
import { count, duration, rounded } from '../../parts/format';
import { Badge, Panel } from '../../parts/page';
import { Term } from '../../parts/term';
import { milliseconds, type Fleet } from '../now';
import { nameOf } from './hot-products';

type State = Fleet['servers'][number]['state'];

const STATES: Readonly<
  Record<State, { readonly name: string; readonly tone: 'good' | 'bad' | 'warn' | 'plain' }>
> = {
  READY: { name: 'ready', tone: 'good' },
  AWAY: { name: 'away', tone: 'bad' },
  STOPPING: { name: 'stopping', tone: 'warn' },
  GONE: { name: 'gone', tone: 'bad' },
};

export function Servers({ fleet }: { readonly fleet: Fleet }) {
  return (
    <Panel flush title="Servers">
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Server</th>
              <th scope="col">State</th>
              <th scope="col">MySQL</th>
              <th scope="col">Redis</th>
              <th scope="col">
                <Term name="lock mode">Lock</Term>
              </th>
              <th scope="col" className="number">
                Lines/s
              </th>
              <th scope="col" className="number">
                Queue
              </th>
              <th scope="col" className="number">
                Wait <Term name="p99">p99</Term>
              </th>
              <th scope="col" className="number">
                Commit p99
              </th>
            </tr>
          </thead>
          <tbody>
            {fleet.servers.map((server) => (
              <tr key={server.id}>
                <td>
                  <div className="name-cell">
                    <strong>{nameOf(server)}</strong>
                    <span className="mono">
                      {server.version}, up {duration(upMs(fleet, server.startedAt))}
                    </span>
                  </div>
                </td>
                <td>
                  <Badge tone={STATES[server.state].tone}>{STATES[server.state].name}</Badge>
                  {server.state === 'GONE' ? (
                    <span className="faint"> for {duration(server.silentMs)}</span>
                  ) : null}
                </td>
                <td title={server.mysqlServer ?? ''}>
                  <span className="mono">{server.mysql ?? 'away'}</span>
                </td>
                <td>
                  <span className="mono">{[...new Set(server.redis)].join(', ') || '–'}</span>
                </td>
                <td>
                  {server.lock.now === server.lock.configured ? (
                    server.lock.now
                  ) : (
                    <Badge tone="warn">{server.lock.now}</Badge>
                  )}
                </td>
                <td className="number">{rounded(server.answeredPerSecond)}</td>
                <td className="number">{count(server.queuedLines)}</td>
                <td className="number">{milliseconds(server.waits.p99Ms)}</td>
                <td className="number">{milliseconds(server.commits.p99Ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function upMs(fleet: Fleet, startedAt: string): number {
  return Math.max(0, Date.parse(fleet.at) - Date.parse(startedAt));
}
