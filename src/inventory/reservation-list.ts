/** Lists reservations, newest first: a principal's own, and all of them for a principal that may manage. */
import type { Deadline } from '../time/deadline.js';
import { checkId, checkText } from './operation.js';
import type { Page, PageRequest } from './pages.js';
import { checkPage, type PageArguments } from './product-service.js';
import type { Reservation, ReservationStatus } from './reservation.js';
import type { Caller } from './stock-request.js';

/** All that is given must hold. */
export interface ReservationFilter {
  /** By the database's clock: EXPIRED also where nothing has given the stock back yet. */
  readonly status?: ReservationStatus | undefined;
  /** A product of one of its lines. */
  readonly productId?: string | undefined;
  readonly reference?: string | undefined;
}

/** Of which principal; null is the principal of reservations that were made without authentication. */
export type Owner = { readonly principal: string | null } | 'ANY';

/** The storage port that lists reservations. */
export interface ReservationLister {
  /**
   * Newest first. A page may be shorter than it was asked for while the list goes on.
   *
   * @throws InvalidCursorError; StorageUnavailableError, also at the caller's end.
   */
  reservations(
    page: PageRequest,
    filter: ReservationFilter & { readonly owner: Owner },
    deadline: Deadline,
  ): Promise<Page<Reservation>>;
}

export class ReservationList {
  constructor(private readonly lister: ReservationLister) {}

  /** @throws InvalidRequestError, InvalidCursorError, StorageUnavailableError */
  async reservations(
    page: PageArguments,
    { status, productId, reference }: ReservationFilter,
    { principal, mayManage, deadline }: Caller,
  ): Promise<Page<Reservation>> {
    const request = checkPage(page);
    if (productId !== undefined) checkId(productId, 'filter.productId');
    checkText(reference, 'filter.reference');
    const owner = mayManage === true ? 'ANY' : { principal };
    return this.lister.reservations(request, { status, productId, reference, owner }, deadline);
  }
}
