/** Reservations in rows: what they hold, until when, and how to extend or release them. */
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import { useClient } from 'urql';
import { FormDialog, type FormSpec } from '../forms/form-dialog';
import { given, numberOf, outcomeOfError, wrong } from '../forms/outcomes';
import {
  ConsoleExtendDocument,
  ConsoleReleaseDocument,
  type ReservationRowFragment,
  type ReservationStatus,
} from '../generated/operations';
import { count, duration, exactMoment, moment, words } from '../parts/format';
import { Badge } from '../parts/page';

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
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Holds</th>
            <th scope="col">State</th>
            <th scope="col">Until</th>
            <th scope="col" className="phone-hidden">
              Reference
            </th>
            <th scope="col" className="phone-hidden">
              Created
            </th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {reservations.map((reservation) => (
            <ReservationLine
              key={reservation.id}
              reservation={reservation}
              productId={productId}
              nowMs={nowMs}
              onOpen={(kind) => {
                setOpen({ kind, id: reservation.id });
              }}
            />
          ))}
        </tbody>
      </table>
      {open ? (
        <FormDialog
          form={open.kind === 'extend' ? extendForm(client, open.id) : releaseForm(client, open.id)}
          onClose={(done) => {
            setOpen(null);
            if (done) onChange();
          }}
        />
      ) : null}
    </div>
  );
}

function ReservationLine({
  reservation,
  productId,
  nowMs,
  onOpen,
}: {
  readonly reservation: ReservationRowFragment;
  readonly productId: string | undefined;
  readonly nowMs: number;
  readonly onOpen: (kind: 'extend' | 'release') => void;
}) {
  const { id, status, items, reference, createdAt, expiresAt } = reservation;
  const restMs = Date.parse(expiresAt) - nowMs;
  const isActive = status === 'ACTIVE' && restMs > 0;
  const shown =
    productId === undefined ? items : items.filter((item) => item.productId === productId);
  return (
    <tr>
      <td>
        <div className="name-cell">
          {shown.map((item, position) => (
            <span key={position}>
              <strong>{count(item.quantity)}</strong> ×{' '}
              {productId === undefined ? (
                <Link to={`/products/${encodeURIComponent(item.productId)}`}>{item.productId}</Link>
              ) : (
                item.locationId
              )}
            </span>
          ))}
          <span className="mono">{id}</span>
        </div>
      </td>
      <td>
        <Badge tone={isActive || status !== 'ACTIVE' ? TONES[status] : 'warn'}>
          {isActive || status !== 'ACTIVE' ? words(status) : 'expired'}
        </Badge>
      </td>
      <td className="soft">
        <time dateTime={expiresAt} title={exactMoment(expiresAt)}>
          {isActive ? `in ${duration(restMs)}` : moment(expiresAt)}
        </time>
      </td>
      <td className="phone-hidden">
        <div className="clip">{reference ?? <span className="faint">–</span>}</div>
      </td>
      <td className="phone-hidden soft">
        <time dateTime={createdAt} title={exactMoment(createdAt)}>
          {moment(createdAt)}
        </time>
      </td>
      <td>
        <div className="button-row">
          {isActive
            ? (['extend', 'release'] as const).map((kind) => (
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
              ))
            : null}
        </div>
      </td>
    </tr>
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
        : { errors: { '': answer.message }, retryable: 'retryable' in answer && answer.retryable };
    },
  };
}
