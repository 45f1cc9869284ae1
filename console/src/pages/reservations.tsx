/** Reservations of all callers, newest first, read again every few seconds. */
import { useAddress } from '../api/address';
import { useRead } from '../api/read';
import { ConsoleReservationsDocument, type ReservationStatus } from '../generated/operations';
import { Page, Panel } from '../parts/page';
import { GoesOn, Pager, usePages } from '../parts/pager';
import { SearchBox } from '../parts/search-box';
import { Segments } from '../parts/segments';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Term } from '../parts/term';
import { ReservationTable } from './reservation-table';

const PAGE_SIZE = 50;
const READ_INTERVAL_MS = 3_000;

const STATES = [
  { value: 'ACTIVE', label: 'Active' },
  { value: 'COMMITTED', label: 'Committed' },
  { value: 'RELEASED', label: 'Released' },
  { value: 'EXPIRED', label: 'Expired' },
  { value: 'ALL', label: 'All' },
] as const;

export function ReservationsPage() {
  const [params, show] = useAddress();
  const state = STATES.find(({ value }) => value === params.get('state'))?.value ?? 'ACTIVE';
  const search = params.get('search') ?? '';
  return (
    <Page
      title="Reservations"
      lead={
        <>
          A reservation <Term name="hold">holds</Term> units while a customer checks out, until it
          is committed, released, or its time is over.
        </>
      }
    >
      <div className="bar">
        <SearchBox
          label="Search reservations"
          placeholder="A reference, or product:id"
          value={search}
          onSearch={(text) => {
            show({ search: text });
          }}
        />
        <Segments
          label="State"
          options={STATES}
          value={state}
          onChoose={(value) => {
            show({ state: value === 'ACTIVE' ? '' : value });
          }}
        />
      </div>
      <List key={`${state} ${search}`} state={state} search={search} />
    </Page>
  );
}

function List({
  state,
  search,
}: {
  readonly state: ReservationStatus | 'ALL';
  readonly search: string;
}) {
  const pages = usePages();
  const [, productId] = /^product:(.+)$/.exec(search) ?? [];
  const filter = {
    ...(state === 'ALL' ? {} : { status: state }),
    ...(productId === undefined ? (search === '' ? {} : { reference: search }) : { productId }),
  };
  const { data, error, loading, again } = useRead(ConsoleReservationsDocument, {
    variables: { first: PAGE_SIZE, after: pages.after, filter },
    everyMs: READ_INTERVAL_MS,
  });
  const reservations = data?.reservations.nodes ?? [];
  const info = data?.reservations.pageInfo;
  return (
    <Panel flush>
      {error ? <Failure error={error} again={again} /> : null}
      {loading && !error ? <Skeleton rows={8} /> : null}
      {data && reservations.length === 0 && !info?.hasNextPage ? (
        <Empty
          title={search === '' ? 'There are no such reservations.' : 'No reservation matches.'}
        >
          {search === '' ? 'Hold units of a product to see one here.' : null}
        </Empty>
      ) : null}
      {reservations.length > 0 ? (
        <ReservationTable reservations={reservations} onChange={again} />
      ) : null}
      <GoesOn
        shown={reservations.length}
        pageSize={PAGE_SIZE}
        info={info}
        what="reservation"
        on="Older"
      />
      <Pager pages={pages} info={info} back="Newer" on="Older" />
    </Panel>
  );
}
