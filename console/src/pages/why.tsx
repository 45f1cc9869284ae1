/** Why a number is what it is: one box takes an id of any kind, and answers with its journey, newest step first. */
import { Link } from 'react-router';
import { useAddress } from '../api/address';
import { useRead } from '../api/read';
import {
  ConsoleJourneyDocument,
  type ConsoleJourneyQuery,
  type JourneyEventKind,
} from '../generated/operations';
import { count, exactMoment, plural, signed, words } from '../parts/format';
import { Moment } from '../parts/moment';
import { Badge, Page, Panel } from '../parts/page';
import { GoesOn, Pager, usePages } from '../parts/pager';
import { ProductLink } from '../parts/product-link';
import { SearchBox } from '../parts/search-box';
import { Empty, Failure, Skeleton } from '../parts/states';
import { Term } from '../parts/term';

type Journey = ConsoleJourneyQuery['journey'];
type JourneyEvent = Journey['events'][number];
type Line = Journey['lines']['nodes'][number];

const PAGE_SIZE = 50;

export function WhyPage() {
  const [params, show] = useAddress();
  const id = params.get('id') ?? '';
  return (
    <Page
      title="Why is this number so"
      lead={
        <>
          Takes the id of a product, a location, a reservation or a <Term name="movement" />, a{' '}
          <Term name="reference" />, an <Term name="idempotency key" /> or a{' '}
          <Term name="principal" />.
        </>
      }
    >
      <div className="bar">
        <SearchBox
          label="An id of any kind"
          value={id}
          autoFocus
          onSearch={(text) => {
            show({ id: text });
          }}
        />
      </div>
      {id === '' ? (
        <Panel>
          <Empty title="Enter an id to see its journey.">
            Every change of stock is a line of the ledger, with the request and the batch that wrote
            it.
          </Empty>
        </Panel>
      ) : (
        <JourneyOf key={id} id={id} />
      )}
    </Page>
  );
}

function JourneyOf({ id }: { readonly id: string }) {
  const pages = usePages();
  const { data, error, loading, again } = useRead(ConsoleJourneyDocument, {
    variables: { id, first: PAGE_SIZE, after: pages.after },
  });
  const journey = data?.journey;
  return (
    <Panel
      flush
      title={<span className="mono">{id}</span>}
      aside={journey?.kinds.map((kind) => (
        <Badge key={kind}>{words(kind)}</Badge>
      ))}
    >
      {error ? <Failure error={error} again={again} /> : null}
      {loading && !error ? <Skeleton rows={8} /> : null}
      {journey?.kinds.length === 0 && !journey.lines.pageInfo.hasNextPage ? (
        <Empty title="Nothing has this id.">Ids are compared as a whole.</Empty>
      ) : null}
      {journey ? <Timeline journey={journey} isFirst={pages.number === 1} /> : null}
      <GoesOn
        shown={journey?.lines.nodes.length ?? 0}
        pageSize={PAGE_SIZE}
        info={journey?.lines.pageInfo}
        what="line"
        on="Older"
      />
      <Pager pages={pages} info={journey?.lines.pageInfo} back="Newer" on="Older" />
    </Panel>
  );
}

type Step =
  | { readonly at: string | null; readonly event: JourneyEvent }
  | { readonly at: string; readonly line: Line };

/** Events stand on the first page; those without a moment come last. */
function stepsOf({ events, lines }: Journey, isFirst: boolean): readonly Step[] {
  const steps: Step[] = [
    ...(isFirst ? events.map((event) => ({ at: event.at, event })) : []),
    ...lines.nodes.map((line) => ({ at: line.movement.createdAt, line })),
  ];
  return steps.sort((a, b) => (b.at ?? '').localeCompare(a.at ?? ''));
}

function Timeline({ journey, isFirst }: { readonly journey: Journey; readonly isFirst: boolean }) {
  return (
    <ol className="timeline">
      {stepsOf(journey, isFirst).map((step, position) =>
        'line' in step ? (
          <LineStep key={position} line={step.line} />
        ) : (
          <EventStep key={position} event={step.event} />
        ),
      )}
    </ol>
  );
}

const TONES: Partial<Readonly<Record<JourneyEventKind, string>>> = {
  ANSWERED: 'plain',
  RESERVATION_EXPIRED: 'warn',
  PRODUCT_ARCHIVED: 'warn',
};

function EventStep({ event }: { readonly event: JourneyEvent }) {
  return (
    <li className="step" data-tone={TONES[event.kind]}>
      <When at={event.at} />
      <span className="step-dot" aria-hidden="true" />
      <div className="step-text">
        <p className="step-title">{event.text}</p>
        <p className="step-facts">
          {event.principal === null ? null : <Fact name="by" id={event.principal} />}
          {event.reservationId === null ? null : (
            <Fact name="reservation" id={event.reservationId} />
          )}
        </p>
      </div>
    </li>
  );
}

function LineStep({ line: { movement, batch, askedAt, waitedMs } }: { readonly line: Line }) {
  const { productId, locationId, quantityBefore, quantityAfter, delta } = movement;
  return (
    <li className="step" data-tone={delta < 0 ? 'good' : 'plain'}>
      <When at={movement.createdAt} />
      <span className="step-dot" aria-hidden="true" />
      <div className="step-text">
        <p className="step-title">
          {words(movement.kind)} <strong>{signed(delta)}</strong>:{' '}
          <ProductLink id={productId}>{productId}</ProductLink> at {locationId},{' '}
          {count(quantityBefore)} → {count(quantityAfter)}
        </p>
        <p className="step-facts">
          <span>
            <Term name="sequence">line</Term> {count(movement.sequence)}
          </span>
          {askedAt === null || waitedMs === null ? null : (
            <span>
              asked <time dateTime={askedAt}>{exactMoment(askedAt)}</time>, waited {count(waitedMs)}{' '}
              ms
            </span>
          )}
          <span>
            decided in a <Term name="batch" /> of {plural(batch.lines, 'line')}
          </span>
          {movement.fencingToken === null ? null : (
            <span>
              under <Term name="token" /> {movement.fencingToken}
            </span>
          )}
          {movement.principal === null ? null : <Fact name="by" id={movement.principal} />}
          {movement.reference === null ? null : <Fact name="reference" id={movement.reference} />}
          {movement.idempotencyKey === null ? null : (
            <Fact name="key" id={movement.idempotencyKey} />
          )}
          {movement.reason === null ? null : <span>“{movement.reason}”</span>}
        </p>
      </div>
    </li>
  );
}

function When({ at }: { readonly at: string | null }) {
  if (at === null) return <span className="step-when">not stored</span>;
  return <Moment className="step-when" at={at} />;
}

/** Leads to the journey of that id. */
function Fact({ name, id }: { readonly name: string; readonly id: string }) {
  return (
    <span>
      {name} <Link to={`/why?id=${encodeURIComponent(id)}`}>{id}</Link>
    </span>
  );
}
