/** The server processes: their state, and which MySQL and Redis they use. */
import { count, duration, rounded } from '../../parts/format';
import { Badge, Panel } from '../../parts/page';
import { Table, type Column } from '../../parts/table';
import { Term } from '../../parts/term';
import { milliseconds, type Fleet } from '../now';
import { nameOf } from './hot-products';

type Server = Fleet['servers'][number];

const STATES: Readonly<
  Record<
    Server['state'],
    { readonly name: string; readonly tone: 'good' | 'bad' | 'warn' | 'plain' }
  >
> = {
  READY: { name: 'ready', tone: 'good' },
  AWAY: { name: 'away', tone: 'bad' },
  STOPPING: { name: 'stopping', tone: 'warn' },
  GONE: { name: 'gone', tone: 'bad' },
};

export function Servers({ fleet }: { readonly fleet: Fleet }) {
  return (
    <Panel flush title="Servers">
      <Table columns={columnsOf(fleet)} rows={fleet.servers} keyOf={({ id }) => id} />
    </Panel>
  );
}

function columnsOf(fleet: Fleet): readonly Column<Server>[] {
  return [
    {
      head: 'Server',
      cell: (server) => (
        <div className="name-cell">
          <strong>{nameOf(server)}</strong>
          <span className="mono">
            {server.version}, up {duration(upMs(fleet, server))}
          </span>
        </div>
      ),
    },
    { head: 'State', cell: (server) => <ServerState server={server} /> },
    {
      head: 'MySQL',
      cell: ({ mysql, mysqlServer }) => (
        <span className="mono" title={mysqlServer ?? ''}>
          {mysql ?? 'away'}
        </span>
      ),
    },
    {
      head: 'Redis',
      cell: ({ redis }) => <span className="mono">{[...new Set(redis)].join(', ') || '–'}</span>,
    },
    {
      head: <Term name="lock mode">Lock</Term>,
      cell: ({ lock: { now, configured } }) =>
        now === configured ? now : <Badge tone="warn">{now}</Badge>,
    },
    {
      head: 'Lines/s',
      className: 'number',
      cell: ofReporting(({ answeredPerSecond }) => rounded(answeredPerSecond)),
    },
    {
      head: 'Queue',
      className: 'number',
      cell: ofReporting(({ queuedLines }) => count(queuedLines)),
    },
    {
      head: (
        <>
          Wait <Term name="p99">p99</Term>
        </>
      ),
      className: 'number',
      cell: ofReporting(({ waits }) => milliseconds(waits.p99Ms)),
    },
    {
      head: 'Commit p99',
      className: 'number',
      cell: ofReporting(({ commits }) => milliseconds(commits.p99Ms)),
    },
  ];
}

/** What the last report of a server says is not so any more where the server is gone. */
function ofReporting(cell: (server: Server) => string): (server: Server) => string {
  return (server) => (server.state === 'GONE' ? '–' : cell(server));
}

function ServerState({ server: { state, silentMs } }: { readonly server: Server }) {
  const { tone, name } = STATES[state];
  return (
    <>
      <Badge tone={tone}>{name}</Badge>
      {state === 'GONE' ? <span className="faint"> for {duration(silentMs)}</span> : null}
    </>
  );
}

/** Until its last report. */
function upMs(fleet: Fleet, { startedAt, silentMs }: Server): number {
  return Math.max(0, Date.parse(fleet.at) - silentMs - Date.parse(startedAt));
}
