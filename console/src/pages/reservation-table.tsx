/** Reservations in rows: what they hold, until when, and how to extend or release them. */
import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { useViewer } from '../api/viewer';
import { FormDialog, type FormSpec } from '../forms/form-dialog';
import { given, numberOf, outcomeOfError, wrong } from '../forms/outcomes';
import {
  ConsoleExtendDocument,
  ConsoleReleaseDocument,
  type ReservationRowFragment,
  type ReservationStatus,
} from '../generated/operations';
import { count, duration, moment, words } from '../parts/format';
import { Moment } from '../parts/moment';
import { Badge } from '../parts/page';
import { ProductLink } from '../parts/product-link';
import { Table, type Column } from '../parts/table';

type Tone = 'plain' | 'good' | 'warn' | 'accent';

const TONES: Readonly<Record<ReservationStatus, Tone>> = {
  ACTIVE: 'accent',
  COMMITTED: 'good',
  RELEASED: 'plain',
  EXPIRED: 'warn',
};

interface TableProps {
  readonly reservations: readonly ReservationRowFragment[];
  /** Shows the units of this product alone. */
  readonly productId?: string;
  readonly onChange: () => void;
}

export function ReservationTable({ reservations, productId, onChange }: TableProps) {
  const nowMs = useNow();
  const [open, setOpen] = useState<{
    readonly kind: 'extend' | 'release';
    readonly id: string;
  } | null>(null);
  const client = useClient();
  // A list has only reservations that its caller may end: its own, and with `manage` those of all principals.
  const mayChange = useViewer().may('deduct');
  const actions: Column<ReservationRowFragment> = {
    head: <span className="visually-hidden">Actions</span>,
    cell: (reservation) =>
      isActive(reservation, nowMs) ? (
        <Buttons
          onOpen={(kind) => {
            setOpen({ kind, id: reservation.id });
          }}
        />
      ) : null,
  };
  const columns = [...columnsOf(productId, nowMs), ...(mayChange ? [actions] : [])];
  return (
    <>
      <Table columns={columns} rows={reservations} keyOf={({ id }) => id} />
      {open ? (
        <FormDialog
          form={open.kind === 'extend' ? extendForm(client, open.id) : releaseForm(client, open.id)}
          onClose={(done) => {
            setOpen(null);
            if (done) onChange();
          }}
        />
      ) : null}
    </>
  );
}

function columnsOf(
  productId: string | undefined,
  nowMs: number,
): readonly Column<ReservationRowFragment>[] {
  return [
    {
      head: 'Holds',
      cell: (reservation) => <Holds reservation={reservation} productId={productId} />,
    },
    {
      head: 'State',
      cell: (reservation) => {
        const { status } = reservation;
        const isOverdue = status === 'ACTIVE' && !isActive(reservation, nowMs);
        return (
          <Badge tone={isOverdue ? 'warn' : TONES[status]}>
            {isOverdue ? 'expired' : words(status)}
          </Badge>
        );
      },
    },
    {
      head: 'Until',
      className: 'soft',
      cell: (reservation) => (
        <Moment at={reservation.expiresAt}>
          {isActive(reservation, nowMs)
            ? `in ${duration(Date.parse(reservation.expiresAt) - nowMs)}`
            : moment(reservation.expiresAt)}
        </Moment>
      ),
    },
    {
      head: 'Reference',
      className: 'phone-hidden',
      cell: ({ reference }) => (
        <div className="clip">{reference ?? <span className="faint">–</span>}</div>
      ),
    },
    {
      head: 'Created',
      className: 'phone-hidden soft',
      cell: ({ createdAt }) => <Moment at={createdAt} />,
    },
  ];
}

function isActive({ status, expiresAt }: ReservationRowFragment, nowMs: number): boolean {
  return status === 'ACTIVE' && Date.parse(expiresAt) > nowMs;
}

function Holds({
  reservation: { id, items },
  productId,
}: {
  readonly reservation: ReservationRowFragment;
  readonly productId: string | undefined;
}) {
  const shown =
    productId === undefined ? items : items.filter((item) => item.productId === productId);
  return (
    <div className="name-cell">
      {shown.map((item, position) => (
        <span key={position}>
          <strong>{count(item.quantity)}</strong> ×{' '}
          {productId === undefined ? (
            <ProductLink id={item.productId}>{item.productId}</ProductLink>
          ) : (
            item.locationId
          )}
        </span>
      ))}
      <span className="mono">{id}</span>
    </div>
  );
}

function Buttons({ onOpen }: { readonly onOpen: (kind: 'extend' | 'release') => void }) {
  return (
    <div className="button-row">
      {(['extend', 'release'] as const).map((kind) => (
        <button
          key={kind}
          className="button button-small"
          type="button"
          onClick={() => {
            onOpen(kind);
          }}
        >
          {kind === 'extend' ? 'Extend' : 'Release'}
        </button>
      ))}
    </div>
  );
}

/** Moves on once a second, for the time that is left. */
function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNowMs(Date.now());
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return nowMs;
}

type Client = ReturnType<typeof useClient>;

function extendForm(client: Client, reservationId: string): FormSpec {
  return {
    title: 'Extend the reservation',
    action: 'Extend',
    initial: { minutes: '15' },
    fields: [
      {
        name: 'minutes',
        label: 'Minutes',
        kind: 'number',
        required: true,
        hint: 'From now on. Fewer minutes than are left shorten it.',
      },
    ],
    send: async (values) => {
      const input = { reservationId, ttlSeconds: (numberOf(values, 'minutes') ?? 0) * 60 };
      const { data, error } = await client.mutation(ConsoleExtendDocument, { input });
      if (!data) {
        return error ? outcomeOfError(error, { ttlSeconds: 'minutes' }) : wrong('', 'No answer.');
      }
      const answer = data.extendReservation;
      return answer.__typename === 'Reservation' ? { done: true } : wrong('', answer.message);
    },
  };
}

function releaseForm(client: Client, reservationId: string): FormSpec {
  return {
    title: 'Release the reservation?',
    lead: 'Its units are available again at once. The customer who holds them loses them.',
    action: 'Release',
    danger: true,
    fields: [],
    send: async (_values, idempotencyKey) => {
      const input = given({ reservationId, idempotencyKey });
      const { data, error } = await client.mutation(ConsoleReleaseDocument, { input });
      if (!data) return error ? outcomeOfError(error) : wrong('', 'No answer.');
      const answer = data.releaseReservation;
      return answer.__typename === 'ReservationReleased'
        ? { done: true }
        : { errors: { '': answer.message }, isFinal: !('retryable' in answer && answer.retryable) };
    },
  };
}
