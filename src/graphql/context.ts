/** What belongs to one request: principal, deadline, loaders, and the id that its errors have in the log. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Authenticator, Principal } from '../auth/principal.js';
import type { FleetView } from '../fleet/fleet-view.js';
import type { DeductStockTransaction } from '../inventory/deduct-stock-transaction.js';
import type { IncreaseStockTransaction } from '../inventory/increase-stock-transaction.js';
import type { Journeys } from '../inventory/journey.js';
import type { LocationService } from '../inventory/location-service.js';
import type { ProductService } from '../inventory/product-service.js';
import type { ReservationExtension } from '../inventory/reservation-extension.js';
import type { ReservationList } from '../inventory/reservation-list.js';
import type { ReservationService } from '../inventory/reservation-service.js';
import type { SetStockTransaction } from '../inventory/set-stock-transaction.js';
import type { StockWatch } from '../inventory/stock-changes.js';
import type { Caller } from '../inventory/stock-request.js';
import { CallerGoneError } from '../inventory/stock-store.js';
import { systemClock } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';
import type { TransferStockTransaction } from '../inventory/transfer-stock-transaction.js';
import { Loaders } from './loaders.js';
import type { RefusalLog } from './refusal-log.js';
import type { SaleTrials } from './sale-trials.js';

/** The parts of the domain that the schema uses. */
export interface Services {
  readonly deductStock: Pick<DeductStockTransaction, 'execute'>;
  readonly increaseStock: Pick<IncreaseStockTransaction, 'execute'>;
  readonly setStock: Pick<SetStockTransaction, 'execute'>;
  readonly transferStock: Pick<TransferStockTransaction, 'execute'>;
  readonly reservations: Pick<ReservationService, 'reservation' | 'reserve' | 'commit' | 'release'>;
  readonly reservationExtension: Pick<ReservationExtension, 'execute'>;
  readonly reservationList: Pick<ReservationList, 'reservations'>;
  readonly locations: Pick<
    LocationService,
    'locations' | 'createLocation' | 'updateLocation' | 'locationsByIds' | 'mostLocations'
  >;
  readonly products: Pick<
    ProductService,
    | 'createProduct'
    | 'updateProduct'
    | 'setArchived'
    | 'productsByIds'
    | 'products'
    | 'levelsByProductIds'
    | 'mostLevels'
    | 'movements'
    | 'movementsByProductIds'
  >;
  readonly stockWatch: StockWatch;
  /** Only the server of `stockade dev` has them; its schema alone names them. */
  readonly saleTrials?: SaleTrials | undefined;
  /** What all servers report. */
  readonly fleet: { view(): Promise<FleetView> };
  readonly journeys: Pick<Journeys, 'journey'>;
}

export interface RequestSettings {
  readonly services: Services;
  readonly refusals: RefusalLog;
  readonly log: Logger;
  /** Null: no authentication; every operation is permitted. */
  readonly authenticator: Authenticator | null;
  /** From the request's arrival, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Told of each operation that has ended. */
  readonly observer?: RequestObserver | null;
}

/** One operation that came by HTTP, at its end. */
export interface EndedRequest {
  /** Its field, as in `deductStock`; `several`, or `none` where it was refused before that was known. */
  readonly operation: string;
  readonly isMutation: boolean;
  /** The code of its first error; null without one. */
  readonly failure: string | null;
  readonly tookMs: number;
  readonly principal: string | null;
  readonly correlationId: string;
}

/** What becomes of an operation. */
interface Course {
  /** To be called back at its end. */
  ends: (() => void)[] | null;
  operation: string;
  isMutation: boolean;
  failure: string | null;
  readonly beganMs: number;
}

export interface RequestObserver {
  ended(request: EndedRequest): void;
  /** A client was answered `INTERNAL_SERVER_ERROR`. */
  unexpected?(): void;
}

/** @throws RateLimitedError */
export type Charge = (weight: number) => Promise<void>;

export class RequestContext {
  readonly services: Services;
  readonly principal: Principal | null;
  readonly needsPrincipal: boolean;
  readonly caller: Caller;
  readonly correlationId: string;
  /** The client's; null where the operation did not come over the network. */
  readonly address: string | null;
  readonly log: Logger;
  /** Counts what a request weighs beyond the one that it was admitted for; null without a rate limit. */
  readonly charge: Charge | null;
  /** Apollo gives its pipeline a shallow copy of the context: what is learnt there must be known here. */
  private readonly course: Course;
  private lazyLoaders: Loaders | undefined;

  constructor(
    private readonly settings: RequestSettings,
    request: {
      /** Null: without authentication. */
      readonly principal: Principal | null;
      readonly correlationId?: string;
      /** When it came, on the monotonic clock, in milliseconds; now, where it does not say. */
      readonly beganMs?: number;
      readonly address?: string;
      readonly signal?: AbortSignal;
      readonly charge?: Charge | null;
    },
  ) {
    this.services = settings.services;
    const { beganMs = systemClock.nowMs() } = request;
    this.course = { ends: null, operation: 'none', isMutation: false, failure: null, beganMs };
    this.log = settings.log;
    this.charge = request.charge ?? null;
    this.principal = request.principal;
    this.needsPrincipal = settings.authenticator !== null;
    this.correlationId = request.correlationId ?? randomUUID();
    this.address = request.address ?? null;
    this.caller = {
      principal: request.principal?.name ?? null,
      mayManage:
        settings.authenticator === null || request.principal?.scopes.has('manage') === true,
      deadline: Deadline.in(settings.requestTimeoutMs, systemClock, request.signal),
    };
  }

  /** For one event of a subscription: it reads what is there now, in a time of its own, and is no request. */
  forEvent(): RequestContext {
    const { principal, correlationId, address } = this;
    const settings = { ...this.settings, observer: null };
    return new RequestContext(settings, {
      principal,
      correlationId,
      ...(address !== null && { address }),
    });
  }

  /** Calls back when the operation has its answer. */
  onEnd(callback: () => void): void {
    (this.course.ends ??= []).push(callback);
  }

  /** The operation has its answer, or will have none. */
  end(): void {
    const { course, caller, correlationId } = this;
    for (const callback of course.ends ?? []) callback();
    course.ends = null;
    const { operation, isMutation, failure, beganMs } = course;
    this.settings.observer?.ended({
      ...{ operation, isMutation, failure, correlationId },
      principal: caller.principal,
      tookMs: systemClock.nowMs() - beganMs,
    });
  }

  /** What the operation asks for: a name of the schema. */
  asks(rootField: string, type: string): void {
    this.course.operation = rootField;
    this.course.isMutation = type === 'mutation';
  }

  /** An error of its answer; the first one counts. @param code one of a bounded number. */
  fails(code: string): void {
    this.course.failure ??= code;
  }

  get loaders(): Loaders {
    this.lazyLoaders ??= new Loaders(
      this.services.products,
      this.services.locations,
      this.caller.deadline,
    );
    return this.lazyLoaders;
  }

  /**
   * What lists by location may hold, for the limit of nodes. The process has read its locations at the start; it learns
   * of later ones when it reads levels.
   */
  get listSizes(): { readonly locations: number } {
    const { products, locations } = this.services;
    return { locations: Math.max(products.mostLevels, locations.mostLocations) };
  }

  /** For a read after COMMIT. Null where it fails: it must not change the answer. */
  async orNull<T>(work: Promise<T | null>): Promise<T | null> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof CallerGoneError) return null;
      this.log.warn(
        { err: error, correlationId: this.correlationId },
        'The answer has no product: it could not be read.',
      );
      return null;
    }
  }
}
