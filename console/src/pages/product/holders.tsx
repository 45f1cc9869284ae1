/** Who holds units of a product: its active reservations. */
import { useEffect, useRef } from 'react';
import { useRead } from '../../api/read';
import { ConsoleReservationsDocument } from '../../generated/operations';
import { Panel } from '../../parts/page';
import { Failure } from '../../parts/states';
import { Term } from '../../parts/term';
import { ReservationTable } from '../reservation-table';

const SHOWN_MAX = 10;

export function Holders({
  productId,
  version,
}: {
  readonly productId: string;
  readonly version: number;
}) {
  const { data, error, again } = useRead(ConsoleReservationsDocument, {
    variables: { first: SHOWN_MAX, filter: { productId, status: 'ACTIVE' } },
  });
  const seen = useRef(version);
  useEffect(() => {
    if (seen.current !== version) again();
    seen.current = version;
  }, [version, again]);
  const reservations = data?.reservations.nodes ?? [];
  if (!error && reservations.length === 0) return null;
  return (
    <Panel
      flush
      title={
        <>
          <Term name="hold">Held</Term> by reservations
        </>
      }
      aside={data?.reservations.pageInfo.hasNextPage ? `the newest ${SHOWN_MAX}` : null}
    >
      {error ? <Failure error={error} again={again} /> : null}
      {reservations.length > 0 ? (
        <ReservationTable reservations={reservations} productId={productId} onChange={again} />
      ) : null}
    </Panel>
  );
}
