/** Why a number is what it is: what an id of any kind names, and everything that is stored about it. */
import type { Deadline } from '../time/deadline.js';
import type { StockMovement } from './movements.js';
import { InvalidRequestError, checkText } from './operation.js';
import type { Page, PageRequest } from './pages.js';
import { checkPage, type PageArguments } from './product-service.js';

/** What an id can name. The same text may be several of these. */
export type JourneyKind =
  | 'PRODUCT'
  | 'LOCATION'
  | 'MOVEMENT'
  | 'RESERVATION'
  | 'REFERENCE'
  | 'IDEMPOTENCY_KEY'
  | 'PRINCIPAL';

export type JourneyEventKind =
  | 'PRODUCT_CREATED'
  | 'PRODUCT_ARCHIVED'
  | 'LOCATION_CREATED'
  | 'RESERVED'
  | 'RESERVATION_COMMITTED'
  | 'RESERVATION_RELEASED'
  | 'RESERVATION_EXPIRED'
  | 'ANSWERED';

/** What happened beside the lines of the ledger. */
export interface JourneyEvent {
  readonly kind: JourneyEventKind;
  /** Null: the moment is not stored. */
  readonly at: Date | null;
  readonly text: string;
  readonly principal: string | null;
  readonly reservationId: string | null;
  /** As JourneyLine has it; null where none is stored. */
  readonly operationId: string | null;
}

/** A line of the ledger, and how it came there. */
export interface JourneyLine {
  readonly movement: StockMovement;
  /** Of the request, in hexadecimal digits. */
  readonly operationId: string;
  /** The line's place in the request, from 0. */
  readonly lineIndex: number;
  /** When it was asked for, and how long it then waited to be decided. Null: not stored. */
  readonly askedAt: Date | null;
  readonly waitedMs: number | null;
  readonly batch: { readonly id: string; readonly lines: number };
}

export interface Journey {
  readonly id: string;
  readonly kinds: readonly JourneyKind[];
  /** Newest first; those without a moment last. */
  readonly events: readonly JourneyEvent[];
  /** Newest first. */
  readonly lines: Page<JourneyLine>;
}

export interface JourneyQuestion {
  readonly id: string;
  /** Of an idempotency key; beside the names of API keys, which are all tried. */
  readonly principal: string | null;
}

/** The storage port. */
export interface JourneyCatalogue {
  /** @throws InvalidCursorError; StorageUnavailableError, also at the caller's end. */
  journey(question: JourneyQuestion, page: PageRequest, deadline: Deadline): Promise<Journey>;
}

export class Journeys {
  constructor(private readonly catalogue: JourneyCatalogue) {}

  /** @throws InvalidRequestError, InvalidCursorError, StorageUnavailableError */
  async journey(
    { id, principal }: JourneyQuestion,
    page: Pick<PageArguments, 'first' | 'after'>,
    deadline: Deadline,
  ): Promise<Journey> {
    if (id === '') throw new InvalidRequestError('id must have 1 to 255 characters; got 0.', 'id');
    checkText(id, 'id');
    checkText(principal, 'principal');
    return this.catalogue.journey({ id, principal }, checkPage(page), deadline);
  }
}
